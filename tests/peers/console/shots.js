// Pictures of the console's pages for the documentation: node shots.js DIRECTORY [NAME...]. `cargo xtask shots` runs it.
// A gateway with four accounts and three message centres, of which one is busy and one is down, and a simulator.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const { afterwards, eventually, sleep } = require("../lib/peer");
const { Window, configured, gateway, until } = require("./harness");
const { Esme, NUMBER, content } = require("./traffic");

const LIMIT_OCTETS = 500_000;
// Overview is of some use only after a while.
const TRAFFIC_MS = 1_000 * Number(process.env.SMPPKIT_SHOTS_SECONDS ?? 180);
const DESK = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1.25 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const LIGHT = { colorScheme: "light" };
const DARK = { colorScheme: "dark" };

/** The pages, in the order in which they are taken: what needs the most traffic comes last. */
const SHOTS = [
  { name: "console-simulator", look: { ...DESK, ...LIGHT }, take: simulatorPage },
  { name: "console-phone-simulator", look: { ...PHONE, ...DARK }, take: simulatorPage },
  { name: "console-client", look: { ...DESK, ...LIGHT }, take: clientPage },
  { name: "console-codec", look: { ...DESK, ...DARK }, take: codecPage },
  { name: "console-routes", look: { ...DESK, ...LIGHT }, take: routesPage },
  { name: "console-change", look: { ...DESK, ...LIGHT }, take: changePage },
  { name: "console-message", look: { ...DESK, ...LIGHT }, take: messagePage },
  { name: "console-messages", look: { ...DESK, ...LIGHT }, take: messagesPage },
  { name: "console-sessions", look: { ...DESK, ...DARK }, take: sessionsPage },
  { name: "console-phone-messages", look: { ...PHONE, ...LIGHT }, take: messagesPage },
  { name: "console-overview", look: { ...DESK, ...DARK }, take: overviewPage, isLate: true },
];

const ACCOUNTS = {
  "acme-otp": { rate: 5, from: { source_addr_ton: 5, source_addr_npi: 0, source_addr: "ACME" }, texts: (n) => `Your ACME code is ${100_000 + ((n * 7919) % 900_000)}. It is good for 5 minutes.` },
  parcelpost: { rate: 3, from: { source_addr_ton: 3, source_addr_npi: 0, source_addr: "72727" }, texts: (n) => `Parcel ${4_000 + n} is on its way and arrives today between ${9 + (n % 8)}:00 and ${10 + (n % 8)}:00.` },
  citybank: { rate: 2, from: { source_addr_ton: 5, source_addr_npi: 0, source_addr: "CityBank" }, texts: (n) => (n % 3 ? `You paid ${(n * 13) % 90}.50 EUR at the station bakery. Not you? Call us.` : "Votre virement de 240,00 € a été exécuté aujourd’hui.") },
  tramline: { rate: 1, from: { source_addr_ton: 5, source_addr_npi: 0, source_addr: "Tramline" }, texts: (n) => `Line ${1 + (n % 12)} 🚋 is ${5 + (n % 20)} minutes late at Köln Neumarkt.` },
};
// Numbers that are kept for such use.
const numberOf = (n) => [`447700900${100 + (n % 900)}`, `46701740${605 + (n % 95)}`, `331990012${10 + (n % 90)}`, `120255501${10 + (n % 90)}`][n % 4];


async function stage() {
  const centre = (told) => configured({ seed: 7, smsc: [{ name: "default", listen: ["127.0.0.1:0"], receipt_delay: "p50=800ms p99=6s", ...told }] });
  const failing = [
    { name: "switched off", when: { destination_addr: "*7" }, then: { state: "UNDELIVERABLE", error_code: 27 } },
    { name: "unknown number", when: { destination_addr: "46*4" }, then: { status: "ESME_RINVDSTADR" } },
  ];
  const north = await centre({ rule: failing });
  const atlas = await centre({ throughput: 3 });
  const front = await gateway({ "nordlink-se-1": north, "atlas-fr-1": atlas, "savanna-ng-1": 1 }, {
    account: Object.keys(ACCOUNTS).map((system_id) => ({ system_id, password: "secret", throughput: 50 })),
    route: [
      { name: "premium numbers", destination_addr: "4490*", refuse: "ESME_RINVDSTADR" },
      { name: "France", destination_addr: "33*", to: ["atlas-fr-1", "nordlink-se-1"] },
      { name: "Nigeria", destination_addr: "234*", to: ["savanna-ng-1"] },
      { name: "one-time codes", account: "acme-otp", to: ["nordlink-se-1"] },
      { name: "everything else", to: ["nordlink-se-1", "atlas-fr-1"] },
    ],
    mo_route: [{ to: "parcelpost" }],
  });
  await front.until("connectors", (all) => all.filter((each) => each.binds > 0).length === 2);
  for (const [system_id, { rate, from, texts }] of Object.entries(ACCOUNTS)) {
    const esme = await Esme.bound(front.port, { system_id });
    let n = system_id.length * 17;
    const timer = setInterval(() => {
      n += 1;
      const share = 0.7 + 0.3 * Math.sin(Date.now() / 23_000);
      if ((n * 37) % 100 < share * 100) esme.session.submit_sm({ ...from, dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: numberOf(n * 3), registered_delivery: 1, ...content(texts(n)) }, () => {});
    }, 1_000 / rate);
    afterwards(() => clearInterval(timer));
  }
  return front;
}

/** A simulator that an application is tested against. */
async function tested() {
  const server = await configured({
    seed: 7,
    smsc: [{
      name: "default", listen: ["127.0.0.1:0"], receipt_delay: "400ms", mo_numbers: ["72727"],
      rule: [
        { name: "busy twice", when: { destination_addr: "4477*55" }, times: 2, then: { status: "ESME_RTHROTTLED" } },
        { name: "out of range", when: { destination_addr: "46*" }, then: { state: "UNDELIVERABLE", error_code: 27 } },
      ],
    }],
  });
  const esme = await Esme.bound(server.port, { system_id: "shop" });
  const from = { source_addr_ton: 3, source_addr_npi: 0, source_addr: "72727" };
  for (const [destination_addr, text] of [
    ["447700900255", "Your table for 4 is booked for Friday, 19:30."], ["46701740612", "Din kod är 4711"],
    ["447700900188", "Parcel 4711 is at your door 📦"], [NUMBER, "Your code is 271828. Nobody will ever ask you for it."],
    [NUMBER, "Grüße aus Köln! Ihr Zug fährt heute 20 Minuten später von Gleis 7 ab."],
  ]) await esme.submitResp({ ...from, destination_addr, ...content(text), registered_delivery: 1 });
  await eventually(() => esme.delivered.length >= 4, "receipts");
  await server.rest("smscs/default/mo", { method: "POST", body: { source_addr: NUMBER, destination_addr: "72727", text: "Thank you! Which platform?" } });
  await esme.submitResp({ ...from, destination_addr: NUMBER, ...content("Platform 7."), registered_delivery: 1 });
  await sleep(800);
  return server;
}

async function simulatorPage(window, { sim }) {
  window.server = sim();
  await window.go(`/simulator/inbox?number=${NUMBER}`);
  await window.shows("Platform 7.");
}

async function clientPage(window, { sim }) {
  const { page } = window;
  const server = (window.server = sim());
  await window.go("/client");
  await page.getByLabel("Host").fill("127.0.0.1");
  await page.getByLabel("Port").fill(String(server.port));
  await page.getByLabel("system_id", { exact: true }).first().fill("shop");
  await page.getByLabel("password", { exact: true }).fill("secret");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await window.shows("BOUND_TRX");
  await page.getByLabel("destination_addr", { exact: true }).fill(NUMBER);
  await page.getByLabel("short_message", { exact: true }).fill("Your parcel is at the station, box 12. Code 4711€");
  await window.shows(/of 160 septets/);
  await sleep(500);
  await page.getByRole("button", { name: /^Send/ }).click();
  await page.getByRole("grid", { name: "Log" }).getByText("deliver_sm_resp").first().waitFor();
  await sleep(500);
}

async function codecPage(window, { front }) {
  window.server = front;
  await window.go("/codec");
  await window.page.getByText("A delivery receipt").filter({ visible: true }).first().click();
  await window.shows("deliver_sm", window.page.locator("main"));
}

async function routesPage(window, { front }) {
  window.server = front;
  await window.go("/routes?account=citybank&from=CityBank&to=33199001234");
  await window.shows("France");
  await sleep(1_000);
}

/** A rule that is being written, and what it would do. */
async function changePage(window, { front }) {
  window.server = front;
  await front.rest("routes", { method: "PUT", body: [{ name: "France at night", destination_addr: "34*", hours: "22:00-06:00", to: "nordlink-se-1" }] });
  await window.go("/routes?account=citybank&from=CityBank&to=33199001234&rule=1");
  await window.shows("Where would it go?");
  await window.page.getByLabel(/^hours/).fill("");
  await window.page.getByLabel(/^destination_addr/).fill("33*");
  await window.shows(/^With this change/);
  await sleep(1_000);
  await front.rest("routes", { method: "PUT", body: [] });
}

/** One that took its time, by a connector that was busy. */
async function messagePage(window, { front }) {
  window.server = front;
  const items = await until(async () => {
    const found = await front.rest("messages?limit=100");
    return found.items.filter((each) => each.state === "delivered" && each.account === "citybank").length > 0 && found.items;
  }, "a delivered message");
  const best = items.filter((each) => each.state === "delivered" && each.account === "citybank").sort((one, other) => Date.parse(other.ended) - Date.parse(other.accepted) - (Date.parse(one.ended) - Date.parse(one.accepted)))[0];
  await window.go(`/messages/${best.message_id}`);
  await window.shows("submit_sm");
  await sleep(500);
}

async function messagesPage(window, { front }) {
  window.server = front;
  await window.go("/messages?q=kind:message&range=5m");
  await until(async () => (await window.page.locator("[role=row]").count()) > 8, "rows");
  if (window.page.viewportSize().width > 720) {
    // Those that come would push the chosen one down.
    await window.page.keyboard.press(" ");
    for (let at = 0; at < 12; at += 1) await window.page.keyboard.press("j");
    await sleep(1_500);
  }
}

async function sessionsPage(window, { front }) {
  window.server = front;
  const { id } = (await front.rest("sessions")).find((each) => each.account === "acme-otp");
  await window.go(`/sessions?sel=${id}`);
  await window.shows("submit_sm");
  await sleep(12_000);
}

async function overviewPage(window, { front }) {
  window.server = front;
  await window.go("/");
  await window.shows("acme-otp");
  // Rates are those of some seconds.
  await sleep(10_000);
}

async function main([folder, ...names]) {
  const unknown = names.find((name) => !SHOTS.some((shot) => shot.name === name));
  if (!folder || unknown) throw new Error(unknown ? `no picture ${unknown}` : "usage: node shots.js DIRECTORY [NAME...]");
  process.env.SMPPKIT_CHROMIUM ??= ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((file) => fs.existsSync(file));
  const wanted = SHOTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const began = Date.now();
  const front = await stage();
  const other = wanted.some(({ take }) => take === simulatorPage || take === clientPage) ? await tested() : null;
  let bad = 0;
  for (const { name, look, take, isLate } of wanted) {
    // Something to see in the others, and more of it in those with a chart.
    await sleep(Math.max(0, began + (isLate ? TRAFFIC_MS : 20_000) - Date.now()));
    const window = await Window.open(front, look);
    try {
      await take(window, { front, sim: () => other });
      const picture = await window.page.screenshot();
      if (picture.length > LIMIT_OCTETS) throw new Error(`${picture.length} octets are too many`);
      fs.writeFileSync(path.join(folder, `${name}.png`), picture);
      console.log(`${name}.png: ${picture.length} octets`);
    } catch (error) {
      console.log(`${name}: ${error.message}`);
      bad += 1;
    }
    await window.context.close();
  }
  process.exit(bad ? 1 : 0);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
