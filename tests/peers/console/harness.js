// Servers whose pages are looked at, and the browser that looks.
"use strict";

const assert = require("node:assert");
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");

const { chromium } = require("playwright-core");

const { PATIENCE_MS, afterwards, sleep, soon } = require("../lib/peer");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
/** How a page is looked at. */
const LOOKS = {
  light: { viewport: DESK, colorScheme: "light" },
  dark: { viewport: DESK, colorScheme: "dark" },
  phone: { viewport: PHONE, colorScheme: "light", isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};

/** A simulator or gateway as a child process, and where its pages are. */
class Server {
  /** Starts `smppkit` with these arguments, and waits until it says where it listens. */
  static async start(...command) {
    const server = Object.assign(new Server(), { command, log: "" });
    await server.begin();
    afterwards(() => server.end());
    return server;
  }

  async begin() {
    const child = spawn(process.env.SMPPKIT, this.command, { stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    this.exited = new Promise((resolve) => child.on("exit", resolve));
    child.stderr.on("data", (octets) => (this.log += octets));
    await soon(this.told(child.stdout), `${this.command[0]} to listen`);
    // Nobody else reads what it says later.
    child.stdout.resume();
  }

  async told(stdout) {
    this.admin = undefined;
    for await (const line of readline.createInterface({ input: stdout })) {
      const port = /^listening on \S+:(\d+)/.exec(line);
      if (port && line.endsWith("(TLS)")) this.tlsPort = Number(port[1]);
      else if (port) this.port ??= Number(port[1]);
      this.admin ??= /^REST, metrics and health on (\S+)/.exec(line)?.[1];
      this.link = /^console (\S+)/.exec(line)?.[1] ?? this.link;
      if (this.admin && this.link) break;
    }
    assert.ok(this.admin && this.link, `it ended before it listened: ${this.log}`);
    // The pages are there, too.
    this.url = this.admin;
  }

  /** Ends it as a crash does. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  end() {
    this.child.kill("SIGKILL");
    if (this.folder) fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** What its REST interface says; `body` is sent. */
  async rest(route, { method = "GET", body, headers = {} } = {}) {
    // Not fetch: its headers say that a browser asks.
    const asked = http.request(`${this.admin}/api/v1/${route}`, {
      method, timeout: PATIENCE_MS, headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(asked, "response");
    const text = Buffer.concat(await response.toArray()).toString();
    assert.ok(response.statusCode < 400, `${method} ${route} answers ${response.statusCode} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Asks until the answer is right, and gives it. */
  async until(route, isRight) {
    return until(async () => {
      const answer = await this.rest(route);
      return isRight(answer) && answer;
    }, route);
  }
}

/** `smppkit simulator`. */
const simulator = (...options) =>
  Server.start(
    "simulator", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--quiet",
    ...(options.includes("--receipt-delay") ? [] : ["--receipt-delay", "200ms"]), ...options,
  );

/** A value as TOML writes it, on one line. */
const toml = (value) =>
  Array.isArray(value) ? `[${value.map(toml).join(", ")}]`
  : value && typeof value === "object" ? `{ ${Object.entries(value).map(([key, item]) => `${key} = ${toml(item)}`).join(", ")} }`
  : JSON.stringify(value);

/** A file of settings: what is a list of tables gets its heads. */
function settings(told) {
  const isTables = (value) => Array.isArray(value) && value.length > 0 && typeof value[0] === "object";
  const plain = Object.entries(told).filter(([, value]) => !isTables(value));
  const tables = Object.entries(told).filter(([, value]) => isTables(value));
  const lines = plain.map(([key, value]) => `${key} = ${toml(value)}`);
  for (const [name, items] of tables) {
    for (const item of items) lines.push("", `[[${name}]]`, ...Object.entries(item).map(([key, value]) => `${key} = ${toml(value)}`));
  }
  return lines.join("\n") + "\n";
}

/** `smppkit simulator` with settings of its own. */
async function configured(told) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "smppkit-console-"));
  const file = path.join(folder, "simulator.toml");
  fs.writeFileSync(file, settings({ admin: { listen: "127.0.0.1:0" }, ...told }));
  const server = await Server.start("simulator", "--config", file, "--quiet");
  server.folder = folder;
  return server;
}

/** A gateway before these message centres, by name; anybody on loopback may look unless `admin` says otherwise. */
async function gateway(centres, { admin = {}, ...told } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "smppkit-console-"));
  const file = path.join(folder, "gateway.toml");
  const connector = Object.entries(centres).map(([name, centre]) => ({
    name, address: `127.0.0.1:${centre.port ?? centre}`, system_id: "gateway", password: "secret", reconnect: "1s",
  }));
  const write = (ports) => fs.writeFileSync(file, settings({
    data: path.join(folder, "data"), listen: [`127.0.0.1:${ports.port ?? 0}`],
    admin: { listen: ports.admin?.replace("http://", "") ?? "127.0.0.1:0", sign_in: "open", ...admin },
    account: [{ system_id: "app", password: "secret" }],
    connector,
    route: [{ name: "all", to: Object.keys(centres) }],
    mo_route: [{ to: "app" }],
    ...told,
  }));
  write({});
  const server = await Server.start("gateway", "--config", file, "--quiet");
  Object.assign(server, { folder, file });
  // Started again, it listens where it did.
  write(server);
  return server;
}

/** A simulator and a gateway bound to it. */
async function bound(told) {
  const centre = await simulator();
  const front = await gateway({ up: centre }, told);
  if (!told?.admin) await front.until("connectors", ([up]) => up.binds > 0);
  return { centre, front };
}

let browser;

/** The one browser of all cases. */
async function launched() {
  browser ??= await chromium.launch({ executablePath: process.env.SMPPKIT_CHROMIUM, args: FLAGS });
  return browser;
}

/** A window of a browser that nobody used before, and what went wrong in it. */
class Window {
  static async open(server, look = LOOKS.light, options = {}) {
    const context = await (await launched()).newContext({ ...look, reducedMotion: "reduce", acceptDownloads: true, ...options });
    afterwards(() => void context.close().catch(() => {}));
    const window = Object.assign(new Window(), { server, context, problems: [], dialogs: [], elsewhere: [], allowed: [] });
    context.setDefaultTimeout(PATIENCE_MS);
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
      );
    });
    window.page = await context.newPage();
    window.watch(window.page);
    return window;
  }

  watch(page) {
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(`console: ${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => this.problems.push(`error: ${error.stack ?? error}`));
    page.on("dialog", (dialog) => {
      this.dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== "data:" && protocol !== "blob:" && origin !== new URL(this.server.url).origin) this.elsewhere.push(request.url());
    });
    page.on("requestfailed", (request) => {
      // What a page no longer wants when it is left.
      if (request.failure()?.errorText !== "net::ERR_ABORTED") this.problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) this.problems.push(`${response.status()} ${response.request().method()} ${response.url()}`);
    });
  }

  /** Goes to a path, and waits until its page is drawn. */
  async go(to) {
    await this.page.goto(this.server.url + to);
    await this.drawn();
  }

  async drawn() {
    await this.page.locator("main").first().waitFor();
    await until(async () => (await this.page.locator(".skeleton, [aria-busy=true]").count()) === 0, "a page that is drawn");
  }

  /** Waits until a text is seen somewhere on the page, in an element that is shown. */
  async shows(text, within = this.page) {
    const found = within.getByText(text).filter({ visible: true }).first();
    await found.waitFor({ timeout: 8_000 }).catch(async () => {
      const there = await this.page.locator("body").innerText().catch(() => "");
      throw new Error(`${this.page.url()} does not show ${text}, but ${JSON.stringify(there.slice(0, 600))}`);
    });
    return found;
  }

  /** Fails if anything went wrong since the last time, but for what these allow. */
  check(...allowed) {
    const found = this.problems.splice(0).filter((problem) => !allowed.some((each) => each.test(problem)));
    assert.deepStrictEqual([...found, ...this.dialogs, ...this.elsewhere], []);
  }

  path() {
    const { pathname, search, hash } = new URL(this.page.url());
    return pathname + search + hash;
  }
}

/** Waits until a function gives something true, and gives that. */
async function until(holds, what) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`);
    await sleep(25);
  }
}

module.exports = { LOOKS, Server, Window, bound, configured, gateway, launched, settings, simulator, until };
