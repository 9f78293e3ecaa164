// The SMPP client in the browser beyond a first message: TLS, profiles, every PDU, octets, repeat, script, chat, two sessions.
"use strict";

const assert = require("node:assert");

const { sleep, test } = require("../lib/peer");
const { Window, simulator, until } = require("./harness");
const { NUMBER } = require("./traffic");

/** A simulator and a page of its client, bound to it. */
async function client(...options) {
  const server = await simulator(...options);
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/client");
  await bind(page, server.port);
  await window.shows("BOUND_TRX");
  return { server, window, page };
}

/** Fills in the connection, of one of two sessions where there are two, and connects. */
async function bind(page, port, at = 0) {
  await page.getByLabel("Host").nth(at).fill("127.0.0.1");
  await page.getByLabel("Port").nth(at).fill(String(port));
  const form = page.locator("form").filter({ has: page.getByLabel("Host") }).nth(at);
  await form.getByLabel("system_id", { exact: true }).fill("app");
  await form.getByLabel("password", { exact: true }).fill("s3cr3t");
  await form.getByRole("button", { name: "Connect", exact: true }).click();
}

const octets = (page) => page.getByRole("region", { name: "Octets" });
const log = (page) => page.getByRole("grid", { name: "Log" });
const button = (page, name) => page.getByRole("button", { name, exact: true });

test("the_client_speaks_tls_and_says_when_it_trusts_nobody", async () => {
  const server = await simulator("--tls-listen", "127.0.0.1:0");
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/client");
  await page.getByRole("checkbox", { name: "TLS" }).check();
  await bind(page, server.tlsPort);
  await window.shows(/certificate|TLS/, page.getByRole("status").or(page.getByRole("alert")).first());
  await button(page, "More").click();
  await page.getByRole("checkbox", { name: "Take any certificate" }).check();
  await bind(page, server.tlsPort);
  await window.shows("BOUND_TRX");
  const [session] = await server.rest("sessions");
  assert.strictEqual(session.tls, true);
  window.check();
});

test("the_client_binds_as_it_is_told_and_keeps_a_profile_without_its_password", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  const { page } = window;
  await window.go("/client");
  await page.getByLabel("Version").selectOption("3.4");
  await page.getByLabel("Bind as").selectOption("transmitter");
  await page.getByLabel("Host").fill("127.0.0.1");
  await page.getByLabel("Port").fill(String(server.port));
  await page.getByLabel("system_id", { exact: true }).fill("app");
  await page.getByLabel("password", { exact: true }).fill("s3cr3t");
  await button(page, "More").click();
  await page.getByLabel("Profile").last().fill("mine");
  await button(page, "Keep profile").click();
  assert.ok(!(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).includes("s3cr3t"), "the password is kept");
  await page.reload();
  await window.drawn();
  await page.getByLabel("Profile").first().selectOption("p:mine");
  assert.strictEqual(await page.getByLabel("password", { exact: true }).inputValue(), "");
  await button(page, "Connect").click();
  await window.shows("BOUND_TX");
  const [session] = await server.rest("sessions");
  assert.deepStrictEqual([session.bind_mode, session.interface_version, session.system_id], ["transmitter", "3.4", "app"]);
  window.check();
});

test("every_pdu_has_a_form_with_all_its_fields_and_octets", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  const { page } = window;
  const { pdus } = await server.rest("codec/table");
  await window.go("/client");
  const offered = await page.getByLabel("PDU of session 1").evaluate((list) => [...list.options].map(({ value }) => value));
  assert.deepStrictEqual([...offered].sort(), [...pdus.map(({ name }) => name), "octets"].sort());
  const form = page.getByRole("region", { name: "Form", exact: true });
  for (const pdu of pdus) {
    await window.go(`/client?pdu=${pdu.name}`);
    for (const show of await form.getByRole("button", { name: "Show", exact: true }).all()) await show.click({ timeout: 500 }).catch(() => {});
    const labels = new Set(await form.locator("input, textarea").evaluateAll((all) => all.map((each) => each.getAttribute("aria-label") ?? each.labels?.[0]?.textContent?.trim())));
    for (const field of pdu.fields) {
      if (field.kind === "tlvs" || field.kind === "list") continue;
      assert.ok(labels.has(field.name), `${pdu.name} has no ${field.name} among ${[...labels]}`);
    }
    // What has nothing to say has its header, what needs something says what.
    await until(async () => /octets/.test(await octets(page).innerText()), `octets of ${pdu.name}`);
  }
  window.check(/422/);
});

test("a_field_is_lit_in_the_octets_and_octets_that_are_edited_change_the_form", async () => {
  const { server, window, page } = await client();
  await page.getByLabel("destination_addr", { exact: true }).fill("4477");
  await page.getByLabel("destination_addr", { exact: true }).focus();
  await window.shows("destination_addr", octets(page));
  await octets(page).getByLabel("Octets of destination_addr: 34 34 37 37 00").waitFor();
  await button(octets(page), "Edit").click();
  const hex = page.getByLabel("Octets in hex");
  await hex.fill((await hex.inputValue()).replace("34 34 37 37 00", "34 39 38 39 00"));
  await until(async () => (await page.getByLabel("destination_addr", { exact: true }).inputValue()) === "4989", "the number in the form");
  await page.getByRole("button", { name: /^Send/ }).click();
  const [message] = await server.until("messages", ({ items }) => items.length > 0).then(({ items }) => items);
  assert.strictEqual(message.destination_addr, "4989");
  window.check();
});

test("a_text_says_how_it_is_encoded_and_a_long_one_goes_in_parts", async () => {
  const { server, window, page } = await client();
  const text = page.getByLabel("short_message", { exact: true });
  await page.getByLabel("destination_addr", { exact: true }).fill(NUMBER);
  await text.fill("12 €");
  await window.shows(/5 of 160 septets, 1 part/);
  await text.fill("12 € 🚆");
  await window.shows(/UCS-2 because of/);
  await text.fill("a".repeat(200));
  await window.shows(/2 parts/);
  await page.getByRole("button", { name: /^Send 2 parts/ }).click();
  const { items } = await server.until("messages", ({ items }) => items.length === 1 && items[0].parts === 2);
  assert.strictEqual(items[0].text, "a".repeat(200));
  window.check();
});

test("a_message_is_repeated_at_a_rate_and_counted", async () => {
  const { server, window, page } = await client();
  await page.getByLabel("destination_addr", { exact: true }).fill(NUMBER);
  await button(page, "Repeat").click();
  await page.getByLabel("Count").fill("30");
  await page.getByLabel("Rate").fill("100");
  const began = Date.now();
  await button(page, "Start").click();
  await window.shows("30 sent, 30 answered, 0 failed");
  assert.ok(Date.now() - began > 250, "30 at 100 a second came at once");
  await server.until("messages", ({ items }) => items.length === 30);
  window.check();
});

test("a_script_plays_its_steps_up_to_the_first_that_fails", async () => {
  const { server, window, page } = await client();
  await page.getByLabel("destination_addr", { exact: true }).fill(NUMBER);
  await until(async () => page.getByRole("button", { name: /^Send/ }).isEnabled(), "octets");
  await button(page, "script").click();
  const script = page.getByRole("region", { name: "Script" });
  await button(script, "Add what is written at the left").click();
  await button(script, "Add expect").click();
  await script.getByLabel("Expected").selectOption("unbind");
  await script.getByLabel("within").fill("300");
  await button(script, "Add expect").click();
  await button(script, "Add what is written at the left").click();
  await button(script, "Run").click();
  const steps = script.getByRole("listitem");
  await until(async () => /bad/.test((await steps.nth(2).getAttribute("class")) ?? ""), "a third step that failed");
  await sleep(300);
  assert.strictEqual((await server.rest("messages")).items.length, 1, "the fourth step was played");
  window.check();
});

test("the_log_is_a_conversation_too", async () => {
  const { server, window, page } = await client();
  await page.getByLabel("destination_addr", { exact: true }).fill(NUMBER);
  await page.getByLabel("short_message", { exact: true }).fill("Where are you?");
  await page.getByLabel("registered_delivery", { exact: true }).fill("1");
  await page.getByRole("button", { name: /^Send/ }).click();
  await button(page, "Chat").click();
  const chat = page.getByRole("log", { name: "Messages" });
  await window.shows("Where are you?", chat);
  await window.shows("DELIVERED", chat);
  await server.rest("smscs/smsc/mo", { method: "POST", body: { source_addr: NUMBER, destination_addr: "12345", text: "At the station" } });
  await window.shows("At the station", chat);
  window.check();
});

test("two_sessions_stand_side_by_side_and_send_to_each_other", async () => {
  const server = await simulator();
  const window = await Window.open(server, undefined, { viewport: { width: 1600, height: 900 } });
  const { page } = window;
  await window.go("/client?two=1");
  await bind(page, server.port);
  await until(async () => (await server.rest("sessions")).length === 1, "the first session");
  await bind(page, server.port);
  await until(async () => (await server.rest("sessions")).length === 2, "the second session");
  await page.getByLabel("destination_addr", { exact: true }).nth(1).fill(NUMBER);
  await page.getByLabel("short_message", { exact: true }).nth(1).fill("of the second");
  await page.getByRole("button", { name: /^Send/ }).nth(1).click();
  const { items } = await server.until("messages", ({ items }) => items.length === 1);
  assert.strictEqual(items[0].text, "of the second");
  await log(page).getByText("2", { exact: true }).first().waitFor();
  window.check();
});
