// What the simulator's page does besides sending: testing rules, calling an ESME, cancelling a broadcast, showing faults.
"use strict";

const assert = require("node:assert");

const { test } = require("../lib/peer");
const { AREAS, SOURCE, broadcast, listen, smpp } = require("../lib/node_smpp_esme");
const { LOOKS, Window, configured, simulator, until } = require("./harness");
const { Esme, NUMBER } = require("./traffic");

const RULES = [
  { name: "half", share: "50%", when: { destination_addr: "4477*" }, then: { status: "ESME_RTHROTTLED" } },
  { name: "hello", when: { text: "/hello/i" }, then: { state: "REJECTED" } },
];

test("a_number_is_tested_and_no_rule_counts_it", async () => {
  const server = await simulator();
  await server.rest("smscs/smsc/rules", { method: "PUT", body: RULES });
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/simulator/rules");
  await page.getByLabel("Test a number").fill(`+${NUMBER}`);
  const said = page.getByRole("region", { name: "Rules" }).getByRole("status");
  await window.shows("(50 %)", said);
  await window.shows("ESME_RTHROTTLED", said);
  await window.shows("What they leave goes as without rules.", said);
  await page.getByLabel("with the text").fill("Hello you");
  await window.shows("Rule 1", said);
  await window.shows("REJECTED", said);
  await until(() => window.path().includes(`test=%2B${NUMBER}`) || window.path().includes(`test=+${NUMBER}`), "the question in the URL");
  await page.getByLabel("Test a number").fill("15550100");
  await page.getByLabel("with the text").fill("Bye");
  await window.shows(/^No rule matches/, said);
  const rules = await server.rest("smscs/smsc/rules");
  assert.deepStrictEqual(rules.map(({ held, taken }) => [held, taken]), [[0, 0], [0, 0]]);
  window.check();
});

test("a_rule_is_tested_before_it_is_saved", async () => {
  const server = await simulator();
  await server.rest("smscs/smsc/rules", { method: "PUT", body: RULES });
  const window = await Window.open(server);
  const { page } = window;
  await window.go(`/simulator/rules/new?test=${NUMBER}&say=Hello`);
  const form = page.getByRole("region", { name: "New rule" });
  const said = form.getByRole("status");
  await window.shows("This rule", said);
  await form.getByLabel("destination_addr is").fill("44*");
  await form.getByLabel("command_status of the answer").fill("ESME_RMSGQFUL");
  await window.shows("ESME_RMSGQFUL", said);
  await window.shows("Nothing is left for rules 0, 1.", said);
  await form.getByLabel("destination_addr is").fill("99*");
  await window.shows("does not match", said);
  await form.getByLabel("command_status of the answer").fill("ESME_NONE");
  await window.shows(/ESME_NONE.*is/, said);
  assert.strictEqual((await server.rest("smscs/smsc/rules")).length, 2);
  await window.go(`/simulator/rules/0?test=${NUMBER}`);
  await window.shows("This rule", page.getByRole("region", { name: "Rule", exact: true }).getByRole("status"));
  window.check(/422/);
});

test("a_viewer_tests_rules_and_has_no_outbind", async () => {
  const server = await configured({
    admin: { listen: "127.0.0.1:0", sign_in: "required", token: "the-admins-token", viewer_token: "the-viewers-token" },
    smsc: [{ listen: ["127.0.0.1:0"], rule: [{ name: "slow", then: { delay: "30s" } }] }],
  });
  const window = await Window.open(server);
  const { page } = window;
  await page.goto(`${server.url}/#secret=the-viewers-token`);
  await window.go(`/simulator/rules?test=${NUMBER}`);
  await window.shows("Rule 0", page.getByRole("region", { name: "Rules" }).getByRole("status"));
  await window.go("/simulator/setup");
  await window.shows("Outbind");
  assert.strictEqual(await page.getByRole("button", { name: "Send outbind" }).count(), 0);
  window.check(/401/);
});

/** An ESME that listens and does this when it is sent an outbind; gives its address. */
async function listening(taken) {
  const port = await listen((session) => {
    const esme = new Esme(session);
    session.on("outbind", (pdu) => taken(esme, pdu));
  });
  return `127.0.0.1:${port}`;
}

test("an_outbind_is_sent_from_the_page_and_its_outcome_shown", async () => {
  const server = await simulator("--account", "app:secret", "--session-init", "1s");
  const window = await Window.open(server);
  const { page } = window;
  let asked;
  const good = await listening((esme, pdu) => {
    asked = [pdu.system_id, pdu.password];
    void esme.bind("receiver");
  });
  const wrong = await listening((esme) => void esme.bind("receiver", { password: "wrong" }));
  const silent = await listening(() => {});
  await window.go("/simulator/setup");
  const pane = page.getByRole("region", { name: "Accounts and what cannot change" });
  const send = async (address) => {
    await pane.getByLabel("Listening ESME").fill(address);
    await pane.getByRole("button", { name: "Send outbind" }).click();
  };
  await pane.getByLabel("system_id", { exact: true }).fill("centre");
  await pane.getByLabel("password", { exact: true }).fill("s3cret");
  await send(good);
  await window.shows("Bound as", pane);
  assert.deepStrictEqual(asked, ["centre", "s3cret"]);
  const [session] = await server.rest("sessions");
  assert.deepStrictEqual([session.system_id, session.bind_mode, session.peer], ["app", "receiver", good]);
  await server.rest("smscs/smsc/mo", { method: "POST", body: { source_addr: NUMBER, destination_addr: "1000", text: "to you" } });
  await server.until("pdus?command=deliver_sm_resp", ({ items }) => items.length === 1);
  await send(wrong);
  await window.shows("Bind refused", pane);
  await window.shows(/ESME_R/, pane);
  await send(silent);
  await window.shows("Timed out", pane);
  await send("127.0.0.1:1");
  await window.shows("Not connected", pane);
  await send("192.0.2.1:2775");
  await window.shows("Not a target", pane);
  await window.shows(/--client-target 192\.0\.2\.1\/32/, pane);
  window.check(/40[39]/);
});

test("a_broadcast_shows_its_areas_and_is_cancelled", async () => {
  const server = await simulator();
  const esme = await Esme.bound(server.port);
  const { message_id } = await esme.request("broadcast_sm", broadcast());
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/simulator/broadcast");
  const pane = page.getByRole("region", { name: "PDU" });
  for (const { data } of AREAS) await window.shows(data, pane);
  await window.shows("100 %", pane);
  await window.shows("ENROUTE", pane);
  await pane.getByRole("button", { name: "Cancel broadcast" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel broadcast" }).click();
  await window.shows("DELETED", pane);
  const { message_state } = await esme.request("query_broadcast_sm", { message_id, ...SOURCE });
  assert.strictEqual(message_state, smpp.MESSAGE_STATE.DELETED);
  assert.strictEqual(await pane.getByRole("button", { name: "Cancel broadcast" }).count(), 0);
  window.check();
});

test("a_fault_that_is_on_is_shown_beside_the_page_on_every_page", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/simulator/rules");
  const rail = page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: /^Simulator/ });
  assert.strictEqual((await rail.innerText()).trim(), "Simulator");
  await page.getByRole("checkbox", { name: "No answers" }).check();
  await window.shows("1 fault", rail);
  await page.getByRole("checkbox", { name: "Throttling" }).check();
  await window.shows("2 faults", rail);
  const other = await Window.open(server, LOOKS.phone);
  await other.go("/codec");
  await other.shows("2 faults", other.page.getByRole("navigation", { name: "Main pages" }));
  await server.rest("reset", { method: "POST" });
  await until(async () => !(await rail.innerText()).includes("fault"), "the badge to go");
  window.check();
  other.check();
});
