// Tests of app.js against `smppkit simulator`.
"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const path = require("node:path");
const readline = require("node:readline");
const { after, afterEach, before, beforeEach, test } = require("node:test");

const SMPPKIT = process.env.SMPPKIT ?? "smppkit";
const SETTINGS = path.join(__dirname, "../simulator.toml");
let simulator, app;

/** Starts a program, and reads its lines until one of them is enough. */
async function start(program, args, enough) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of readline.createInterface({ input: child.stdout })) if (enough(line)) return child;
  throw new Error(`${program} ended early`);
}

before(async () => {
  const found = {};
  const child = await start(SMPPKIT, ["simulator", "--quiet", "--config", SETTINGS], (line) => {
    found.smpp ??= /listening on (\S+)/.exec(line)?.[1];
    found.url = /^REST.*(http:\S+)/.exec(line)?.[1];
    return found.url;
  });
  simulator = { child, ...found };
});

after(() => simulator.child.kill());

// Nothing is left of the test before, and an application is bound.
beforeEach(async () => {
  await ask("POST", "reset");
  app = await start(process.execPath, [path.join(__dirname, "app.js"), simulator.smpp], (line) => line === "bound");
});

afterEach(() => app.kill());

/** Asks the REST interface; an answer that is a problem fails the test with what it says. */
async function ask(method, what, { body, ...query } = {}) {
  const url = `${simulator.url}/api/v1/${what}?${new URLSearchParams(query)}`;
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${what}: ${text}`);
  return text && JSON.parse(text);
}

/** The messages that match, as soon as there are `count` of them. */
const wait = async (conditions) => (await ask("GET", "messages/wait", { timeout: "5s", ...conditions })).items;

const say = (text) =>
  ask("POST", "smscs/smsc/mo", { body: { source_addr: "447700900123", destination_addr: "12345", text } });

test("a code is sent and delivered", async () => {
  await say("login");
  const [code] = await wait({ text: "Your code is*", message_state: "DELIVERED" });
  assert.match(code.text, /^Your code is \d{6}$/);
  assert.deepEqual([code.source_addr, code.destination_addr], ["12345", "447700900123"]);
});

test("the dialogue goes as it should", async () => {
  const outcome = await ask("POST", "smscs/smsc/dialogues/login/run");
  assert.deepEqual(outcome.said.map((said) => said.by), ["subscriber", "application"]);
});

test("the welcome arrives whole", async () => {
  await say("login");
  const [welcome] = await wait({ text: "Welcome*" });
  assert.ok(welcome.text.endsWith("👋") && welcome.text.includes("欢迎"));
  assert.deepEqual([welcome.parts, welcome.data_coding], [2, 8]);
});

test("a throttled code is sent again", async () => {
  const rule = { on: "submit_sm", times: 1, then: { status: "ESME_RTHROTTLED" } };
  await ask("POST", "smscs/smsc/rules", { body: rule });
  await say("login");
  await wait({ text: "Your code is*" });
  assert.equal((await ask("GET", "smscs/smsc/rules"))[0].taken, 1);
});

test("other texts are not answered", async () => {
  await say("hello");
  await wait({ count: 0, timeout: "300ms" });
});
