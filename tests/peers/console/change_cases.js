// Accounts, connectors and routes that are changed: what it would do, before it is saved, and what was done.
"use strict";

const assert = require("node:assert");

const { test } = require("../lib/peer");
const { Window, bound, until } = require("./harness");
const { barriers } = require("./page_cases");
const { NUMBER } = require("./traffic");

/** A gateway with one rule of its file, behind one that was made. */
async function ruled() {
  const { front } = await bound();
  await front.rest("routes", { method: "PUT", body: [{ name: "uk", destination_addr: "44*", to: "up" }] });
  const window = await Window.open(front);
  return { front, window, page: window.page };
}

const way = (page, name) => page.getByRole("list", { name });

test("a_rule_that_is_edited_shows_the_way_of_a_message_now_and_with_the_change", async () => {
  const { front, window, page } = await ruled();
  await window.go(`/routes?account=app&to=${NUMBER}&rule=1`);
  await window.shows("every condition holds", way(page, "The way of the message"));
  await page.getByLabel(/^destination_addr/).fill("33*");
  await window.shows("With this change this message goes by all instead of uk, to up as before.");
  await window.shows(/wanted 33\*/, way(page, "The way with this change"));
  await window.shows("every condition holds", way(page, "The way as it is now"));
  assert.strictEqual(await way(page, "The way with this change").getByText("differs", { exact: true }).count(), 2);
  assert.strictEqual(await way(page, "The way as it is now").getByText("differs", { exact: true }).count(), 1);
  assert.deepStrictEqual(await barriers(page), [], "axe");
  await page.getByLabel(/^destination_addr/).fill("447*");
  await window.shows("Nothing changes for this message: it goes by uk to up.");
  assert.strictEqual((await front.rest("routes"))[0].route.destination_addr, "44*", "it was saved");
  window.check();
});

test("what_only_the_server_sees_is_said_beside_the_setting_before_it_is_saved", async () => {
  const { front, window, page } = await ruled();
  await window.go(`/routes?account=app&to=${NUMBER}&rule=1`);
  await page.getByLabel(/^refuse/).fill("ESME_RNONE");
  await window.shows(/^"ESME_RNONE" is neither/, page.getByRole("region", { name: "Rule", exact: true }));
  await window.shows(/This is the way as it is now\..*ESME_RNONE/, page.getByRole("region", { name: "Where would it go?" }));
  await front.rest("connectors/other", { method: "PUT", body: { address: "127.0.0.1:1", system_id: "me", enabled: false } });
  await window.go("/connectors/other");
  await page.getByLabel(/^address/).fill("127.0.0.1");
  await window.shows(/has no port/, page.getByRole("region", { name: "Settings" }));
  await page.getByLabel(/^address/).fill("127.0.0.1:2");
  await until(async () => (await page.getByText(/has no port/).count()) === 0, "it is right again");
  assert.strictEqual((await front.rest("connectors/other")).settings.address, "127.0.0.1:1", "it was saved");
  window.check(/422/);
});

test("the_history_of_an_account_is_seen_and_what_it_was_is_put_into_the_form", async () => {
  const { front } = await bound();
  const put = (body) => front.rest("accounts/shop", { method: "PUT", body });
  await put({ password: "secret", window: 7 });
  await put({ window: 8 });
  const window = await Window.open(front);
  const { page } = window;
  await window.go("/accounts/shop?tab=history");
  const history = page.getByRole("list", { name: "History" });
  const [changed, added] = [history.getByRole("listitem").nth(0), history.getByRole("listitem").nth(1)];
  for (const text of ["changed", "window", "7", "8", "admin from 127.0.0.1", "It is so now."]) await window.shows(text, changed);
  await added.getByRole("button", { name: "Restore this revision" }).click();
  assert.strictEqual(await page.getByLabel(/^window/).inputValue(), "7");
  // What somebody changed since is not lost without a question.
  await page.getByLabel(/^window/).fill("9");
  await page.getByRole("button", { name: "History" }).click();
  await added.getByRole("button", { name: "Restore this revision" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore" }).click();
  assert.strictEqual(await page.getByLabel(/^window/).inputValue(), "7");
  assert.strictEqual((await front.rest("accounts/shop")).settings.window, 8, "it was saved");
  await page.getByRole("button", { name: /^Save/ }).click();
  await front.until("accounts/shop", ({ settings }) => settings.window === 7);
  await page.getByRole("button", { name: "History" }).click();
  await until(async () => (await history.getByRole("listitem").count()) === 3, "the third change");
  // One that is gone is made again, but for its password.
  await front.rest("accounts/shop", { method: "DELETE" });
  await window.go("/accounts");
  await page.getByRole("button", { name: "Make it again" }).click();
  assert.strictEqual(await page.getByLabel(/^window/).inputValue(), "7");
  await page.getByLabel(/^password/).fill("other");
  await page.getByRole("button", { name: /^Save/ }).click();
  await front.until("accounts", (all) => all.some(({ system_id: name }) => name === "shop"));
  window.check();
});

test("a_rule_that_was_taken_away_is_put_back_where_it_was", async () => {
  const { front, window, page } = await ruled();
  await front.rest("routes", { method: "DELETE" });
  await window.go("/routes");
  await page.getByRole("button", { name: "History" }).click();
  await page.getByRole("listitem").filter({ hasText: "removed" }).getByRole("button", { name: "Make it again" }).click();
  await window.shows("added", page.getByRole("region", { name: "Rules" }));
  assert.strictEqual((await front.rest("routes")).length, 1, "it was saved");
  await page.getByRole("button", { name: /^Save/ }).click();
  await front.until("routes", ([first]) => first.route.name === "uk" && first.route.destination_addr === "44*");
  window.check();
});

test("a_connector_that_is_down_says_why_and_a_rule_how_often_it_was_taken", async () => {
  const { front, window, page } = await ruled();
  await front.rest("connectors/other", { method: "PUT", body: { address: "127.0.0.1:1", system_id: "me" } });
  await window.go("/connectors/other");
  await window.shows(/Connection refused/, page.getByRole("region", { name: "State and change" }));
  await window.go("/connectors/up");
  await window.shows(/gateway\.toml/, page.getByRole("region", { name: "Settings" }));
  await window.go("/routes");
  await window.shows("0 taken", page.getByRole("region", { name: "Rules" }));
  window.check();
});
