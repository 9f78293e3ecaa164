// node-smpp's server as the message centre behind the gateway: what it is sent, what becomes of what it sends, and what
// follows when it misbehaves. In front is node-smpp's client.
"use strict";

const assert = require("node:assert");

const { afterwards, eventually, main, sleep, soon, test } = require("../lib/peer");
const { Esme, readReceipt, receiptText, smpp } = require("../lib/node_smpp_esme");
const { Stage } = require("./stage.js");

const STATES = { 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD" };
const NUMBERS = Object.fromEntries(Object.entries(STATES).map(([number, word]) => [word, Number(number)]));
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(8);

const GOES = { destination_addr: "442", registered_delivery: 1 };
const receiptOf = (id, stat) =>
  `id:${id} sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:${stat} err:000 text:`;

/** A message centre. Answers everything as it should, unless a function of its user's takes the PDU. */
class Centre {
  static async start(settings = {}) {
    const centre = Object.assign(new Centre(), {
      sessions: [], binds: [], submitted: [], unbinds: 0, enquiries: 0, inFlight: 0, mostInFlight: 0, ids: 1000,
      // What a response and a receipt say of an id, and when a receipt comes.
      response: (id) => String(id), receipt: (id) => String(id), early: false, hasTlvs: true, byDataSm: false, delay: 50,
      // Takes a PDU away from the rest by giving true.
      takes: () => false, ...settings,
    });
    centre.server = smpp.createServer({}, (session) => centre.serve(session));
    await new Promise((resolve) => centre.server.listen(settings.port ?? 0, "127.0.0.1", resolve));
    centre.port = centre.server.address().port;
    afterwards(() => centre.end());
    return centre;
  }

  end() {
    this.server.close();
    for (const session of this.sessions) session.destroy();
  }

  /** The settings of a connector to it. */
  connector(settings = {}) {
    return { address: `127.0.0.1:${this.port}`, ...settings };
  }

  serve(session) {
    this.sessions.push(session);
    session.on("error", () => {});
    session.on("close", () => this.sessions.splice(this.sessions.indexOf(session), 1));
    session.on("pdu", (pdu) => {
      if (this.takes(pdu, session)) return;
      if (pdu.command.startsWith("bind_") && !pdu.isResponse()) {
        session.mode = pdu.command.slice(5);
        this.binds.push(pdu);
        session.send(pdu.response({ system_id: "node", sc_interface_version: pdu.interface_version }));
      } else if (pdu.command === "submit_sm") {
        this.submit(pdu, session);
      } else if (pdu.command === "enquire_link") {
        this.enquiries += 1;
        session.send(pdu.response());
      } else if (pdu.command === "unbind") {
        this.unbinds += 1;
        session.send(pdu.response());
        session.close();
      }
    });
  }

  submit(pdu, session) {
    const id = this.take(pdu);
    if (this.early) this.report(pdu, id);
    session.send(pdu.response({ message_id: this.response(id) }));
    if (!this.early) setTimeout(() => this.report(pdu, id), this.delay);
  }

  take(pdu) {
    this.submitted.push(pdu);
    return this.ids++;
  }

  texts() {
    return this.submitted.map((pdu) => String(pdu.short_message.message));
  }

  receivers() {
    return this.sessions.filter((session) => session.mode === "receiver" || session.mode === "transceiver");
  }

  /** Sends the receipt of a message, on any of the sessions that take such. */
  report(pdu, id) {
    const receivers = this.receivers();
    const session = receivers[id % receivers.length];
    if (!session || !pdu.registered_delivery) return;
    const stat = STATES[pdu.destination_addr.at(-1)] ?? "DELIVRD";
    const text = receiptOf(this.receipt(id), stat);
    const fields = {
      source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi, source_addr: pdu.destination_addr,
      dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
      esm_class: 4,
      ...(this.hasTlvs && {
        receipted_message_id: this.receipt(id), message_state: NUMBERS[stat],
      }),
    };
    if (this.byDataSm) session.data_sm({ ...fields, message_payload: text });
    else session.deliver_sm({ ...fields, short_message: text });
  }

  /** Sends a request on a session that takes such; gives the answer. */
  request(command, fields) {
    const [session] = this.receivers();
    return soon(new Promise((resolve) => session[command](fields, resolve)), `an answer to ${command}`);
  }

  bound(count = 1) {
    return eventually(() => this.sessions.filter((session) => session.mode).length === count, `${count} binds`);
  }
}

/** A centre, a gateway before it and a client, bound. */
async function stand({ centre = {}, connector = {}, gateway = {}, esme = {} } = {}) {
  const behind = await Centre.start(centre);
  const stage = await Stage.set({ connectors: [behind.connector(connector)], gateway });
  await behind.bound((connector.bind_modes ?? ["transceiver"]).length * (connector.binds ?? 1));
  return { centre: behind, stage, esme: await Esme.bound(stage.port, esme) };
}

const number = (at) => `4477009${String(at).padStart(3, "0")}${"23458"[at % 5]}`;

/** Sends messages of mixed outcomes, and fails unless each is told its own, once. */
async function exchange(esme, count = 50) {
  const sent = Array.from({ length: count }, (_, at) => number(at));
  const submit = (destination_addr, at) =>
    esme.submit({ destination_addr, registered_delivery: 1, short_message: `message ${at}` });
  const ids = await Promise.all(sent.map(submit));
  const receipts = await esme.takeDelivered(count);
  await esme.silence(200);
  checkReceipts(receipts, ids, sent);
  return ids;
}

function checkReceipts(receipts, ids, sent) {
  const came = Object.fromEntries(receipts.map((pdu) => [readReceipt(pdu).id, readReceipt(pdu).stat]));
  assert.deepStrictEqual(came, Object.fromEntries(ids.map((id, at) => [id, STATES[sent[at].at(-1)]])));
  assert.strictEqual(receipts.length, ids.length);
}

const texts = (count) => Array.from({ length: count }, (_, at) => `message ${at}`);

// Forms of sessions.

test("messages_and_receipts_go_over_one_transceiver", async () => {
  const { centre, esme } = await stand();
  await exchange(esme);
  assert.deepStrictEqual(centre.texts().sort(), texts(50).sort());
  assert.deepStrictEqual(
    centre.binds.map((pdu) => [pdu.command, pdu.system_id, pdu.password, pdu.interface_version]),
    [["bind_transceiver", "gateway", "secret", 0x34]],
  );
});

test("messages_and_receipts_go_over_a_transmitter_and_a_receiver", async () => {
  const { centre, esme } = await stand({ connector: { bind_modes: ["transmitter", "receiver"] } });
  await exchange(esme);
  assert.deepStrictEqual(centre.binds.map((pdu) => pdu.command).sort(), ["bind_receiver", "bind_transmitter"]);
});

test("messages_and_receipts_go_over_three_transceivers_in_order_between_two_numbers", async () => {
  const { centre, esme } = await stand({ connector: { binds: 3 } });
  await exchange(esme, 100);
  centre.submitted.length = 0;
  for (const text of texts(30)) await esme.submit({ short_message: text });
  await eventually(() => centre.submitted.length === 30, "30 messages");
  assert.deepStrictEqual(centre.texts(), texts(30));
});

test("messages_and_receipts_go_over_33_and_long_ones_in_parts", async () => {
  const connector = { version: "3.3", bind_modes: ["transmitter", "receiver"] };
  const { centre, esme } = await stand({ connector, centre: { response: (id) => id.toString(16), hasTlvs: false,
    receipt: (id) => id.toString(16) } });
  await exchange(esme);
  assert.deepStrictEqual(centre.binds.map((pdu) => pdu.interface_version), [0x33, 0x33]);
  centre.submitted.length = 0;
  const id = await esme.submit({ ...GOES, message_payload: TEXT, short_message: "" });
  checkReceipts(await esme.takeDelivered(), [id], ["442"]);
  assert.deepStrictEqual(centre.submitted.map((pdu) => pdu.esm_class), [0x40, 0x40, 0x40]);
  assert.strictEqual(centre.texts().join(""), TEXT);
});

test("messages_and_receipts_go_over_50", async () => {
  const { centre, esme } = await stand({ connector: { version: "5.0" } });
  await exchange(esme);
  assert.deepStrictEqual(centre.binds.map((pdu) => pdu.interface_version), [0x50]);
});

// Forms of receipts, none of which is set.

const padded = (id) => String(id).padStart(12, "0");
const hex = (id) => id.toString(16).toUpperCase().padStart(8, "0");
for (const [name, form] of Object.entries({
  hexadecimal_then_decimal: { ids: 0xab000, response: hex, receipt: String, hasTlvs: false },
  decimal_then_hexadecimal: { ids: 0xab000, response: String, receipt: hex, hasTlvs: false },
  decimal_then_padded: { response: String, receipt: padded },
  in_capitals_then_small: { ids: 0xab000, response: hex, receipt: (id) => id.toString(16) },
  early: { early: true },
  early_and_without_tlvs: { early: true, hasTlvs: false },
  by_data_sm: { byDataSm: true },
})) {
  test(`ids_${name}_find_their_messages`, async () => {
    const { esme } = await stand({ centre: form });
    await exchange(esme);
  });
}

test("receipts_come_without_delay_once_it_is_known_how_ids_are_written", async () => {
  // As dialect hex-to-decimal: the TLV is as the response, the text is not. Both lead to the same message.
  const { centre, esme } = await stand({ centre: { ids: 0xab000, response: hex, receipt: hex } });
  centre.report = function (pdu, id) {
    const [session] = this.receivers();
    session.deliver_sm({
      source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4, receipted_message_id: hex(id),
      message_state: 2, short_message: receiptOf(id, "DELIVRD"),
    });
  };
  const submit = () => esme.submit(GOES);
  for (let at = 0; at < 10; at += 1) await submit();
  await esme.takeDelivered(10);
  const began = Date.now();
  await submit();
  await esme.takeDelivered();
  assert.ok(Date.now() - began < 1000, `the last receipt took ${Date.now() - began} ms`);
});

// What a message centre answers.

test("a_message_that_is_refused_for_now_is_sent_again_and_one_for_good_is_reported", async () => {
  const refusals = { 4411: [smpp.ESME_RTHROTTLED, smpp.ESME_RMSGQFUL], 4412: [smpp.ESME_RSYSERR], 4416: [0x0412],
    4417: [smpp.ESME_RINVDSTADR] };
  const times = {};
  const takes = (pdu, session) => {
    const [status] = pdu.command === "submit_sm" ? (refusals[pdu.destination_addr] ?? []).splice(0, 1) : [];
    if (pdu.command === "submit_sm") times[pdu.destination_addr] = (times[pdu.destination_addr] ?? 0) + 1;
    if (!status) return false;
    session.send(pdu.response({ command_status: status }));
    return true;
  };
  const { esme } = await stand({ centre: { takes } });
  const ids = {};
  for (const to of [4411, 4412, 4416, 4417]) {
    ids[await esme.submit({ destination_addr: String(to), registered_delivery: 1 })] = to;
  }
  const came = {};
  for (const pdu of await esme.takeDelivered(4)) came[ids[readReceipt(pdu).id]] = readReceipt(pdu).dlvrd;
  assert.deepStrictEqual(came, { 4411: "001", 4412: "001", 4416: "001", 4417: "000" });
  assert.deepStrictEqual(times, { 4411: 3, 4412: 2, 4416: 2, 4417: 1 });
});

test("no_more_requests_are_in_flight_than_the_window_and_no_more_go_out_than_the_throughput", async () => {
  const takes = function (pdu, session) {
    if (pdu.command !== "submit_sm") return false;
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    setTimeout(() => {
      this.inFlight -= 1;
      this.submit(pdu, session);
    }, 20);
    return true;
  };
  const { centre, esme } = await stand({ centre: { takes }, connector: { window: 5, throughput: 50 } });
  const began = Date.now();
  await Promise.all(texts(100).map((short_message) => esme.submit({ short_message })));
  await eventually(() => centre.submitted.length === 100, "100 messages");
  assert.ok(centre.mostInFlight <= 5, `${centre.mostInFlight} in flight`);
  // A second's worth may go at once.
  assert.ok(Date.now() - began >= 900, `100 messages in ${Date.now() - began} ms`);
  assert.strictEqual(new Set(centre.texts()).size, 100);
});

test("requests_without_an_answer_are_sent_again_after_the_connection_is_lost", async () => {
  let silent = true;
  const takes = function (pdu) {
    return silent && pdu.command === "submit_sm" && this.take(pdu) > 0;
  };
  const { centre, esme } = await stand({ centre: { takes } });
  const sent = Array.from({ length: 50 }, (_, at) => number(at));
  const ids = await Promise.all(
    sent.map((destination_addr, at) =>
      esme.submit({ destination_addr, registered_delivery: 1, short_message: `message ${at}` }),
    ),
  );
  await eventually(() => centre.submitted.length === 50, "50 messages");
  [silent, centre.submitted.length] = [false, 0];
  for (const session of centre.sessions) session.destroy();
  checkReceipts(await esme.takeDelivered(50), ids, sent);
  assert.deepStrictEqual(centre.texts().sort(), texts(50).sort());
});

test("a_request_without_an_answer_is_sent_again_after_the_response_time", async () => {
  let silent = 1;
  const takes = (pdu) => pdu.command === "submit_sm" && silent-- > 0;
  const { esme } = await stand({ centre: { takes }, connector: { response: "500ms" } });
  const id = await esme.submit(GOES);
  checkReceipts(await esme.takeDelivered(), [id], ["442"]);
});

test("a_message_centre_that_refuses_the_bind_or_is_not_there_is_tried_again", async () => {
  let refusals = 2;
  const takes = (pdu, session) => {
    if (pdu.command !== "bind_transceiver" || refusals-- <= 0) return false;
    session.send(pdu.response({ command_status: smpp.ESME_RBINDFAIL }));
    return true;
  };
  const { centre, esme, stage } = await stand({ centre: { takes } });
  await exchange(esme, 10);
  const { port } = centre;
  centre.end();
  await sleep(300);
  const ids = [];
  for (const short_message of texts(10)) ids.push(await esme.submit({ ...GOES, short_message }));
  const again = await Centre.start({ port, ids: 5000 });
  checkReceipts(await esme.takeDelivered(10), ids, Array(10).fill("442"));
  assert.deepStrictEqual(again.texts(), texts(10));
  await stage.conserved();
});

test("a_message_centre_that_unbinds_is_answered_and_bound_again", async () => {
  const { centre, esme } = await stand();
  const resp = await centre.request("unbind", {});
  assert.strictEqual(resp.command, "unbind_resp");
  for (const session of centre.sessions) session.close();
  await eventually(() => centre.binds.length === 2, "another bind");
  await exchange(esme, 10);
});

test("enquire_link_goes_both_ways_and_a_message_centre_that_is_silent_is_bound_again", async () => {
  let silent = false;
  const { centre, esme } = await stand({
    centre: { takes: (pdu) => silent && pdu.command === "enquire_link" },
    connector: { enquire_link: "300ms", response: "500ms" },
  });
  assert.strictEqual((await centre.request("enquire_link", {})).command, "enquire_link_resp");
  await eventually(() => centre.enquiries >= 2, "enquire_link");
  assert.strictEqual(centre.binds.length, 1, "number of binds");
  silent = true;
  await eventually(() => centre.binds.length === 2, "another bind");
  silent = false;
  await exchange(esme, 10);
});

test("it_unbinds_from_its_message_centres_on_sigterm", async () => {
  const { centre, stage } = await stand({ connector: { binds: 2 } });
  assert.strictEqual(await stage.do("terminate"), 0, "exit code");
  assert.strictEqual(centre.unbinds, 2);
});

test("what_was_not_answered_when_the_gateway_was_killed_is_sent_again", async () => {
  let silent = true;
  const takes = function (pdu) {
    return silent && pdu.command === "submit_sm" && this.take(pdu) > 0;
  };
  const { centre, esme, stage } = await stand({ centre: { takes } });
  const ids = [];
  for (const short_message of texts(20)) ids.push(await esme.submit({ ...GOES, short_message }));
  await eventually(() => centre.submitted.length === 20, "20 messages");
  [silent, centre.submitted.length] = [false, 0];
  await stage.do("restart");
  const again = await Esme.bound(stage.port);
  checkReceipts(await again.takeDelivered(20), ids, Array(20).fill("442"));
  assert.deepStrictEqual(centre.texts().sort(), texts(20).sort());
});

// What a message centre sends.

test("messages_of_handsets_are_answered_when_they_are_kept_and_reach_the_account", async () => {
  const mo_routes = [{ destination_addr: "1*", to: "app" }];
  const { centre, esme, stage } = await stand({ gateway: { mo_routes } });
  const message = { source_addr_ton: 1, source_addr_npi: 1, source_addr: "447700900123", destination_addr: "1000" };
  const vendor = Buffer.from("20801");
  smpp.addTLV("vendor", { id: 0x1402, type: smpp.types.tlv.buffer });
  for (const fields of [{ short_message: "hello [€]" }, { short_message: "世界 👋" }, { short_message: "x", vendor }]) {
    assert.strictEqual((await centre.request("deliver_sm", { ...message, ...fields })).command_status, 0);
    const [came] = await esme.takeDelivered();
    assert.strictEqual(receiptText(came), fields.short_message);
    assert.deepStrictEqual([came.source_addr, came.destination_addr, came.vendor], ["447700900123", "1000", fields.vendor]);
  }
  assert.strictEqual((await centre.request("data_sm", { ...message, message_payload: "by data_sm" })).command_status, 0);
  const [whole] = await esme.takeDelivered();
  assert.strictEqual(receiptText(whole) || String(whole.message_payload.message), "by data_sm");
  const refused = await centre.request("deliver_sm", { ...message, destination_addr: "2000", short_message: "x" });
  assert.notStrictEqual(refused.command_status, 0, "nobody's message was taken");
  // Kept, whoever is there to take it.
  esme.session.destroy();
  assert.strictEqual((await centre.request("deliver_sm", { ...message, short_message: "kept" })).command_status, 0);
  await stage.do("restart");
  assert.strictEqual(receiptText((await (await Esme.bound(stage.port)).takeDelivered())[0]), "kept");
});

test("receipts_for_nobody_and_unknown_commands_do_no_harm", async () => {
  const { centre, esme } = await stand();
  const receipt = (id) => ({
    source_addr: "447700900123", destination_addr: "1000", esm_class: 4,
    short_message: receiptOf(id, "DELIVRD"),
  });
  for (const id of ["nobody", "99999", ""]) {
    assert.strictEqual((await centre.request("deliver_sm", receipt(id))).command_status, 0, `a receipt for "${id}"`);
  }
  const query = await centre.request("query_sm", { message_id: "1" });
  assert.notStrictEqual(query.command_status, 0, "a message centre that queries");
  await exchange(esme, 10);
});

main();
