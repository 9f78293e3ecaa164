// submit_sm, submit_multi, data_sm, receipts, mobile-originated messages, TLVs.
"use strict";

const assert = require("node:assert");

const { Simulator, eventually, test } = require("../lib/peer");
const { ADDRESSES, Esme, SOURCE, readReceipt, receiptText, smpp } = require("../lib/node_smpp_esme");

const RECEIPT = 0x04;
const INTERMEDIATE = 0x20;
const UDHI = 0x40;
const { SCHEDULED, ENROUTE, DELIVERED, EXPIRED } = smpp.MESSAGE_STATE;

/** The octets of a text with a UDH that says it is one of several. */
function part(text, number, total) {
  return { udh: Buffer.from([5, 0, 3, 0x2a, total, number]), message: text };
}

test("texts_in_each_alphabet_and_parts_are_accepted_each_with_its_own_id", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const texts = ["hello [€]", "Grüße ÿ", "世界 👋", part("a".repeat(153), 1, 2), part("b", 2, 2)];
  const ids = await Promise.all(texts.map((short_message) => esme.submit({ short_message })));
  assert.strictEqual(new Set(ids).size, texts.length);
});

test("two_hundred_requests_in_flight_are_all_answered", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const ids = await Promise.all(Array.from({ length: 200 }, () => esme.submit()));
  assert.strictEqual(new Set(ids).size, 200);
});

test("a_receipt_has_the_id_in_tlv_and_text_swapped_addresses_and_delivrd", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const id = await esme.submit({
    source_addr: "Sender", source_addr_ton: 5, source_addr_npi: 0, registered_delivery: 1,
    user_message_reference: 0x1234, short_message: "hello world, more than twenty",
  });
  const [receipt] = await esme.takeDelivered();
  assert.strictEqual(receipt.esm_class, RECEIPT);
  const { source_addr_ton, source_addr_npi, source_addr } = receipt;
  assert.deepStrictEqual([source_addr_ton, source_addr_npi, source_addr], [1, 1, "447700900123"]);
  const { dest_addr_ton, dest_addr_npi, destination_addr } = receipt;
  assert.deepStrictEqual([dest_addr_ton, dest_addr_npi, destination_addr], [5, 0, "Sender"]);
  assert.strictEqual(receipt.receipted_message_id, id);
  assert.strictEqual(receipt.message_state, DELIVERED);
  assert.strictEqual(receipt.user_message_reference, 0x1234);
  assert.deepStrictEqual(readReceipt(receipt), { id, sub: "001", dlvrd: "001", stat: "DELIVRD", err: "000" });
  assert.match(receiptText(receipt), /[Tt]ext:hello world, more th$/);
});

test("registered_delivery_decides_which_receipts_come", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  // 0 none, 1 always, 2 on failure, 3 on success (5.0), 16 underway, and both.
  const wanted = { 0: [], 1: [DELIVERED], 2: [], 3: [DELIVERED], 16: [ENROUTE], 17: [ENROUTE, DELIVERED], 18: [ENROUTE] };
  const asked = {};
  const came = {};
  for (const registered_delivery of Object.keys(wanted).map(Number)) {
    asked[await esme.submit({ registered_delivery })] = registered_delivery;
    came[registered_delivery] = [];
  }
  for (const receipt of await esme.takeDelivered(6)) {
    came[asked[receipt.receipted_message_id]].push(receipt.message_state);
    const kind = receipt.message_state === DELIVERED ? RECEIPT : INTERMEDIATE;
    assert.strictEqual(receipt.esm_class, kind, "esm_class");
  }
  assert.deepStrictEqual(came, wanted);
  await esme.silence(300);
});

test("a_message_that_expires_gets_its_receipt_unless_only_success_was_asked_for", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "60s")).port);
  const validity_period = "000000000001000R";
  await esme.submit({ validity_period, registered_delivery: 3 });
  const id = await esme.submit({ validity_period, registered_delivery: 1 });
  // qos_time_to_live goes before validity_period.
  await esme.submit({ validity_period: "000000010000000R", qos_time_to_live: 1, registered_delivery: 2 });
  const [always, onFailure] = await esme.takeDelivered(2);
  assert.deepStrictEqual([always.message_state, onFailure.message_state], [EXPIRED, EXPIRED]);
  assert.strictEqual(always.network_error_code.length, 3);
  const { stat, dlvrd } = readReceipt(always);
  assert.deepStrictEqual([stat, dlvrd], ["EXPIRED", "000"]);
  assert.strictEqual(await esme.state(id), EXPIRED);
  await esme.silence(200);
});

test("schedule_delivery_time_is_honoured_and_seen_as_the_version_knows_it", async () => {
  const simulator = await Simulator.start("--receipt-delay", "0ms");
  const esme = await Esme.bound(simulator.port);
  const older = await Esme.bound(simulator.port, { mode: "transmitter", interface_version: 0x34 });
  const at = new Date(Date.now() + 1500);
  const id = await esme.submit({ schedule_delivery_time: at, registered_delivery: 1 });
  const relative = await esme.submit({ schedule_delivery_time: "000000000001000R", registered_delivery: 1 });
  assert.deepStrictEqual([await esme.state(id), await older.state(id)], [SCHEDULED, ENROUTE]);
  const [first, second] = await esme.takeDelivered(2);
  assert.deepStrictEqual([first.receipted_message_id, second.receipted_message_id], [relative, id]);
  // node-smpp writes tenths of a second.
  assert.ok(Date.now() >= at.getTime() - 100, "it came too early");
  assert.strictEqual(await older.state(id), DELIVERED);
});

test("times_that_cannot_be_get_esme_rinvsched_and_esme_rinvexpiry", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const past = new Date(Date.now() - 3600_000);
  const status = async (fields) => (await esme.submitResp(fields)).command_status;
  assert.strictEqual(await status({ schedule_delivery_time: "991399999999000+" }), smpp.ESME_RINVSCHED);
  assert.strictEqual(await status({ schedule_delivery_time: past }), smpp.ESME_RINVSCHED);
  assert.strictEqual(await status({ validity_period: past }), smpp.ESME_RINVEXPIRY);
  const after = { schedule_delivery_time: "000000020000000R", validity_period: "000000010000000R" };
  assert.strictEqual(await status(after), smpp.ESME_RINVEXPIRY);
});

test("a_delivery_refused_for_now_comes_again_and_one_refused_for_good_does_not", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "0ms")).port);
  esme.deliverStatus = smpp.ESME_RX_R_APPN;
  await esme.submit({ registered_delivery: 1 });
  await esme.takeDelivered();
  esme.deliverStatus = smpp.ESME_RX_T_APPN;
  const id = await esme.submit({ registered_delivery: 1 });
  await esme.takeDelivered();
  esme.deliverStatus = 0;
  assert.strictEqual(readReceipt((await esme.takeDelivered())[0]).id, id);
});

// Mobile-originated messages.

test("messages_to_the_own_system_id_and_to_a_mo_number_come_back_the_same", async () => {
  const esme = await Esme.bound((await Simulator.start("--mo-number", "12345")).port);
  for (const destination_addr of ["app", "12345"]) {
    for (const text of ["hello [€]", "Grüße ÿ", "世界 👋"]) {
      await esme.submit({ destination_addr, short_message: text, dest_addr_ton: 0, protocol_id: 0x41 });
      const [message] = await esme.takeDelivered();
      assert.strictEqual(message.short_message.message, text);
      assert.deepStrictEqual([message.source_addr, message.destination_addr], ["1000", destination_addr]);
      assert.deepStrictEqual([message.esm_class, message.protocol_id], [0, 0x41]);
    }
    await esme.submit({ destination_addr, short_message: part("第二", 2, 2), data_coding: 8, esm_class: 0x83 });
    const [message] = await esme.takeDelivered();
    assert.strictEqual(message.esm_class, UDHI | 0x80, "esm_class keeps UDH and reply path, not the mode");
    assert.deepStrictEqual(message.short_message.udh, [Buffer.from([0, 3, 0x2a, 2, 2])]);
    assert.strictEqual(message.short_message.message, "第二");
  }
});

test("binary_octets_come_back_as_they_were", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const octets = Buffer.from(Array.from({ length: 255 }, (_, at) => at));
  await esme.submit({ destination_addr: "app", short_message: octets, data_coding: 4 });
  const [message] = await esme.takeDelivered();
  const came = message.short_message.message.length ? message.short_message : message.message_payload;
  assert.deepStrictEqual(came.message, octets);
});

test("message_payload_comes_back_in_message_payload", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const text = "0123456789".repeat(1500);
  await esme.submit({ destination_addr: "app", short_message: "", message_payload: text, data_coding: 1 });
  const [message] = await esme.takeDelivered();
  assert.strictEqual(message.message_payload.message, text);
  assert.strictEqual(message.short_message.message.length, 0);
});

// TLVs.

test("all_kinds_of_tlvs_of_vendors_too_are_accepted", async () => {
  smpp.addTLV("mblox_operator", { id: 0x1402, type: smpp.types.tlv.cstring });
  const esme = await Esme.bound((await Simulator.start()).port);
  await esme.submit({
    source_port: 5505, dest_port: 2948, sar_msg_ref_num: 1, sar_total_segments: 2, sar_segment_seqnum: 1,
    user_response_code: 1, privacy_indicator: 3, payload_type: 0, language_indicator: 1, display_time: 1,
    callback_num: [{ number: "123" }, { number: "456" }], callback_num_pres_ind: [0, 1],
    source_subaddress: Buffer.from([0xa0, 1, 2]), ussd_service_op: 2, its_session_info: Buffer.from([1, 2]),
    billing_identification: { format: 0x80, data: Buffer.from("bill") }, dest_network_id: "120801",
    alert_on_message_delivery: 1, more_messages_to_send: 1, mblox_operator: "20801",
  });
});

test("a_tlv_that_goes_beyond_the_pdu_is_refused_and_the_session_goes_on", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const pdu = new smpp.PDU("submit_sm", { ...ADDRESSES, short_message: "x", sequence_number: 77 }).toBuffer();
  const cut = Buffer.concat([pdu, Buffer.from("0204000a01", "hex")]);
  cut.writeUInt32BE(cut.length, 0);
  esme.session.socket.write(cut);
  const answer = () => esme.pdus.find((pdu) => pdu.sequence_number === 77);
  await eventually(answer, "an answer");
  assert.strictEqual(answer().command, "submit_sm_resp");
  assert.ok([smpp.ESME_RINVTLVSTREAM, smpp.ESME_RINVTLVLEN].includes(answer().command_status), answer().command_status);
  await esme.submit();
});

// submit_multi.

const sme = (destination_addr) => ({ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr });

test("submit_multi_names_the_destinations_it_refused_and_sends_the_others_receipts", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const dest_address = [sme("111"), sme(""), sme("222"), { dl_name: "friends" }];
  const resp = await esme.request("submit_multi", {
    ...SOURCE, dest_address, short_message: "hello", registered_delivery: 1,
  });
  assert.strictEqual(resp.command_status, 0);
  assert.deepStrictEqual(resp.unsuccess_sme, [{ ...sme(""), error_status_code: smpp.ESME_RINVDSTADR }]);
  const receipts = await esme.takeDelivered(3);
  assert.deepStrictEqual(receipts.map((pdu) => pdu.source_addr).sort(), ["111", "222", "friends"]);
  for (const receipt of receipts) assert.strictEqual(readReceipt(receipt).id, resp.message_id);
});

test("submit_multi_without_a_good_destination_is_refused", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const refused = await esme.request("submit_multi", { ...SOURCE, dest_address: [sme(""), sme("")], short_message: "x" });
  assert.strictEqual(refused.command_status, smpp.ESME_RINVDSTADR);
  const none = await esme.request("submit_multi", { ...SOURCE, dest_address: [], short_message: "x" });
  assert.strictEqual(none.command_status, smpp.ESME_RINVNUMDESTS);
});

test("submit_multi_takes_255_destinations", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const dest_address = Array.from({ length: 255 }, (_, at) => sme(`4477009${String(at).padStart(5, "0")}`));
  const resp = await esme.request("submit_multi", {
    ...SOURCE, dest_address, short_message: "hello", registered_delivery: 1,
  });
  assert.deepStrictEqual([resp.command_status, resp.unsuccess_sme.length], [0, 0]);
  assert.strictEqual(new Set((await esme.takeDelivered(255)).map((pdu) => pdu.source_addr)).size, 255);
});

// data_sm, and transactions.

test("data_sm_is_taken_with_a_receipt_and_without_message_payload_refused", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const fields = { ...ADDRESSES, registered_delivery: 1 };
  const resp = await esme.request("data_sm", { ...fields, message_payload: "hello" });
  assert.strictEqual(resp.command_status, 0);
  assert.strictEqual(readReceipt((await esme.takeDelivered())[0]).id, resp.message_id);
  const empty = await esme.request("data_sm", fields);
  assert.strictEqual(empty.command_status, smpp.ESME_RMISSINGTLV);
});

test("data_sm_with_set_dpf_is_followed_by_alert_notification", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const resp = await esme.request("data_sm", { ...ADDRESSES, message_payload: "hello", set_dpf: 1 });
  assert.strictEqual(resp.command_status, 0);
  await eventually(() => esme.alerts.length === 1, "alert_notification");
  const [alert] = esme.alerts;
  assert.deepStrictEqual([alert.source_addr, alert.esme_addr], ["447700900123", "1000"]);
  assert.strictEqual(alert.ms_availability_status, 0);
});

test("a_transaction_is_answered_with_its_outcome", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "500ms")).port);
  const began = Date.now();
  const fields = { ...ADDRESSES, esm_class: smpp.ESM_CLASS.FORWARD };
  const [data, submit] = await Promise.all([
    esme.request("data_sm", { ...fields, message_payload: "hello", set_dpf: 1 }),
    esme.submitResp(fields),
    esme.request("enquire_link"),
  ]);
  assert.ok(Date.now() - began >= 500, "it was answered too early");
  assert.deepStrictEqual([data.command_status, submit.command_status], [0, 0]);
  assert.strictEqual(data.dpf_result, 1);
  const [, first] = esme.pdus;
  assert.strictEqual(first.command, "enquire_link_resp", "others are not held up");
});

test("a_transaction_that_fails_gets_esme_rdeliveryfailure_with_a_reason", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "60s")).port);
  const fields = { ...ADDRESSES, esm_class: smpp.ESM_CLASS.FORWARD, qos_time_to_live: 1 };
  const resp = await esme.request("data_sm", { ...fields, message_payload: "hello" });
  assert.strictEqual(resp.command_status, smpp.ESME_RDELIVERYFAILURE);
  assert.strictEqual(typeof resp.delivery_failure_reason, "number");
});
