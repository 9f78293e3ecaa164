// Hostile peers: whatever is in a text, an address or a system_id is seen as text, runs nowhere and asks nobody.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");

const { test } = require("../lib/peer");
const { Window, bound, simulator, until } = require("./harness");
const { NAMES, PAYLOADS } = require("./payloads");
const { Esme, NUMBER } = require("./traffic");

const SENT = Object.entries(PAYLOADS).map(([name, payload]) => ({ name, payload, text: `${payload} [${name}]` }));
// What pages show in a form of their own: control characters as chips, lines joined.
const isPlain = (text) => !/[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/u.test(text);

/** Sends them all as UCS-2, and with a name as the source_addr in turn. Gives their ids. */
async function attack(server, bind) {
  const esme = await Esme.bound(server.port, bind);
  const ids = [];
  for (const [at, { text }] of SENT.entries()) {
    const octets = Buffer.from(text, "utf16le").swap16();
    const content = octets.length > 254 ? { message_payload: octets, short_message: "" } : { short_message: octets };
    ids.push(await esme.submit({
      ...content, data_coding: 8, destination_addr: NUMBER,
      source_addr_ton: 5, source_addr_npi: 0, source_addr: NAMES[at % NAMES.length],
    }));
  }
  return { esme, ids };
}

/** Fails if anything of theirs became more than text. */
async function harmless(window) {
  const made = await window.page.evaluate(() => {
    const is = (selector) => [...document.querySelectorAll(selector)].map((element) => element.outerHTML.slice(0, 120));
    const handlers = [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some(({ name }) => /^on/.test(name)));
    return {
      ran: window.__xss === undefined ? [] : window.__xss,
      elements: is("iframe, object, embed, base, meta[http-equiv], form[action], math, details[ontoggle], body script, img, animate, use, link[href*=evil]"),
      handlers: handlers.map((element) => element.outerHTML.slice(0, 120)),
      links: [...document.querySelectorAll("[href], [src], [action]")].map((element) => element.getAttribute("href") ?? element.getAttribute("src") ?? "").filter((to) => /^\s*(javascript|data:text|vbscript)|evil\.example/i.test(to)),
    };
  });
  assert.deepStrictEqual(made, { ran: [], elements: [], handlers: [], links: [] });
  window.check();
}

/** All text of an element, of which only rows in view are in the document: from its top to its end. */
async function gathered(locator) {
  await locator.first().waitFor();
  let all = "";
  for (let at = 0; at < 60; at += 1) {
    all += `\n${await locator.first().evaluate((element) => element.textContent)}`;
    const isEnd = await locator.first().evaluate((element) => {
      const was = element.scrollTop;
      element.scrollTop += element.clientHeight * 0.6;
      return element.scrollTop === was;
    });
    if (isEnd) break;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  return all;
}

/** Those whose text is not there as it was sent. */
const missing = (there, only = isPlain) => SENT.filter(({ text }) => only(text) && !there.includes(text)).map(({ name }) => name);

test("hostile_texts_and_names_are_text_in_the_simulators_inbox_and_phone", async () => {
  const server = await simulator();
  await attack(server);
  const window = await Window.open(server);
  await window.go(`/simulator/inbox?number=${NUMBER}`);
  await window.shows("[path]");
  await harmless(window);
  const main = await window.page.locator("main").textContent();
  assert.deepStrictEqual(missing(main), [], "texts that are not seen");
  await window.go("/simulator");
  await window.shows(/\[path\]/);
  await harmless(window);
});

test("hostile_names_are_text_in_sessions_and_the_overview", async () => {
  const server = await simulator();
  for (const system_id of NAMES) await Esme.bound(server.port, { fields: {}, system_id });
  const window = await Window.open(server);
  await window.go("/sessions");
  await until(async () => (await server.rest("sessions")).length === NAMES.length, "all binds");
  const grid = window.page.getByRole("grid", { name: "Sessions" });
  const there = await gathered(grid);
  for (const name of NAMES) assert.ok(there.includes(name), `${name} is not seen`);
  await harmless(window);
  for (const { id } of (await server.rest("sessions")).slice(0, 4)) {
    await window.go(`/sessions?sel=${id}`);
    await window.shows(`Session ${id}`);
    await harmless(window);
  }
  await window.go("/");
  await window.shows(NAMES[0]);
  await harmless(window);
});

test("hostile_texts_are_text_in_the_pdu_log_and_the_inspector", async () => {
  const server = await simulator();
  const { esme } = await attack(server);
  const [{ id }] = await server.rest("sessions");
  const window = await Window.open(server);
  await window.go(`/sessions?sel=${id}`);
  const log = window.page.getByRole("grid", { name: "PDUs" });
  await window.shows("submit_sm", log);
  await gathered(log);
  await harmless(window);
  const kept = (await server.rest("pdus?command=submit_sm&limit=100")).items;
  for (const { number } of kept) await server.rest(`pdus/${number}`);
  // Each PDU as octets, in the inspector that all pages share.
  for (const { text, name } of SENT) {
    const octets = Buffer.from(text, "utf16le").swap16();
    const pdu = submitOf(octets);
    await window.go(`/codec#hex=${pdu.toString("hex")}`);
    const line = await window.shows(new RegExp(`\\[${name}\\]`), window.page.locator("main"));
    await line.hover().catch(() => {});
    if (isPlain(text)) assert.ok((await window.page.locator("main").textContent()).includes(text), `${name} is not seen as it was sent`);
    await harmless(window);
  }
  await esme.silence(0);
});

/** A submit_sm with a text. */
function submitOf(octets) {
  const body = Buffer.concat([
    Buffer.from([0, 5, 0]), Buffer.from(`${NAMES[1]}\0`), Buffer.from([1, 1]), Buffer.from(`${NUMBER}\0`),
    Buffer.from([0, 0, 0, 0, 0, 0, 0, 8, 0, octets.length]), octets,
  ]);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(16 + body.length, 0);
  head.writeUInt32BE(4, 4);
  head.writeUInt32BE(1, 12);
  return Buffer.concat([head, body]);
}

test("hostile_texts_are_text_in_messages_and_on_the_page_of_each", async () => {
  const { front } = await bound();
  const { ids } = await attack(front);
  const window = await Window.open(front);
  await window.go("/messages");
  const grid = window.page.getByRole("grid").first();
  await until(async () => (await grid.locator("[role=row]").count()) > 10, "rows");
  const there = await gathered(grid);
  assert.deepStrictEqual(SENT.filter(({ name }) => !there.includes(`[${name}]`)).map(({ name }) => name), [], "texts that are not listed");
  await harmless(window);
  for (const [at, { text, name }] of SENT.entries()) {
    await window.go(`/messages/${ids[at]}`);
    await window.shows(new RegExp(`\\[${name}\\]`), window.page.locator("main"));
    if (isPlain(text)) assert.ok((await window.page.locator("main").textContent()).includes(text), `${name} is not seen as it was sent`);
    await harmless(window);
  }
});

test("exports_do_not_begin_cells_with_what_spreadsheets_calculate", async () => {
  const { front } = await bound();
  await attack(front);
  const window = await Window.open(front);
  await window.go("/messages");
  await until(async () => (await window.page.getByRole("grid").first().locator("[role=row]").count()) > 10, "rows");
  let button = window.page.getByRole("button", { name: /CSV/i });
  if ((await button.count()) === 0) {
    await window.page.getByRole("button", { name: /Export/i }).first().click();
    button = window.page.getByRole("button", { name: /CSV/i }).or(window.page.getByRole("menuitem", { name: /CSV/i })).or(window.page.getByRole("link", { name: /CSV/i }));
  }
  const [download] = await Promise.all([window.page.waitForEvent("download"), button.first().click()]);
  const csv = fs.readFileSync(await download.path(), "utf8").replace(/^\uFEFF/, "");
  const cells = cellsOf(csv);
  assert.ok(cells.length > SENT.length, `${cells.length} lines`);
  const bad = cells.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell) && !/^-?[\d.]+$/.test(cell));
  assert.deepStrictEqual(bad, []);
  assert.ok(cells.flat().some((cell) => cell.includes("HYPERLINK")), "the formula is not there at all");
  window.check();
});

/** Cells of a CSV file, by line (RFC 4180). */
function cellsOf(csv) {
  const lines = [[]];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    lines.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ",") lines.push([]);
  }
  return lines.filter((line) => line.length > 1);
}
