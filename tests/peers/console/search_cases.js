// What is looked for: messages on the server, PDUs of a session and of a message.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");

const { test } = require("../lib/peer");
const { LOOKS, Window, bound, simulator, until } = require("./harness");
const { Esme, NUMBER, traffic } = require("./traffic");

const rows = (window, name = "Messages") => window.page.getByRole("grid", { name }).locator("[role=row][aria-rowindex]:not([aria-rowindex='1'])");
const count = async (window, wanted) => until(async () => (await rows(window).count()) === wanted, `${wanted} rows`);

test("messages_are_searched_on_the_server_beyond_what_is_loaded", async () => {
  const { front } = await bound();
  const texts = ["Needle no. 1", ...Array.from({ length: 230 }, (_, at) => `Straw ${at}`)];
  const { ids } = await traffic(front, { texts, receipts: false, fields: { registered_delivery: 0 } });
  const window = await Window.open(front);
  const asked = [];
  window.page.on("request", (request) => asked.push(request.url()));
  await window.go("/messages?q=needle");
  await count(window, 1);
  await window.shows(/1 found/);
  assert.ok(asked.some((url) => url.includes("contains=needle")), "the server is asked");
  for (const [filter, wanted] of [
    ["text:*EEDLE*", 1], ["text~^needle", 1], ["needle state:DELIVERED,sent,queued", 1], ["needle state!=EXPIRED", 1], ["needle dest:+4477*", 1], ["needle dest!=4477*", 0],
    ["needle kind:message", 1], ["needle kind!=message", 0], ["needle connector:up", 1], ["needle connector:other", 0], [`id:${ids[0]}`, 1], ["needle attempts>0", 0],
  ]) {
    await window.page.getByRole("combobox", { name: "Filter" }).fill(filter);
    await window.page.keyboard.press("Enter");
    await (wanted ? count(window, wanted) : window.shows("Nothing matches"));
  }
  await window.page.getByRole("combobox", { name: "Filter" }).fill("text:straw");
  await window.page.keyboard.press("Enter");
  await window.shows(/230 found/);
  assert.match(window.path(), /q=text%3Astraw/);
  const other = await Window.open(front);
  await other.go(window.path());
  await other.shows(/230 found/);
  window.check();
  other.check();
});

test("a_long_search_says_how_far_it_is_and_is_stopped_and_resumed", async () => {
  const { front } = await bound();
  await traffic(front, { texts: ["Needle", "Straw 1", "Straw 2"], receipts: false, fields: { registered_delivery: 0 } });
  const window = await Window.open(front);
  // As if there were more to look at than one answer does.
  await window.page.route("**/api/v1/messages?*", async (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set("rows", "1");
    if (url.searchParams.has("before")) await new Promise((resolve) => setTimeout(resolve, 700));
    await route.continue({ url: url.href });
  });
  await window.go("/messages?q=needle");
  await window.shows(/Searching older/);
  await window.page.getByRole("button", { name: "Stop" }).click();
  await window.shows(/Nothing found so far/);
  await window.shows(/looked at \d+, back to/);
  await window.page.getByRole("button", { name: "Search older ones" }).click();
  await count(window, 1);
  await window.shows(/1 found/);
  window.check();
});

test("a_session_is_saved_as_a_capture", async () => {
  const server = await simulator();
  await traffic(server, { texts: ["in the capture"] });
  const window = await Window.open(server);
  const [session] = await server.rest("sessions");
  await window.go(`/sessions?sel=${session.id}`);
  const [download] = await Promise.all([window.page.waitForEvent("download"), window.page.getByRole("link", { name: "Save pcapng" }).click()]);
  assert.match(download.suggestedFilename(), /\.pcapng$/);
  const octets = fs.readFileSync(await download.path());
  assert.strictEqual(octets.readUInt32LE(0), 0x0a0d0d0a);
  assert.ok(octets.includes("in the capture") && !octets.includes("secret"));
  window.check();
});

test("the_pdu_log_of_a_session_goes_by_keys", async () => {
  const server = await simulator();
  await traffic(server, { texts: ["Hello"] });
  const window = await Window.open(server);
  const { page } = window;
  const [session] = await server.rest("sessions");
  await window.go(`/sessions?sel=${session.id}`);
  const log = page.getByRole("grid", { name: "PDUs" });
  await window.shows("submit_sm_resp", log);
  const selected = () => log.locator("[aria-selected=true]").first().getAttribute("aria-rowindex", { timeout: 1_000 }).catch(() => null);
  await page.keyboard.press("o");
  await until(async () => (await selected()) === "2", "the newest row");
  for (const [key, row] of [["j", "3"], ["j", "4"], ["k", "3"]]) {
    await page.keyboard.press(key);
    await until(async () => (await selected()) === row, `row ${row}`);
  }
  const dialog = page.getByRole("dialog", { name: "PDU" });
  for (const key of ["Enter", "o"]) {
    await page.keyboard.press(key);
    await dialog.waitFor();
    await window.shows("sequence_number", dialog);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await log.focus();
  }
  assert.match(window.path(), new RegExp(`sel=${session.id}`), "the session stays selected");
  await page.keyboard.press("Escape");
  await until(async () => (await selected()) === null, "no selected PDU");
  await log.locator("[role=row][aria-rowindex='2']").dblclick();
  await dialog.waitFor();
  window.check();
});

test("text_in_message_payload_is_shown_as_text", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  await window.go("/codec");
  const fields = ["00", "0101", "3130303000", "0101", "34343737303039303031323300", "00".repeat(10)];
  const body = `${fields.join("")}042400054865796f21`;
  const pdu = `${((body.length + 32) / 2).toString(16).padStart(8, "0")}000000040000000000000002${body}`;
  await window.page.getByLabel(/Octets in hex/).fill(pdu);
  await window.shows("message_payload", window.page.locator("main"));
  await window.shows('"Heyo!"', window.page.locator("main"));
  window.check();
});

test("a_message_from_a_handset_shows_its_pdus_on_both_sides", async () => {
  const { centre, front } = await bound();
  const esme = await Esme.bound(front.port);
  const [smsc] = await centre.rest("smscs");
  await centre.rest(`smscs/${smsc.name}/mo`, { method: "POST", body: { source_addr: NUMBER, destination_addr: "1000", text: "STOP" } });
  await until(() => esme.delivered.length > 0, "a deliver_sm");
  const { items } = await front.until("messages?kind=incoming", (found) => found.items.length > 0);
  const window = await Window.open(front);
  await window.go(`/messages/${items[0].message_id}`);
  await until(async () => (await window.page.getByText("deliver_sm_resp ESME_ROK").count()) >= 2, "both answers");
  const found = await front.rest(`pdus?message=${items[0].message_id}`);
  assert.deepStrictEqual(found.items.map((pdu) => [pdu.direction, pdu.command]).sort(), [["in", "deliver_sm"], ["in", "deliver_sm_resp"], ["out", "deliver_sm"], ["out", "deliver_sm_resp"]]);
  const [download] = await Promise.all([window.page.waitForEvent("download"), window.page.getByRole("link", { name: "Save pcapng" }).click()]);
  assert.ok(fs.readFileSync(await download.path()).includes("STOP"));
  window.check();
});

test("an_alarm_that_is_over_is_shown_with_its_time", async () => {
  const { front } = await bound();
  await front.rest("connectors/up/drain", { method: "POST", body: {} });
  await front.until("alarms", (alarms) => alarms.some((alarm) => alarm.key === "up/is drained" && alarm.ended_ms === null));
  await front.rest("connectors/up/resume", { method: "POST", body: {} });
  await front.until("alarms", (alarms) => alarms.some((alarm) => alarm.key === "up/is drained" && alarm.ended_ms !== null));
  for (const look of [LOOKS.light, LOOKS.phone]) {
    const window = await Window.open(front, look);
    await window.go("/");
    const alarms = window.page.getByRole("region", { name: "Alarms" });
    await window.shows("Ended in the last hour", alarms);
    await window.shows("up is drained", alarms);
    window.check();
  }
});
