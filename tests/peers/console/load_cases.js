// How much a page weighs, and whether it stays readable under load. No case depends on how fast this machine is.
"use strict";

const assert = require("node:assert");
const { fork } = require("node:child_process");
const path = require("node:path");

const { afterwards, sleep, soon, test } = require("../lib/peer");
const { Window, bound, simulator, until } = require("./harness");
const { Esme, traffic } = require("./traffic");

const LIMIT_OCTETS = 200_000;
const SECONDS = Number(process.env.SMPPKIT_CONSOLE_SECONDS ?? 10);
// submit_sm a second; each is answered, so twice as many PDUs.
const RATE = 2_500;
const GROWTH_OCTETS = 48 << 20;

test("the_first_page_weighs_less_than_200_kB", async () => {
  const { front } = await bound();
  await traffic(front);
  const window = await Window.open(front);
  const session = await window.context.newCDPSession(window.page);
  await session.send("Network.enable");
  const [names, octets] = [new Map(), new Map()];
  session.on("Network.responseReceived", ({ requestId, response }) => names.set(requestId, response.url));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => octets.set(requestId, encodedDataLength));
  await window.page.goto(front.url, { waitUntil: "load" });
  await window.drawn();
  await window.page.evaluate(() => document.fonts.ready.then(() => {}));
  const files = [...octets].map(([id, count]) => [new URL(names.get(id) ?? "about:blank").pathname, count]);
  const pages = files.filter(([name]) => !name.startsWith("/api/") && name !== "/openapi.json");
  const total = pages.reduce((sum, [, count]) => sum + count, 0);
  const fonts = pages.filter(([name]) => name.endsWith(".woff2")).reduce((sum, [, count]) => sum + count, 0);
  console.log(`# / is ${total} octets in ${pages.length} files, fonts ${fonts}`);
  assert.ok(total > 20_000 && total < LIMIT_OCTETS, JSON.stringify(pages));
});

test("a_live_table_of_5000_pdus_a_second_shows_rows_and_says_what_it_skips", async () => {
  const server = await simulator("--receipt-delay", "1s");
  const window = await Window.open(server);
  await Esme.bound(server.port, { system_id: "still" });
  const blaster = fork(path.join(__dirname, "blast.js"), [String(server.port), String(RATE), "blast"], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  afterwards(() => blaster.kill("SIGKILL"));
  await soon(new Promise((resolve) => blaster.once("message", resolve)), "the blaster to be bound");
  const { id } = (await server.rest("sessions")).find((each) => each.system_id === "blast");

  await window.context.addInitScript(() => {
    const seen = (window.__seen = { frames: [], items: 0, skipped: 0, top: 0, tops: 0 });
    const Real = window.WebSocket;
    window.WebSocket = class extends Real {
      constructor(...told) {
        super(...told);
        this.addEventListener("message", ({ data }) => {
          const said = JSON.parse(data);
          if (!said.items?.[0]?.command) return;
          seen.items += said.items.length;
          seen.skipped += said.skipped ?? 0;
        });
      }
    };
    let last = performance.now();
    const frame = (now) => {
      if (seen.frames.length < 200_000) seen.frames.push(now - last);
      last = now;
      const top = document.querySelector('[role=grid][aria-label=PDUs] [role=row][aria-rowindex="2"]')?.textContent ?? "";
      if (top !== seen.top) seen.tops += 1;
      seen.top = top;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await window.go(`/sessions?sel=${id}`);
  await window.shows("submit_sm", window.page.getByRole("grid", { name: "PDUs" }));
  const session = await window.context.newCDPSession(window.page);
  await session.send("Performance.enable");
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "JSHeapUsedSize").value;
  };
  // The table is full of rows before it is weighed.
  await until(() => window.page.evaluate(() => window.__seen.items >= 20_000), "20,000 rows");
  const before = await heap();
  await window.page.evaluate(() => Object.assign(window.__seen, { frames: [], items: 0, skipped: 0, tops: 0 }));
  const began = Date.now();
  await sleep(SECONDS * 1_000);
  const { frames, items, skipped, tops } = await window.page.evaluate(() => window.__seen);
  const seconds = (Date.now() - began) / 1_000;
  const after = await heap();
  const said = await window.page.getByRole("region", { name: "PDU log" }).locator("header").innerText();
  const all = await window.page.evaluate(() => window.__seen.skipped);

  const sorted = [...frames].sort((one, other) => one - other);
  const quantile = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
  const mib = (octets) => (octets / (1 << 20)).toFixed(1);
  console.log(
    `# ${seconds.toFixed(0)} s: ${(items / seconds).toFixed(0)} rows/s, ${(skipped / seconds).toFixed(0)} skipped/s, ` +
    `${(frames.length / seconds).toFixed(1)} frames/s, painted anew ${(tops / seconds).toFixed(1)}/s, ` +
    `frame p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, worst ${sorted.at(-1).toFixed(1)} ms, heap ${mib(before)} to ${mib(after)} MiB`,
  );
  assert.ok(items > 0 && tops > 0, `${items} rows came, the first row changed ${tops} times`);
  if (all > 0) assert.match(said, /[\d,]+ skipped/, `${all} were skipped, and the page says ${said}`);
  assert.ok(after - before < GROWTH_OCTETS, `the heap grew from ${mib(before)} to ${mib(after)} MiB`);
  // It is still of use: a row opens in the inspector.
  await window.page.getByRole("grid", { name: "PDUs" }).locator("[role=row][aria-rowindex='5']").dblclick();
  await window.shows("command_length", window.page.getByRole("dialog", { name: "PDU" }));
  window.check();
});
