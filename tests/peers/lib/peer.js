// What the Node suites share: the simulator as a child process, and counting what passed.
"use strict";

const { spawn } = require("node:child_process");
const readline = require("node:readline");

// Longest wait for anything that is expected to happen; nothing waits that long when all is well.
const PATIENCE_MS = 30_000;
// A whole suite, so that a hanging peer ends with a report.
const SUITE_LIMIT_MS = 300_000;

const cases = [];
const children = new Set();
const closers = [];

/** A test; its name is what must hold. */
function test(name, run) {
  cases.push({ name, run });
}

/** Runs all cases, or those with one of the arguments in their names, and ends the process. */
async function main(limitMs = SUITE_LIMIT_MS) {
  const wanted = process.argv.slice(2);
  let passed = 0;
  let failed = 0;
  const late = setTimeout(() => {
    console.log(`not ok the suite: it took longer than ${limitMs / 1000} s`);
    endAll();
    console.log(`${passed} passed, ${failed + 1} failed`);
    process.exit(1);
  }, limitMs);
  for (const { name, run } of cases) {
    if (wanted.length && !wanted.some((part) => name.includes(part))) continue;
    try {
      await run();
      console.log(`ok ${name}`);
      passed += 1;
    } catch (error) {
      // The line of the case itself: that is where a reader looks first.
      const [at] = /\w+_cases\.js:\d+/.exec(error.stack) ?? ["no line"];
      console.log(`not ok ${name}: ${error.message.split("\n").join(" ")} (${at})`);
      failed += 1;
    } finally {
      endAll();
    }
  }
  clearTimeout(late);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

/** Runs a function when the current test is over. */
function afterwards(close) {
  closers.push(close);
}

function endAll() {
  while (closers.length) closers.pop()();
  for (const child of children) child.kill("SIGKILL");
  children.clear();
}

/** A promise that fails when it takes too long. */
function soon(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits until something holds. */
async function eventually(holds, what) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`);
    await sleep(10);
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** `smppkit simulator` on free ports of loopback. */
class Simulator {
  /** Starts it. With `tls` it listens for TLS also, on `tlsPort`. */
  static async start(...options) {
    const tls = options.includes("--tls-listen");
    const command = ["simulator", "--listen", "127.0.0.1:0"];
    if (!options.includes("--receipt-delay")) command.push("--receipt-delay", "200ms");
    const child = spawn(process.env.SMPPKIT, [...command, ...options], { stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    const simulator = new Simulator();
    simulator.child = child;
    simulator.log = "";
    child.stderr.on("data", (octets) => (simulator.log += octets));
    simulator.ended = new Promise((resolve) => child.on("exit", resolve));
    const ports = await soon(listening(child.stdout, tls ? 2 : 1), "the simulator to listen");
    [simulator.port, simulator.tlsPort] = ports;
    return simulator;
  }

  terminate() {
    this.child.kill("SIGTERM");
  }
}

async function listening(stdout, count) {
  const ports = [];
  for await (const line of readline.createInterface({ input: stdout })) {
    const port = /^listening on \S+:(\d+)/.exec(line);
    if (!port) throw new Error(`the simulator said ${line}`);
    ports.push(Number(port[1]));
    if (ports.length === count) return ports;
  }
  throw new Error("the simulator ended before it listened");
}

// However it ends, nothing that it started is left.
process.on("exit", endAll);
process.on("SIGTERM", () => process.exit(1));

module.exports = { Simulator, PATIENCE_MS, afterwards, eventually, main, sleep, soon, test };
