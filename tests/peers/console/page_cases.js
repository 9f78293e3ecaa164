// Every page of both servers, in each look: it loads at its URL, shows what was sent a moment ago, and breaks no rule.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");

const { test } = require("../lib/peer");
const { LOOKS, Window, bound, simulator } = require("./harness");
const { NUMBER, TEXTS, traffic } = require("./traffic");

const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const HEX = "0000001500000001000000000000000161707000";

/** Pages of a gateway, and what must be seen there. `on` leaves out looks that lack it. */
const ofGateway = ({ ids, session }) => [
  ["/", /Traffic flows|Nothing|All|connector/i, "Accepted", "Delivered"],
  ["/messages", TEXTS[0], TEXTS[2]],
  [`/messages/${ids[0]}`, TEXTS[0], "submit_sm"],
  ["/sessions", "app", "up"],
  [`/sessions?sel=${session}`, "app", "submit_sm"],
  ["/accounts", "app"],
  ["/accounts/app", "app"],
  ["/connectors", "up"],
  ["/connectors/up", "up", "gateway"],
  ["/routes", "all", "up"],
  ["/accounts/late?tab=history", "changed", "window"],
  ["/routes?tab=all", "added", "fr"],
  ["/client", /bind|connect/i],
  [`/codec#hex=${HEX}`, /bind_receiver/],
  ["/api", "/messages/{message_id}"],
];

const ofSimulator = ({ session }) => [
  ["/", "app", "Accepted"],
  ["/sessions", "app"],
  [`/sessions?sel=${session}`, "app", "submit_sm"],
  ["/simulator", TEXTS[3]],
  [`/simulator/inbox?number=${NUMBER}`, TEXTS[0], TEXTS[3]],
  ["/simulator/rules", /rule/i],
  ["/client", /bind|connect/i],
  [`/codec#hex=${HEX}`, /bind_receiver/],
  ["/api", "/smscs"],
];

/** What axe finds that keeps people out. */
async function barriers(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`).join(" | ")}`);
}

async function seen(server, pages, look) {
  const window = await Window.open(server, LOOKS[look]);
  const found = [];
  for (const [path, ...texts] of pages) {
    try {
      await window.go(path);
      for (const text of texts) await window.shows(text);
      assert.ok(await window.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "it is wider than the window");
      window.check();
      const there = await barriers(window.page);
      assert.deepStrictEqual(there, [], "axe");
    } catch (error) {
      found.push(`${path}: ${error.message}`);
      window.problems.length = 0;
    }
  }
  assert.deepStrictEqual(found, []);
}

for (const look of Object.keys(LOOKS)) {
  test(`every_page_of_a_gateway_shows_traffic_in_${look}`, async () => {
    const { front } = await bound();
    const { ids } = await traffic(front);
    for (const window of [7, 8]) await front.rest("accounts/late", { method: "PUT", body: { password: "secret", window } });
    await front.rest("routes", { method: "PUT", body: [{ name: "fr", destination_addr: "33*", to: "up" }] });
    const [{ id: session }] = (await front.rest("sessions")).filter((each) => each.account === "app");
    await seen(front, ofGateway({ ids, session }), look);
  });

  test(`every_page_of_a_simulator_shows_traffic_in_${look}`, async () => {
    const server = await simulator();
    await traffic(server);
    const [{ id: session }] = await server.rest("sessions");
    await seen(server, ofSimulator({ session }), look);
  });
}

module.exports = { barriers };
