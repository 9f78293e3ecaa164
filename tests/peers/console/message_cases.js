// What is done with one message, with pasted octets, and with the reference of the API.
"use strict";

const assert = require("node:assert");
const { execFile } = require("node:child_process");
const { promisify } = require("node:util");

const { test } = require("../lib/peer");
const { LOOKS, Window, bound, gateway, simulator, until } = require("./harness");
const { Esme, NUMBER, traffic } = require("./traffic");

const button = (page, name) => page.getByRole("button", { name, exact: true });

test("a_message_that_waits_is_cancelled_from_its_page", async () => {
  const front = await gateway({ up: 1 });
  const { ids } = await traffic(front, { texts: ["never mind"], receipts: false });
  const window = await Window.open(front);
  await window.go(`/messages/${ids[0]}`);
  await button(window.page, "Cancel").click();
  await button(window.page.getByRole("dialog"), "Cancel the message").click();
  await front.until(`messages/${ids[0]}`, ({ state }) => state === "cancelled");
  await window.shows("DELETED");
  window.check();
});

test("a_message_that_failed_is_sent_again_from_its_page", async () => {
  const { centre, front } = await bound();
  const refuse = [{ name: "refuse", then: { status: "ESME_RINVDSTADR" } }];
  await centre.rest("smscs/smsc/rules", { method: "PUT", body: refuse });
  const { ids } = await traffic(front, { texts: ["once more"], receipts: false });
  await front.until(`messages/${ids[0]}`, ({ state }) => state === "failed");
  await centre.rest("smscs/smsc/rules", { method: "PUT", body: [] });
  const window = await Window.open(front);
  await window.go(`/messages/${ids[0]}`);
  await button(window.page, "Replay").click();
  await front.until(`messages/${ids[0]}`, ({ state }) => state === "delivered");
  await window.shows("DELIVERED");
  window.check();
});

test("a_message_is_copied_as_a_command_that_sends_the_same", async () => {
  const { centre, front } = await bound();
  const { ids } = await traffic(front, { texts: ["Grüße, it's 5 €"], receipts: false });
  const window = await Window.open(front, LOOKS.light, { permissions: ["clipboard-read", "clipboard-write"] });
  await window.go(`/messages/${ids[0]}`);
  await button(window.page, "Copy as smppkit send").click();
  const copied = await until(() => window.page.evaluate(() => navigator.clipboard.readText()), "a command");
  assert.ok(copied.startsWith("smppkit send "), copied);
  const command = copied.replace("smppkit send", '"$SMPPKIT" send --url "$URL"');
  await promisify(execFile)("sh", ["-c", command], { env: { ...process.env, URL: `smpp://app:secret@127.0.0.1:${front.port}` }, timeout: 20_000 });
  const { items } = await centre.until("messages", ({ items }) => items.length === 2);
  const said = ({ text, source_addr, destination_addr }) => [text, source_addr, destination_addr];
  assert.deepStrictEqual(said(items[0]), said(items[1]));
  window.check();
});

test("a_long_message_shows_its_parts_its_header_and_its_encoding", async () => {
  const { front } = await bound();
  const esme = await Esme.bound(front.port);
  const part = (number, text) => Buffer.concat([Buffer.from([5, 0, 3, 0x2a, 2, number]), Buffer.from(text)]);
  const ids = [];
  for (const [at, text] of ["first half, ", "second half"].entries()) {
    ids.push(await esme.submit({ destination_addr: NUMBER, esm_class: 0x40, data_coding: 0, short_message: part(at + 1, text) }));
  }
  const window = await Window.open(front);
  await window.go(`/messages/${ids[0]}`);
  const parts = window.page.getByRole("navigation", { name: "Parts" });
  await until(async () => (await parts.getByRole("link").count()) === 2, "two parts");
  for (const text of [/GSM 7-bit/, /first half/, /second half/, "UDH of 6 octets", /part 1 of 2, 8-bit UDH, ref 0x2a/]) await window.shows(text, window.page.getByRole("region", { name: "Message", exact: true }));
  window.check();
});

// What is in it: a bind_transceiver of me, sequence_number 7.
const BIND = "0000002300000009000000000000000" + "76d65007365637265740000340000000000";

test("codec_takes_hex_base64_and_json_and_says_what_a_good_peer_answers", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  const { page } = window;
  const length = (BIND.length / 2).toString(16).padStart(8, "0");
  const hex = length + BIND.slice(8);
  const forms = [hex, Buffer.from(hex, "hex").toString("base64"), '{"command":"bind_transceiver","sequence_number":7,"system_id":"me","password":"secret","interface_version":52}'];
  for (const form of forms) {
    await window.go("/codec");
    await page.getByLabel(/Octets in hex/).fill(form);
    for (const text of ["bind_transceiver", "system_id", "What a good peer answers", /bind_transceiver_resp/]) await window.shows(text, page.locator("main"));
  }
  window.check();
});

test("the_reference_of_the_api_is_tried", async () => {
  const { front } = await bound();
  const window = await Window.open(front);
  const { page } = window;
  await window.go("/api");
  await page.getByLabel("Find an operation").fill("/api/v1/accounts");
  await page.getByRole("navigation", { name: "Operations" }).getByRole("link", { name: /^get ?\/accounts$/i }).click();
  const trial = page.getByRole("region", { name: "Try it" });
  await trial.getByRole("button", { name: /^Send/ }).click();
  await window.shows("200", trial);
  await window.shows(/"system_id": "app"/, trial);
  window.check();
});
