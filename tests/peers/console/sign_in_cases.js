// Who may look and who may change: the browser's side of it.
"use strict";

const assert = require("node:assert");
const http = require("node:http");
const net = require("node:net");

const { afterwards, soon, test } = require("../lib/peer");
const { Window, bound } = require("./harness");
const { Esme, traffic } = require("./traffic");

const REQUIRED = { admin: { sign_in: "required" } };
const TOKENS = { admin: { sign_in: "required", token: "the-admins-token", viewer_token: "the-viewers-token" } };
// A browser that is not signed in is told so.
const NOT_YET = /401/;

async function signIn(window, secret) {
  await window.page.goto(window.server.url);
  await window.page.getByLabel(/secret/i).fill(secret);
  await window.page.getByRole("button", { name: "Sign in" }).click();
}

const isIn = (window) => window.page.getByRole("navigation", { name: "Pages" }).waitFor();
const isOut = (window) => window.page.getByRole("button", { name: "Sign in" }).waitFor();

test("the_link_of_the_start_signs_in_once_and_a_reload_stays_signed_in", async () => {
  const { front } = await bound(REQUIRED);
  const stranger = await Window.open(front);
  await stranger.page.goto(front.url);
  await isOut(stranger);
  assert.ok(!(await stranger.page.locator("body").innerText()).includes("app"), "a stranger sees accounts");

  const window = await Window.open(front);
  await window.page.goto(front.link);
  await isIn(window);
  assert.ok(!window.page.url().includes("secret"), `the secret stays in ${window.page.url()}`);
  await window.page.reload();
  await isIn(window);
  await window.page.goto(`${front.url}/sessions`);
  await isIn(window);
  const [cookie] = await window.context.cookies();
  assert.deepStrictEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
  assert.strictEqual(await window.page.evaluate(() => document.cookie), "");
  window.check();

  await stranger.page.goto("about:blank");
  await stranger.page.goto(front.link);
  await isOut(stranger);
  stranger.check(NOT_YET);
});

test("signing_out_ends_it", async () => {
  const { front } = await bound(TOKENS);
  const window = await Window.open(front);
  await signIn(window, "wrong");
  await window.shows(/./, window.page.getByRole("alert"));
  await signIn(window, "the-admins-token");
  await isIn(window);
  await window.page.getByTitle("Sign out").or(window.page.getByRole("button", { name: "Sign out" })).first().click();
  await isOut(window);
  await window.page.reload();
  await isOut(window);
  window.check(NOT_YET);
});

test("a_viewer_sees_what_there_is_and_no_button_that_changes_it", async () => {
  const { front } = await bound(TOKENS);
  await traffic(front);
  const CHANGES = /^(New |Save|Delete|Kick|Unbind|Drain|Resume|Rule$|Send|Resend|Cancel|Add|Reset|Clear inbox|Connect$)/;
  const buttons = async (window, path) => {
    await window.go(path);
    await window.page.waitForTimeout(300);
    const names = await window.page.locator("main button:visible, header button:visible").evaluateAll((all) => all.map((each) => each.getAttribute("aria-label") ?? each.textContent.trim()));
    return names.filter((name) => CHANGES.test(name));
  };
  const auth = { headers: { authorization: "Bearer the-admins-token" } };
  const session = (await front.rest("sessions", auth)).find((each) => each.account === "app").id;
  const paths = ["/", "/messages", `/sessions?sel=${session}`, "/accounts", "/accounts/app", "/connectors/up", "/routes", "/client"];
  const [viewer, admin] = [await Window.open(front), await Window.open(front)];
  await signIn(viewer, "the-viewers-token");
  await isIn(viewer);
  await signIn(admin, "the-admins-token");
  await isIn(admin);
  let changing = 0;
  for (const path of paths) {
    assert.deepStrictEqual(await buttons(viewer, path), [], path);
    changing += (await buttons(admin, path)).length;
  }
  assert.ok(changing >= 4, `an admin sees ${changing} such buttons only`);
  const status = await viewer.page.evaluate(async (id) => {
    const { csrf } = await (await fetch("/api/v1/session")).json();
    return (await fetch(`/api/v1/sessions/${id}?how=kick`, { method: "DELETE", headers: { "X-CSRF-Token": csrf } })).status;
  }, session);
  assert.strictEqual(status, 403);
  viewer.check(NOT_YET, /403/);
  admin.check(NOT_YET);
});

test("what_changes_something_needs_the_csrf_token", async () => {
  const { front } = await bound(TOKENS);
  const window = await Window.open(front);
  await signIn(window, "the-admins-token");
  await isIn(window);
  const drain = (headers) =>
    window.page.evaluate(async (told) => (await fetch("/api/v1/connectors/up/drain", { method: "POST", headers: told })).status, headers);
  assert.strictEqual(await drain({}), 403);
  assert.strictEqual(await drain({ "X-CSRF-Token": "0".repeat(43) }), 403);
  const csrf = await window.page.evaluate(async () => (await (await fetch("/api/v1/session")).json()).csrf);
  assert.ok((await drain({ "X-CSRF-Token": csrf })) < 300, "with the token");
  window.check(NOT_YET, /403/);
});

test("pages_of_others_can_neither_ask_nor_open_a_websocket", async () => {
  const { centre, front } = await bound(TOKENS);
  await Esme.bound(centre.port);
  const signed = await Window.open(front);
  await signIn(signed, "the-admins-token");
  await isIn(signed);
  // The same site by SameSite's rule, another origin: the harder case for the server.
  const page = "<!doctype html><title>other</title>";
  const other = http.createServer((_, response) => response.setHeader("content-type", "text/html").end(page));
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  afterwards(() => other.close());
  const evil = await signed.context.newPage();
  await evil.goto(`http://127.0.0.1:${other.address().port}/`);
  for (const [server, url] of [["a gateway that asks to sign in", front.url], ["an open simulator", centre.url]]) {
    const open = await evil.evaluate((to) => new Promise((resolve) => {
      const socket = new WebSocket(`${to.replace("http", "ws")}/api/v1/live`);
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
    }), url);
    assert.strictEqual(open, false, `${server} lets a page of another origin listen`);
    const read = await evil.evaluate((to) => fetch(`${to}/api/v1/sessions`, { credentials: "include" }).then(() => true, () => false), url);
    assert.strictEqual(read, false, `${server} lets it read`);
    await evil.evaluate((to) => fetch(`${to}/api/v1/reset`, { method: "POST", mode: "no-cors", credentials: "include" }).catch(() => {}), url);
    await evil.evaluate((to) => new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.onload = () => resolve();
      frame.src = to;
      document.body.append(frame);
      setTimeout(resolve, 2_000);
    }), url);
    for (const frame of evil.frames().slice(1)) {
      assert.ok(!(await frame.content().catch(() => "")).includes("smppkit"), `${server} is shown in a frame`);
    }
  }
  // A reset would have forgotten them.
  assert.ok((await centre.rest("pdus?limit=10")).items.length > 0, "a page of another origin has reset the simulator");
});

test("a_websocket_without_an_origin_needs_a_token", async () => {
  const { front } = await bound(TOKENS);
  const asked = async (...headers) => {
    const { hostname, port, host } = new URL(front.admin);
    const socket = net.connect(Number(port), hostname);
    afterwards(() => socket.destroy());
    socket.write(["GET /api/v1/live HTTP/1.1", `Host: ${host}`, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", ...headers, "", ""].join("\r\n"));
    const said = await soon(new Promise((resolve) => socket.once("data", resolve)), "an answer");
    return Number(String(said).split(" ")[1]);
  };
  assert.notStrictEqual(await asked(), 101);
  assert.notStrictEqual(await asked("Origin: http://evil.example"), 101);
  assert.strictEqual(await asked("Authorization: Bearer the-viewers-token"), 101);
});
