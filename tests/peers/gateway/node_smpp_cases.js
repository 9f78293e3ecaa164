// What node-smpp must find at the gateway: 3.3, 3.4 and 5.0, with and without TLS, everything that can be submitted,
// asked and delivered; and what the simulator behind must find of it.
"use strict";

const assert = require("node:assert");

const { eventually, main, sleep, soon, test } = require("../lib/peer");
const { ADDRESSES, Esme, SOURCE, readReceipt, smpp } = require("../lib/node_smpp_esme");
const { Stage } = require("./stage.js");

const RECEIPT = 0x04;
const UDHI = 0x40;
const { SCHEDULED, ENROUTE, DELIVERED, DELETED, UNDELIVERABLE } = smpp.MESSAGE_STATE;
const VERSIONS = [0x33, 0x34, 0x50];
const APP = { system_id: "app", password: "secret" };
const LATER = "000001000000000R";
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(8);
// What becomes of a message, by the digit that its destination ends with.
const WORDS = { 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD" };
const goes = { destination_addr: "447700900002", registered_delivery: 1 };

const part = (text, number, total) => ({ udh: Buffer.from([5, 0, 3, 0x2a, total, number]), message: text });
const octets = (pdu) => Buffer.from(pdu.short_message, "hex");
const tlv = (pdu, name) => (pdu.tlvs ?? []).find((each) => each.name === name || each.tag === name);

/** Fails unless each message has a receipt with its id and the outcome of its destination, and no other. */
function checkReceipts(receipts, destinations) {
  const came = Object.fromEntries(receipts.map((pdu) => [readReceipt(pdu).id, readReceipt(pdu).stat]));
  const wanted = Object.entries(destinations).map(([id, to]) => [id, WORDS[to.at(-1)]]);
  assert.deepStrictEqual(came, Object.fromEntries(wanted));
  assert.strictEqual(receipts.length, wanted.length);
}

// Binding.

test("each_bind_mode_is_accepted_in_each_version", async () => {
  const stage = await Stage.set({ gateway: { system_id: "the gateway" } });
  for (const interface_version of VERSIONS) {
    for (const mode of ["transmitter", "receiver", "transceiver"]) {
      if (interface_version === 0x33 && mode === "transceiver") continue;
      const esme = await Esme.bound(stage.port, { mode, interface_version });
      assert.strictEqual(esme.bindResp.command, `bind_${mode}_resp`);
      assert.strictEqual(esme.bindResp.system_id, "the gateway");
      assert.strictEqual(esme.bindResp.sc_interface_version, interface_version === 0x33 ? undefined : 0x50);
      assert.strictEqual((await esme.request("unbind")).command_status, 0);
      await soon(esme.closed, "the end of the connection");
    }
  }
});

test("a_wrong_password_and_an_unknown_name_get_the_same_esme_rbindfail", async () => {
  const stage = await Stage.set();
  for (const wrong of [{ password: "wrong" }, { system_id: "nobody" }, { system_id: "" }]) {
    const esme = await Esme.connect({ url: `smpp://127.0.0.1:${stage.port}` });
    assert.strictEqual((await esme.bind("transceiver", wrong)).command_status, smpp.ESME_RBINDFAIL);
  }
  await Esme.bound(stage.port);
});

test("an_account_binds_in_its_versions_and_modes_only", async () => {
  const accounts = [{ ...APP, versions: ["3.4"], binds: { transmitter: 0 } }];
  const stage = await Stage.set({ gateway: { accounts } });
  const connect = () => Esme.connect({ url: `smpp://127.0.0.1:${stage.port}` });
  const newer = await (await connect()).bind("receiver", { interface_version: 0x33 });
  assert.notStrictEqual(newer.command_status, 0, "3.3");
  const transmitter = await (await connect()).bind("transmitter", { interface_version: 0x34 });
  assert.notStrictEqual(transmitter.command_status, 0, "a transmitter");
  await Esme.bound(stage.port, { interface_version: 0x34 });
});

test("it_binds_and_sends_over_tls", async () => {
  const stage = await Stage.set();
  const esme = await Esme.connect({ host: "127.0.0.1", port: stage.tlsPort, tls: true, rejectUnauthorized: false });
  assert.strictEqual((await esme.bind("transceiver")).command_status, 0);
  const id = await esme.submit({ ...goes, short_message: "over TLS" });
  assert.strictEqual(readReceipt((await esme.takeDelivered())[0]).id, id);
  assert.strictEqual((await stage.submitted(1))[0].text, "over TLS");
});

// Submitting.

test("texts_in_each_alphabet_and_parts_come_out_as_they_went_in", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port);
  const texts = ["hello [€]", "Grüße ÿ", "世界 👋", part("a".repeat(153), 1, 2), part("b", 2, 2)];
  for (const short_message of texts) await esme.submit({ short_message });
  const came = await stage.submitted(texts.length);
  const { ASCII, LATIN1, UCS2 } = smpp.encodings;
  for (const [at, [encoding, coding]] of [[ASCII, 1], [LATIN1, 3], [UCS2, 8]].entries()) {
    assert.deepStrictEqual([octets(came[at]), came[at].data_coding], [encoding.encode(texts[at]), coding]);
  }
  assert.deepStrictEqual([came[3].esm_class, octets(came[3]).length], [UDHI, 6 + 153]);
  assert.deepStrictEqual(octets(came[4]), Buffer.from("0500032a020262", "hex"));
});

test("binary_octets_payload_and_tlvs_of_vendors_come_out_as_they_went_in", async () => {
  smpp.addTLV("mblox_operator", { id: 0x1402, type: smpp.types.tlv.cstring });
  const stage = await Stage.set({ gateway: { connector: { version: "5.0" } } });
  const esme = await Esme.bound(stage.port);
  const binary = Buffer.from(Array.from({ length: 140 }, (_, at) => at));
  await esme.submit({ short_message: binary, data_coding: 4 });
  await esme.submit({ short_message: "", message_payload: TEXT, data_coding: 1, source_port: 5505, dest_port: 2948 });
  await esme.submit({
    user_response_code: 1, privacy_indicator: 3, callback_num: [{ number: "123" }, { number: "456" }],
    its_session_info: Buffer.from([1, 2]), mblox_operator: "20801",
  });
  const [first, whole, vendors] = await stage.submitted(3);
  assert.deepStrictEqual([octets(first), first.data_coding], [binary, 4]);
  assert.strictEqual(Buffer.from(tlv(whole, "message_payload").hex, "hex").toString(), TEXT);
  assert.deepStrictEqual([tlv(whole, "0x020A").value, tlv(whole, "0x020B").value], [5505, 2948]);
  assert.strictEqual(tlv(vendors, "0x1402").hex, Buffer.from("20801\0").toString("hex"));
  assert.strictEqual(vendors.tlvs.filter((each) => each.tag === "0x0381").length, 2, "both callback_num");
});

test("two_hundred_requests_in_flight_are_all_answered_and_all_their_receipts_come", async () => {
  const stage = await Stage.set({ gateway: { connector: { binds: 2 } }, smsc: { receipt_delay: "0ms..500ms" } });
  const esme = await Esme.bound(stage.port);
  const sent = Array.from({ length: 200 }, (_, at) => `4477009${String(at).padStart(3, "0")}${"23458"[at % 5]}`);
  const submit = (destination_addr) => esme.submit({ destination_addr, registered_delivery: 1 });
  const ids = await Promise.all(sent.map(submit));
  const receipts = await esme.takeDelivered(200);
  checkReceipts(receipts, Object.fromEntries(ids.map((id, at) => [id, sent[at]])));
  for (const receipt of receipts) {
    assert.strictEqual(receipt.receipted_message_id, readReceipt(receipt).id);
    assert.strictEqual(receipt.message_state, Number(receipt.source_addr.at(-1)));
  }
  await esme.silence(300);
});

test("a_33_client_has_short_ids_which_its_receipts_have", async () => {
  const stage = await Stage.set();
  const [transmitter, receiver] = await Promise.all(
    ["transmitter", "receiver"].map((mode) => Esme.bound(stage.port, { mode, interface_version: 0x33 })),
  );
  const destinations = {};
  for (const digit of "23458") {
    const destination_addr = `44770090000${digit}`;
    const id = await transmitter.submit({ destination_addr, registered_delivery: 1 });
    assert.match(id, /^[0-9a-f]{1,8}$/i);
    destinations[id] = destination_addr;
  }
  const receipts = await receiver.takeDelivered(5);
  checkReceipts(receipts, destinations);
  for (const receipt of receipts) assert.strictEqual(receipt.receipted_message_id, undefined, "no TLVs in 3.3");
  const [id] = Object.keys(destinations);
  assert.strictEqual(await transmitter.state(id), DELIVERED);
});

test("data_sm_is_taken_and_gets_its_receipt", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port);
  const fields = { ...ADDRESSES, destination_addr: "447700900005", registered_delivery: 1, message_payload: "hello" };
  const resp = await esme.request("data_sm", fields);
  assert.strictEqual(resp.command_status, 0);
  checkReceipts(await esme.takeDelivered(), { [resp.message_id]: "447700900005" });
  assert.strictEqual((await stage.submitted(1))[0].text, "hello");
});

test("an_account_gets_receipts_and_messages_as_data_sm_if_it_wants", async () => {
  const accounts = [{ ...APP, data_sm: true, receipts: { form: "data_sm", zone: "+01:00" } }];
  const stage = await Stage.set({ gateway: { accounts } });
  const esme = await Esme.bound(stage.port);
  const came = [];
  esme.session.on("data_sm", (pdu) => {
    came.push(pdu);
    esme.session.send(pdu.response());
  });
  const id = await esme.submit({ ...goes, destination_addr: "12345", short_message: "back" });
  await eventually(() => came.length === 2, "2 data_sm");
  const receipt = came.find((pdu) => pdu.esm_class === RECEIPT);
  const message = came.find((pdu) => pdu.esm_class === 0);
  assert.deepStrictEqual([receipt.receipted_message_id, receipt.message_state], [id, DELIVERED]);
  assert.strictEqual(String(message.message_payload.message ?? message.message_payload), "back");
});

test("submit_multi_goes_to_each_destination_under_one_id_and_names_those_it_refused", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port);
  const sme = (number) => ({ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: number });
  const resp = await esme.request("submit_multi", {
    ...SOURCE, short_message: "to all", registered_delivery: 1,
    dest_address: [sme("4412"), sme("4423"), { dl_name: "friends" }, sme("4425")],
  });
  assert.strictEqual(resp.command_status, 0);
  assert.deepStrictEqual(resp.unsuccess_sme.map((each) => each.destination_addr), ["friends"]);
  const receipts = await esme.takeDelivered(3);
  assert.deepStrictEqual(
    receipts.map((pdu) => [pdu.source_addr, readReceipt(pdu).id, readReceipt(pdu).stat]).sort(),
    [["4412", resp.message_id, "DELIVRD"], ["4423", resp.message_id, "EXPIRED"], ["4425", resp.message_id, "UNDELIV"]],
  );
  assert.deepStrictEqual((await stage.submitted(3)).map((pdu) => pdu.text), ["to all", "to all", "to all"]);
});

test("throttling_is_told_and_what_is_sent_again_arrives_once", async () => {
  const stage = await Stage.set({ gateway: { accounts: [{ ...APP, throughput: 50 }] } });
  const esme = await Esme.bound(stage.port);
  let throttled = 0;
  const insist = async (text) => {
    for (;;) {
      const { command_status } = await esme.submitResp({ ...goes, short_message: text });
      if (command_status === 0) return;
      assert.strictEqual(command_status, smpp.ESME_RTHROTTLED);
      throttled += 1;
      await sleep(100 + Math.random() * 200);
    }
  };
  const texts = Array.from({ length: 150 }, (_, at) => `message ${at}`);
  await Promise.all(texts.map(insist));
  assert.ok(throttled > 0, "nothing was throttled");
  const came = await stage.submitted(150);
  assert.deepStrictEqual(came.map((pdu) => pdu.text).sort(), texts.sort());
});

// Asking for messages.

const waits = { schedule_delivery_time: LATER, registered_delivery: 1 };

test("query_sm_follows_a_message_from_scheduled_to_its_end", async () => {
  const stage = await Stage.set({ smsc: { receipt_delay: "500ms" } });
  const esme = await Esme.bound(stage.port);
  const older = await Esme.bound(stage.port, { mode: "transmitter", interface_version: 0x34 });
  const scheduled = await esme.submit(waits);
  assert.deepStrictEqual([await esme.state(scheduled), await older.state(scheduled)], [SCHEDULED, ENROUTE]);
  const id = await esme.submit({ ...goes, destination_addr: "447700900005" });
  assert.strictEqual(await esme.state(id), ENROUTE);
  await esme.takeDelivered();
  const after = await esme.query(id);
  assert.deepStrictEqual([after.message_id, after.message_state], [id, UNDELIVERABLE]);
  assert.ok(Math.abs(after.final_date - Date.now()) < 60_000, `final_date is ${after.final_date}`);
});

test("messages_of_others_cannot_be_queried_cancelled_or_replaced", async () => {
  const stage = await Stage.set({ gateway: { accounts: [APP, { ...APP, system_id: "other" }] } });
  const esme = await Esme.bound(stage.port);
  const other = await Esme.bound(stage.port, { system_id: "other" });
  const id = await esme.submit(waits);
  for (const command of ["query_sm", "cancel_sm", "replace_sm"]) {
    const status = async (session, fields) =>
      (await session.request(command, { message_id: id, ...SOURCE, ...fields })).command_status;
    assert.notStrictEqual(await status(other, {}), 0, `${command} by another`);
    assert.notStrictEqual(await status(esme, { source_addr: "2000" }), 0, `${command}, other source`);
    assert.notStrictEqual(await status(esme, { message_id: "no such id" }), 0, `${command}, other id`);
  }
  assert.strictEqual(await esme.state(id), SCHEDULED);
});

test("cancel_sm_deletes_a_message_that_waits_and_sends_its_receipt_once", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port);
  const id = await esme.submit(waits);
  const cancel = (fields) => esme.request("cancel_sm", { ...SOURCE, ...fields });
  assert.strictEqual((await cancel({ message_id: id })).command_status, 0);
  const [receipt] = await esme.takeDelivered();
  assert.deepStrictEqual([receipt.message_state, readReceipt(receipt).stat], [DELETED, "DELETED"]);
  assert.strictEqual(readReceipt(receipt).id, id);
  assert.strictEqual(await esme.state(id), DELETED);
  assert.strictEqual((await cancel({ message_id: id })).command_status, smpp.ESME_RCANCELFAIL, "a second time");
  const sent = await esme.submit(goes);
  await esme.takeDelivered();
  assert.strictEqual((await cancel({ message_id: sent })).command_status, smpp.ESME_RCANCELFAIL, "delivered");
  assert.strictEqual((await stage.submitted(1)).length, 1);
});

test("cancel_sm_without_an_id_deletes_all_between_two_addresses", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port);
  const ids = [await esme.submit(waits), await esme.submit({ ...waits, service_type: "CMT" })];
  const kept = await esme.submit({ ...waits, destination_addr: "2" });
  const cancel = () => esme.request("cancel_sm", ADDRESSES);
  assert.strictEqual((await cancel()).command_status, 0);
  for (const id of ids) assert.strictEqual(await esme.state(id), DELETED);
  assert.strictEqual(await esme.state(kept), SCHEDULED);
  assert.strictEqual((await cancel()).command_status, smpp.ESME_RCANCELFAIL, "nothing is left");
});

test("replace_sm_changes_text_and_schedule_of_a_message_that_waits", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port);
  const message_id = await esme.submit({ ...waits, destination_addr: "447700900002" });
  const replace = () =>
    esme.request("replace_sm", {
      message_id, ...SOURCE, schedule_delivery_time: "000000000001000R", short_message: "other", registered_delivery: 1,
    });
  assert.strictEqual((await replace()).command_status, 0);
  checkReceipts(await esme.takeDelivered(), { [message_id]: "2" });
  assert.strictEqual((await stage.submitted(1))[0].text, "other");
  assert.strictEqual((await replace()).command_status, smpp.ESME_RREPLACEFAIL, "a second time");
});

test("submit_sm_with_replace_if_present_takes_the_place_of_one_that_waits", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port);
  const first = await esme.submit({ ...waits, destination_addr: "447700900002" });
  const fields = { ...goes, short_message: "other", replace_if_present_flag: 1 };
  assert.strictEqual(await esme.submit(fields), first, "it keeps its id");
  checkReceipts(await esme.takeDelivered(), { [first]: "2" });
  assert.deepStrictEqual((await stage.submitted(1)).map((pdu) => pdu.text), ["other"]);
});

test("times_are_kept_and_those_that_cannot_be_are_refused", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port);
  const past = new Date(Date.now() - 3600_000);
  const status = async (fields) => (await esme.submitResp(fields)).command_status;
  assert.strictEqual(await status({ schedule_delivery_time: past }), smpp.ESME_RINVSCHED);
  assert.strictEqual(await status({ validity_period: past }), smpp.ESME_RINVEXPIRY);
  const at = new Date(Date.now() + 1500);
  const id = await esme.submit({ ...goes, schedule_delivery_time: at });
  checkReceipts(await esme.takeDelivered(), { [id]: "2" });
  // node-smpp writes tenths of a second.
  assert.ok(Date.now() >= at.getTime() - 100, "it came too early");
});

// What comes from message centres.

test("messages_from_handsets_come_as_they_were_to_each_version", async () => {
  const stage = await Stage.set();
  const esme = await Esme.bound(stage.port, { mode: "transmitter" });
  for (const interface_version of VERSIONS) {
    const receiver = await Esme.bound(stage.port, { mode: "receiver", interface_version });
    for (const text of ["hello [€]", "Grüße ÿ", "世界 👋"]) {
      await esme.submit({ destination_addr: "12345", short_message: text, protocol_id: 0x41 });
      const [message] = await receiver.takeDelivered();
      assert.strictEqual(message.short_message.message, text);
      assert.deepStrictEqual([message.source_addr, message.destination_addr], ["1000", "12345"]);
      assert.deepStrictEqual([message.esm_class, message.protocol_id], [0, 0x41]);
    }
    await esme.submit({ destination_addr: "12345", short_message: part("第二", 2, 2), data_coding: 8, esm_class: 0x40 });
    const [message] = await receiver.takeDelivered();
    assert.strictEqual(message.esm_class, UDHI);
    assert.strictEqual(message.short_message.message, "第二");
    assert.strictEqual((await receiver.request("unbind")).command_status, 0);
    await soon(receiver.closed, "the end of the connection");
  }
});

test("receipts_that_a_lost_session_did_not_answer_go_to_the_others_of_the_account", async () => {
  const stage = await Stage.set({ smsc: { receipt_delay: "300ms" } });
  const [transmitter, silent] = await Promise.all(
    ["transmitter", "receiver"].map((mode) => Esme.bound(stage.port, { mode })),
  );
  silent.deliverStatus = null;
  const ids = await Promise.all(Array.from({ length: 60 }, () => transmitter.submit(goes)));
  await eventually(() => silent.delivered.length > 0, "a receipt that stays without an answer");
  const others = await Promise.all([1, 2].map(() => Esme.bound(stage.port, { mode: "receiver" })));
  silent.session.destroy();
  const came = () => others.flatMap((esme) => esme.delivered).map((pdu) => readReceipt(pdu).id);
  await eventually(() => new Set(came()).size === 60, "60 receipts");
  assert.deepStrictEqual(came().sort(), ids.sort());
});

// The session itself, and the gateway's end.

test("enquire_link_goes_both_ways_and_a_silent_client_is_cut", async () => {
  const session = { enquire_link: "300ms", response: "1s" };
  const stage = await Stage.set({ gateway: { session } });
  const esme = await Esme.bound(stage.port);
  const silent = await Esme.bound(stage.port);
  silent.answersEnquiries = false;
  assert.strictEqual((await esme.request("enquire_link")).command_status, 0);
  await soon(silent.closed, "the end of the silent one");
  assert.ok(esme.enquiries >= 2, `${esme.enquiries} enquire_link`);
  await esme.submit();
});

test("sigterm_unbinds_and_what_was_not_delivered_comes_after_the_next_start", async () => {
  const stage = await Stage.set({ smsc: { receipt_delay: "500ms" } });
  const esme = await Esme.bound(stage.port);
  const ids = await Promise.all(Array.from({ length: 30 }, () => esme.submit(goes)));
  assert.strictEqual(await stage.do("terminate"), 0, "exit code");
  await soon(esme.closed, "the end of the connection");
  const before = esme.delivered.map((pdu) => readReceipt(pdu).id);
  await stage.do("start");
  const again = await Esme.bound(stage.port);
  await eventually(() => before.length + again.delivered.length >= 30, "30 receipts");
  const after = again.delivered.map((pdu) => readReceipt(pdu).id);
  assert.deepStrictEqual([...before, ...after].sort(), ids.sort());
});

test("a_client_that_comes_back_after_kill_9_gets_the_receipts_of_before", async () => {
  const stage = await Stage.set({ smsc: { receipt_delay: "500ms" } });
  const esme = await Esme.bound(stage.port);
  const sent = Array.from({ length: 100 }, (_, at) => `4477009${String(at).padStart(3, "0")}${"23458"[at % 5]}`);
  const ids = await Promise.all(
    sent.map((destination_addr) => esme.submit({ destination_addr, registered_delivery: 1 })),
  );
  await stage.do("kill");
  await soon(esme.closed, "the end of the connection");
  await stage.do("start");
  const again = await Esme.bound(stage.port);
  const all = () => new Map([...esme.delivered, ...again.delivered].map((pdu) => [readReceipt(pdu).id, pdu]));
  await eventually(() => all().size === 100, "100 receipts");
  checkReceipts([...all().values()], Object.fromEntries(ids.map((id, at) => [id, sent[at]])));
});

main();
