// What pages say when there is nothing, when the server is gone, and when it is another's URL.
"use strict";

const assert = require("node:assert");

const { sleep, test } = require("../lib/peer");
const { LOOKS, Window, bound, gateway, simulator, until } = require("./harness");
const { NUMBER, TEXTS, traffic } = require("./traffic");

const GONE = /ERR_|50\d|WebSocket|Failed to load/;

test("an_empty_simulator_says_how_to_fill_it", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  await window.go("/");
  await window.shows(/Nobody is bound/);
  await window.go("/sessions");
  await window.shows("Nobody is bound");
  await window.go("/simulator");
  await window.shows(/smppkit send/);
  window.check();
});

test("an_empty_gateway_says_so_and_what_is_down", async () => {
  const front = await gateway({ up: 1 });
  const window = await Window.open(front);
  await window.go("/");
  await window.shows(/up/, window.page.getByRole("region", { name: "State" }));
  await window.go("/messages");
  await window.shows(/no message/i);
  await window.go("/sessions");
  await window.shows("up");
  await window.go("/connectors/up");
  await window.shows("up");
  window.check();
});

test("a_connector_that_is_down_says_why_among_the_sessions", async () => {
  const front = await gateway({ up: 1 });
  await front.until("connectors/up", ({ last_error }) => last_error !== null);
  const window = await Window.open(front);
  await window.go("/sessions");
  await window.shows(/refused/i, window.page.getByRole("grid").first());
  window.check();
});

test("sessions_show_how_long_the_peer_took_to_answer_enquire_link", async () => {
  const centre = await simulator();
  const address = `127.0.0.1:${centre.port}`;
  const front = await gateway({}, {
    connector: [{ name: "up", address, system_id: "gateway", password: "secret", enquire_link: "1s" }],
    route: [{ to: ["up"] }],
  });
  const [session] = await front.until("sessions", (all) => all.length === 1 && all[0].enquire_link_us);
  assert.ok(session.enquire_link_us < 1_000_000, `${session.enquire_link_us} µs`);
  const window = await Window.open(front);
  await window.go("/sessions");
  await window.shows("enquire_link", window.page.getByRole("columnheader"));
  await window.shows(/^[\d.]+\s(µs|ms)$/, window.page.getByRole("grid").first());
  window.check();
});

test("the_overview_shows_how_fast_each_account_sends_at_every_look", async () => {
  const { front } = await bound();
  const { esme } = await traffic(front);
  let isOver = false;
  const sending = (async () => {
    while (!isOver) {
      await esme.submit({ destination_addr: NUMBER });
      await sleep(50);
    }
  })();
  const window = await Window.open(front);
  await window.go("/");
  const path = window.page.getByRole("group", { name: "Rates from accounts to connectors" });
  const told = async () => (await path.locator("text.n").allTextContents()).map((text) => parseFloat(text));
  await until(async () => (await told()).length === 2 && (await told()).every((rate) => rate > 0), "rates of both sides");
  for (let look = 0; look < 30; look += 1) {
    const rates = await told();
    assert.ok(rates.every((rate) => rate > 0), `${rates} at look ${look}`);
    await sleep(200);
  }
  isOver = true;
  await sending;
  window.check();
});

test("nothing_matches_is_said_with_a_way_back", async () => {
  const { front } = await bound();
  await traffic(front);
  const window = await Window.open(front);
  for (const path of ["/sessions?q=system_id:nobody", "/messages?q=nowhere-to-be-found"]) {
    await window.go(path);
    await (await window.shows(/Clear filter/)).click();
    await window.shows(path.startsWith("/sessions") ? "app" : TEXTS[0]);
  }
  await window.go("/messages?q=nofield:x");
  await window.shows(/There is no field nofield/);
  window.check();
});

test("a_page_that_is_not_there_is_said", async () => {
  const server = await simulator();
  const window = await Window.open(server);
  await window.go("/no/such/page");
  await window.shows("There is no such page here");
  await window.go("/messages/1");
  await window.shows(/There is no such page here|There is no message/);
  await window.shows("/messages/1");
  window.check();
});

test("a_message_an_account_and_a_connector_that_are_not_there_are_said", async () => {
  const { front } = await bound();
  const window = await Window.open(front);
  await window.go("/messages/12345");
  await window.shows(/no message|no such message|not known/i);
  await window.go("/accounts/nobody");
  await window.shows(/There is no account/);
  await window.go("/connectors/nobody");
  await window.shows(/There is no connector/);
  window.check(/404/);
});

for (const look of ["light", "phone"]) {
  test(`a_server_that_is_gone_leaves_what_was_read_and_comes_back_in_${look}`, async () => {
    const server = await simulator();
    await traffic(server);
    const window = await Window.open(server, LOOKS[look]);
    const [{ id }] = await server.rest("sessions");
    await window.go(look === "phone" ? "/" : `/sessions?sel=${id}`);
    await window.shows(look === "phone" ? "app" : "submit_sm");
    await window.shows("Live");
    window.check();

    const { admin } = server;
    await server.kill();
    await window.shows(/Reconnecting/);
    await window.shows(look === "phone" ? "app" : "submit_sm");

    server.command.splice(server.command.indexOf("--admin") + 1, 1, admin.replace("http://", ""));
    server.port = undefined;
    await server.begin();
    await until(async () => (await window.page.getByText("Reconnecting").filter({ visible: true }).count()) === 0, "the feed to come back");
    await window.shows("Live");
    // What is new is seen without a reload.
    await traffic(server, { bind: { system_id: "again" } });
    await window.page.getByText("again").first().waitFor({ state: "attached" });
    window.check(GONE);
  });
}

test("a_feed_says_that_it_is_paused", async () => {
  const server = await simulator();
  await traffic(server);
  const [{ id }] = await server.rest("sessions");
  const window = await Window.open(server);
  await window.go(`/sessions?sel=${id}`);
  await window.shows("submit_sm");
  await window.page.getByRole("button", { name: "Pause" }).click();
  await window.shows("Paused", window.page.locator("footer"));
  await window.page.getByRole("button", { name: "Resume" }).click();
  await window.shows("Live", window.page.locator("footer"));
  assert.match(await window.page.locator("footer").innerText(), /0 skipped/);
  window.check();
});
