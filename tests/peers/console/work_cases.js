// What one does with the pages: send, reply, make a rule, ask for a route, change an account.
"use strict";

const assert = require("node:assert");

const { test } = require("../lib/peer");
const { receiptText } = require("../lib/node_smpp_esme");
const { Window, bound, simulator, until } = require("./harness");
const { Esme, NUMBER, TEXTS, traffic } = require("./traffic");

// Client.

async function connected(window, port, { password = "secret" } = {}) {
  const { page } = window;
  await window.go("/client");
  await page.getByLabel("Host").fill("127.0.0.1");
  await page.getByLabel("Port").fill(String(port));
  await page.getByLabel("system_id", { exact: true }).first().fill("app");
  await page.getByLabel("password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
}

test("the_client_binds_sends_a_submit_sm_and_shows_its_response_and_receipt", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  const { page } = window;
  await connected(window, server.port);
  await window.shows("BOUND_TRX");
  await page.getByLabel("destination_addr", { exact: true }).fill(NUMBER);
  await page.getByLabel("short_message", { exact: true }).fill("Grüße 🚆 from the form");
  await page.getByLabel("registered_delivery", { exact: true }).first().fill("1").catch(() => page.getByLabel("registered_delivery", { exact: true }).first().selectOption("1"));
  await page.getByRole("button", { name: /^Send/ }).click();
  const log = page.getByRole("grid", { name: "Log" });
  for (const text of ["submit_sm", "submit_sm_resp", "deliver_sm", "deliver_sm_resp"]) await log.getByText(text, { exact: true }).first().waitFor();
  const [message] = await server.until("messages", (found) => (found.items ?? found).length > 0).then((found) => found.items ?? found);
  assert.strictEqual(message.text, "Grüße 🚆 from the form");
  await page.getByRole("button", { name: "Unbind", exact: true }).click();
  await server.until("sessions", (all) => all.length === 0);
  window.check();
});

test("the_client_says_why_a_target_a_port_and_a_bind_are_refused", async () => {
  const server = await simulator("--account", "app:right");
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/client");
  await page.getByLabel("Host").fill("192.0.2.1");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await window.shows(/192\.0\.2\.1/, page.getByRole("alert"));
  await connected(window, 1);
  await window.shows(/refused|cannot connect/i, page.locator("main"));
  await connected(window, server.port, { password: "wrong" });
  await window.shows(/ESME_R/, page.locator("main"));
  window.check();
});

test("the_client_is_not_handed_a_password_by_the_url", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  await connected(window, server.port, { password: "s3cr3t" });
  await window.shows("BOUND_TRX");
  const kept = await window.page.evaluate(() => `${location.href} ${JSON.stringify(localStorage)} ${JSON.stringify(sessionStorage)} ${document.body.innerHTML}`);
  assert.ok(!kept.includes("s3cr3t"), "the password is kept");
  window.check();
});

// Codec.

const SUBMIT = "0000003b00000004000000000000000200010131303030000101343437373030393030313233000000000000000000000548656c6c6f";

test("codec_takes_pasted_octets_apart_and_keeps_them_in_the_url", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/codec");
  const pdu = `${(SUBMIT.length / 2).toString(16).padStart(8, "0")}${SUBMIT.slice(8)}`;
  await page.getByLabel(/Octets in hex/).fill(pdu);
  for (const text of ["submit_sm", "destination_addr", /447700900123/, /Hello/]) await window.shows(text, page.locator("main"));
  await until(() => window.path().includes("#hex="), "octets in the URL");
  const other = await Window.open(server);
  await other.go(window.path());
  await other.shows(/447700900123/, other.page.locator("main"));
  window.check();
  other.check();
});

test("codec_marks_what_is_wrong_and_where", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/codec");
  const input = page.getByLabel(/Octets in hex/);
  // sm_length says more than there is.
  await input.fill(`${(SUBMIT.length / 2).toString(16).padStart(8, "0")}${SUBMIT.slice(8, -12)}ff48656c6c6f`);
  await window.shows("What is odd");
  await window.shows(/sm_length|short_message/, page.getByRole("button").filter({ hasText: /octets|long|beyond|length/i }).first());
  await window.shows(/ESME_R/, page.locator("main"));
  await input.fill("00000010 0000zz15");
  await window.shows(/hex|character|z/i, page.getByRole("status").filter({ visible: true }));
  window.check();
});

// Simulator.

test("a_reply_from_the_phone_is_a_deliver_sm_to_the_session", async () => {
  const server = await simulator();
  const { esme } = await traffic(server);
  esme.delivered.length = 0;
  const window = await Window.open(server);
  const { page } = window;
  await window.go(`/simulator/inbox?number=${NUMBER}`);
  await window.shows(TEXTS[0]);
  const reply = page.getByRole("textbox", { name: /^Reply as/ });
  await reply.fill("Danke, ça va 👋");
  await reply.press("Enter");
  const came = await esme.takeDelivered().catch(async () => {
    await page.getByRole("button", { name: /^(Send|Reply)/ }).click();
    return esme.takeDelivered();
  });
  assert.deepStrictEqual([receiptText(came[0]), came[0].source_addr], ["Danke, ça va 👋", NUMBER]);
  await window.shows("Danke, ça va 👋");
  window.check();
});

test("new_messages_come_into_the_inbox_by_themselves", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  await window.go("/simulator");
  await traffic(server);
  await window.shows(TEXTS[1]);
  window.check();
});

test("a_rule_of_the_editor_takes_effect", async () => {
  const server = await simulator();
  const esme = await Esme.bound(server.port);
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/simulator/rules");
  await page.getByRole("link", { name: "New rule" }).or(page.getByRole("button", { name: "New rule" })).first().click();
  const form = page.getByRole("region", { name: "Rule", exact: true }).or(page.getByRole("region", { name: "New rule" })).first();
  await form.getByLabel(/^is, empty for any|^destination_addr/).first().fill("4477*");
  await form.getByLabel(/command_status/).first().fill("ESME_RTHROTTLED");
  await form.getByRole("button", { name: /^(Add|Save)/ }).click();
  await server.until("smscs/smsc/rules", (rules) => JSON.stringify(rules).includes("ESME_RTHROTTLED"));
  const resp = await esme.submitResp({ destination_addr: NUMBER });
  assert.strictEqual(resp.command_status, 0x58);
  assert.strictEqual((await esme.submitResp({ destination_addr: "15550100" })).command_status, 0);
  await window.shows(/4477\*/, page.getByRole("region", { name: "Rules" }));
  window.check();
});

// Routes, accounts.

test("routes_explain_the_way_of_a_message", async () => {
  const { front } = await bound({
    route: [
      { name: "premium", destination_addr: "4490*", refuse: "ESME_RINVDSTADR" },
      { name: "all", to: ["up"] },
    ],
  });
  const window = await Window.open(front);
  const { page } = window;
  await window.go("/routes");
  await window.shows("premium");
  await page.getByLabel("to", { exact: true }).fill(NUMBER);
  const explained = page.getByRole("region", { name: /Explain|Where|Way/i }).or(page.locator("main")).first();
  await window.shows(/^up$/, explained);
  await until(() => window.path().includes(`to=${NUMBER}`), "the question in the URL");
  await page.getByLabel("to", { exact: true }).fill("449001");
  await window.shows(/ESME_RINVDSTADR/, explained);
  assert.deepStrictEqual((await front.rest("routes")).map(({ route }) => route.name), ["premium", "all"]);
  window.check();
});

test("an_account_is_made_changed_and_undone", async () => {
  const { front } = await bound();
  const window = await Window.open(front);
  const { page } = window;
  await window.go("/accounts");
  await page.getByRole("button", { name: "New account" }).click();
  await page.getByLabel(/^system_id/).fill("shop");
  await page.getByLabel(/^password/).fill("secret");
  await page.getByRole("button", { name: /^Save/ }).click();
  await until(() => window.path() === "/accounts/shop", "the account's page");
  await Esme.bound(front.port, { system_id: "shop", password: "secret" });

  await page.getByLabel(/^throughput/).fill("7");
  await window.shows("throughput", page.getByRole("region", { name: "State and change" }));
  await page.getByRole("button", { name: /^Save/ }).click();
  const throughput = (found) => JSON.stringify(found).match(/"throughput":([^,}]+)/)?.[1];
  await front.until("accounts/shop", (found) => throughput(found) === "7" || throughput(found) === "7.0");
  await page.getByRole("status").getByRole("button", { name: "Undo" }).click();
  await front.until("accounts/shop", (found) => throughput(found) !== "7" && throughput(found) !== "7.0");
  window.check();
});

test("a_setting_that_is_not_right_is_said_beside_it", async () => {
  const { front } = await bound();
  const window = await Window.open(front);
  const { page } = window;
  await window.go("/accounts?new=yes");
  await page.getByLabel(/^system_id/).fill("a-name-that-is-too-long");
  await page.getByLabel(/^password/).fill("secret");
  await page.getByRole("button", { name: /^Save/ }).click();
  await window.shows(/15|long/, page.getByRole("region", { name: "Settings" }));
  assert.strictEqual((await front.rest("accounts")).length, 1);
  window.check(/422|400/);
});

test("a_connector_is_drained_and_resumed", async () => {
  const { front } = await bound();
  const window = await Window.open(front);
  const { page } = window;
  await window.go("/connectors/up");
  await page.getByRole("button", { name: "Drain" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
  await front.until("connectors", ([up]) => up.state === "drained" || up.state === "draining");
  await page.getByRole("button", { name: "Resume" }).first().click();
  await front.until("connectors", ([up]) => up.state !== "drained" && up.binds > 0);
  window.check();
});

test("a_session_is_kicked_after_a_question_of_which_cancel_is_the_default", async () => {
  const server = await simulator();
  await Esme.bound(server.port);
  const [{ id }] = await server.rest("sessions");
  const window = await Window.open(server);
  const { page } = window;
  await window.go(`/sessions?sel=${id}`);
  await page.getByRole("button", { name: "Kick" }).click();
  await window.shows(`Kick session ${id}?`);
  assert.strictEqual(await page.evaluate(() => document.activeElement.textContent), "Cancel");
  await page.keyboard.press("Enter");
  assert.strictEqual((await server.rest("sessions")).length, 1);
  await page.getByRole("button", { name: "Kick" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Kick" }).click();
  await server.until("sessions", (all) => all.length === 0);
  window.check();
});
