// Without a mouse.
"use strict";

const assert = require("node:assert");

const { test } = require("../lib/peer");
const { Window, bound, simulator, until } = require("./harness");
const { Esme, TEXTS, traffic } = require("./traffic");

const selected = (window) => window.page.locator("[role=row][aria-selected=true]").first().textContent({ timeout: 5_000 }).catch(() => null);

async function fiveBound() {
  const server = await simulator();
  for (const system_id of ["alpha", "tango", "theta", "gamma", "delta"]) await Esme.bound(server.port, { system_id });
  const window = await Window.open(server);
  await window.go("/sessions");
  await window.shows("delta");
  return { server, window, page: window.page };
}

test("slash_goes_to_the_filter_and_escape_leaves_it", async () => {
  const { window, page } = await fiveBound();
  await page.keyboard.press("/");
  assert.strictEqual(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Filter");
  await page.keyboard.type("system_id:t*");
  await until(async () => (await page.getByRole("grid").getByText("alpha").count()) === 0, "fewer rows");
  await window.shows("theta");
  assert.match(window.path(), /q=system_id%3At/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  assert.notStrictEqual(await page.evaluate(() => document.activeElement.tagName), "INPUT");
  window.check();
});

test("j_and_k_move_and_escape_clears_the_selection", async () => {
  const { window, page } = await fiveBound();
  const seen = [];
  for (const key of ["j", "j", "k", "ArrowDown"]) {
    await page.keyboard.press(key);
    await until(() => selected(window), "a selected row");
    seen.push(/alpha|tango|theta|gamma|delta/.exec(await selected(window))[0]);
  }
  assert.strictEqual(seen[0], seen[2]);
  assert.strictEqual(seen[1], seen[3]);
  assert.notStrictEqual(seen[0], seen[1]);
  assert.match(window.path(), /sel=/);
  await page.keyboard.press("Escape");
  await until(async () => (await page.locator("[role=row][aria-selected=true]").count()) === 0, "no selected row");
  window.check();
});

test("question_mark_shows_the_keys_and_escape_closes_them", async () => {
  const { window, page } = await fiveBound();
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keys" });
  await dialog.waitFor();
  for (const text of ["filter", "move"]) await window.shows(text, dialog);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  window.check();
});

test("ctrl_k_goes_to_a_page", async () => {
  const { window, page } = await fiveBound();
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog", { name: "Go to or do" });
  await dialog.waitFor();
  await page.keyboard.type("codec");
  await page.keyboard.press("Enter");
  await until(() => window.path().startsWith("/codec"), "Codec");
  await page.keyboard.press("Control+k");
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  window.check();
});

test("all_of_a_page_is_reached_by_tab_with_a_focus_that_is_seen", async () => {
  const { window, page } = await fiveBound();
  const unseen = [];
  for (let at = 0; at < 40; at += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const rings = [];
      for (let each = element; each && rings.length < 3; each = each.parentElement) {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each);
        rings.push((outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none");
      }
      return { what: element.outerHTML.slice(0, 80), seen: rings.some(Boolean) };
    });
    if (found && !found.seen) unseen.push(found.what);
  }
  assert.deepStrictEqual(unseen, []);
  window.check();
});

test("back_restores_filter_and_selection", async () => {
  const { window, page } = await fiveBound();
  await page.getByRole("combobox", { name: "Filter" }).fill("system_id:t*");
  await page.keyboard.press("Enter");
  await until(async () => (await page.getByRole("grid").getByText("alpha").count()) === 0, "fewer rows");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("j");
  await until(() => window.path().includes("sel="), "a selection in the URL");
  const [was, row] = [window.path(), await selected(window)];
  await page.getByRole("navigation", { name: "Pages" }).getByText("Codec").click();
  await until(() => window.path().startsWith("/codec"), "Codec");
  await page.goBack();
  await until(() => window.path() === was, was);
  assert.strictEqual(await page.getByRole("combobox", { name: "Filter" }).inputValue(), "system_id:t*");
  await until(() => selected(window), "the selected row");
  assert.strictEqual(/tango|theta/.exec(await selected(window))[0], /tango|theta/.exec(row)[0]);
  window.check();
});

test("messages_are_filtered_opened_and_left_by_keys", async () => {
  const { front } = await bound();
  const { ids } = await traffic(front);
  const window = await Window.open(front);
  const { page } = window;
  await window.go("/messages");
  await window.shows(TEXTS[0]);
  await page.keyboard.press("/");
  await page.keyboard.type("4711");
  await page.keyboard.press("Enter");
  await until(async () => (await page.getByRole("grid").first().getByText(TEXTS[1]).count()) === 0, "fewer rows");
  await page.getByRole("grid").first().getByText(TEXTS[0]).first().waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("j");
  await until(() => window.path().includes("sel="), "a selection in the URL");
  const was = window.path();
  await page.keyboard.press("Enter");
  await until(() => window.path().startsWith(`/messages/${ids[0]}`), "the message's page");
  await window.shows(TEXTS[0]);
  await page.goBack();
  await until(() => window.path() === was, was);
  await window.shows(TEXTS[0]);
  window.check();
});
