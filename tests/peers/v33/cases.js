// What a 3.3 ESME must find at the simulator. node-smpp has no 3.3 of its own, but takes what it is given.
"use strict";

const assert = require("node:assert");

const { Simulator, eventually, main, soon, test } = require("../lib/peer");
const { Esme, SOURCE, readReceipt, receiptText, smpp } = require("../lib/node_smpp_esme");

const V33 = { interface_version: 0x33 };
const { ENROUTE, DELIVERED, DELETED } = smpp.MESSAGE_STATE;

/** A 3.3 ESME has one session for each direction. */
async function pair(port, fields = V33) {
  const transmitter = await Esme.bound(port, { mode: "transmitter", ...fields });
  const receiver = await Esme.bound(port, { mode: "receiver", ...fields });
  return { transmitter, receiver };
}

/** Fails when a PDU has more than its fields: node-smpp keeps each TLV as a further property. */
function assertNoTlvs(...esmes) {
  const header = ["command", "command_length", "command_id", "command_status", "sequence_number"];
  for (const pdu of esmes.flatMap((esme) => esme.pdus)) {
    const fields = [...header, ...Object.keys(smpp.commands[pdu.command].params ?? {})];
    const more = Object.keys(pdu).filter((name) => !fields.includes(name));
    assert.deepStrictEqual(more, [], `TLVs in ${pdu.command}`);
  }
}

const assertShortId = (id) => assert.match(id, /^[0-9A-F]{1,8}$/, "message_id");

for (const [name, interface_version] of [["0x33", 0x33], ["0x00", 0]]) {
  test(`binds_of_interface_version_${name}_get_no_tlvs_and_short_ids`, async () => {
    const { transmitter, receiver } = await pair((await Simulator.start()).port, { interface_version });
    assert.strictEqual(transmitter.bindResp.system_id, "smppkit");
    for (let count = 0; count < 20; count += 1) assertShortId(await transmitter.submit());
    assertNoTlvs(transmitter, receiver);
  });
}

test("a_receipt_is_text_only_with_the_id_of_the_answer", async () => {
  const { transmitter, receiver } = await pair((await Simulator.start()).port);
  const id = await transmitter.submit({ registered_delivery: 1, short_message: "hello" });
  assertShortId(id);
  const [receipt] = await receiver.takeDelivered();
  assert.deepStrictEqual(readReceipt(receipt), { id, sub: "001", dlvrd: "001", stat: "DELIVRD", err: "000" });
  assert.match(receiptText(receipt), /[Tt]ext:hello$/);
  assert.deepStrictEqual([receipt.source_addr, receipt.destination_addr], ["447700900123", "1000"]);
  assert.strictEqual(receipt.esm_class, 0x04);
  assertNoTlvs(transmitter, receiver);
});

test("registered_delivery_of_0_gets_no_receipt", async () => {
  const { transmitter, receiver } = await pair((await Simulator.start("--receipt-delay", "0ms")).port);
  await transmitter.submit({ registered_delivery: 0 });
  await receiver.silence(300);
});

test("mobile_originated_messages_come_without_tlvs", async () => {
  const { transmitter, receiver } = await pair((await Simulator.start("--mo-number", "12345")).port);
  for (const text of ["hello", "世界"]) {
    await transmitter.submit({ destination_addr: "12345", short_message: text });
    const [message] = await receiver.takeDelivered();
    assert.strictEqual(receiptText(message), text);
    assert.strictEqual(message.destination_addr, "12345");
  }
  assertNoTlvs(transmitter, receiver);
});

test("messages_are_queried_replaced_and_cancelled_by_their_short_ids", async () => {
  const { transmitter, receiver } = await pair((await Simulator.start()).port);
  const schedule_delivery_time = new Date(Date.now() + 3600_000);
  const message_id = await transmitter.submit({ registered_delivery: 1, schedule_delivery_time });
  // SCHEDULED is a word of 5.0.
  assert.strictEqual(await transmitter.state(message_id), ENROUTE);
  const replace = { message_id, ...SOURCE, short_message: "other", registered_delivery: 1 };
  assert.strictEqual((await transmitter.request("replace_sm", replace)).command_status, 0);
  // 3.3 wants the destination to match, too.
  const cancel = { message_id, ...SOURCE };
  const refused = await transmitter.request("cancel_sm", { ...cancel, destination_addr: "2" });
  assert.strictEqual(refused.command_status, smpp.ESME_RCANCELFAIL);
  const fields = { ...cancel, dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: "447700900123" };
  assert.strictEqual((await transmitter.request("cancel_sm", fields)).command_status, 0);
  const [receipt] = await receiver.takeDelivered();
  assert.deepStrictEqual([readReceipt(receipt).id, readReceipt(receipt).stat], [message_id, "DELETED"]);
  const response = await transmitter.query(message_id);
  assert.deepStrictEqual([response.message_id, response.message_state], [message_id, DELETED]);
  assertNoTlvs(transmitter, receiver);
});

test("a_delivered_message_is_queried_as_delivered", async () => {
  const { transmitter, receiver } = await pair((await Simulator.start()).port);
  const id = await transmitter.submit({ registered_delivery: 1 });
  await receiver.takeDelivered();
  assert.strictEqual(await transmitter.state(id), DELIVERED);
});

test("submit_multi_names_the_destinations_it_refused", async () => {
  const { transmitter, receiver } = await pair((await Simulator.start()).port);
  const dest_address = ["111", "", "222"].map((destination_addr) => ({ dest_addr_ton: 1, destination_addr }));
  const fields = { ...SOURCE, dest_address, short_message: "hello", registered_delivery: 1 };
  const resp = await transmitter.request("submit_multi", fields);
  assertShortId(resp.message_id);
  assert.deepStrictEqual(resp.unsuccess_sme.map((sme) => sme.error_status_code), [smpp.ESME_RINVDSTADR]);
  const receipts = await receiver.takeDelivered(2);
  for (const receipt of receipts) assert.strictEqual(readReceipt(receipt).id, resp.message_id);
  assertNoTlvs(transmitter, receiver);
});

test("a_tlv_is_refused_with_esme_rinvcmdlen_as_33_has_none", async () => {
  const { transmitter } = await pair((await Simulator.start()).port);
  const resp = await transmitter.submitResp({ user_message_reference: 7 });
  assert.strictEqual(resp.command_status, smpp.ESME_RINVCMDLEN);
  await transmitter.submit();
});

test("bind_transceiver_of_a_client_that_says_33_is_tolerated_by_a_newer_simulator", async () => {
  const esme = await Esme.bound((await Simulator.start()).port, V33);
  const id = await esme.submit({ registered_delivery: 1 });
  assert.strictEqual(readReceipt((await esme.takeDelivered())[0]).id, id);
  assertNoTlvs(esme);
});

test("commands_that_came_after_33_get_esme_rinvcmdid", async () => {
  const { transmitter } = await pair((await Simulator.start()).port);
  for (const command of ["data_sm", "broadcast_sm", "query_broadcast_sm", "cancel_broadcast_sm"]) {
    const resp = await transmitter.request(command, { ...SOURCE, destination_addr: "2", message_id: "1" });
    assert.strictEqual(resp.command_status, smpp.ESME_RINVCMDID, command);
  }
  await transmitter.submit();
  assertNoTlvs(transmitter);
});

test("an_alert_notification_is_not_sent_to_a_33_receiver_and_holds_nothing_up", async () => {
  const { port } = await Simulator.start("--receipt-delay", "0ms");
  const receiver = await Esme.bound(port, { mode: "receiver", ...V33 });
  const newer = await Esme.bound(port, { mode: "transmitter", interface_version: 0x34 });
  await newer.request("data_sm", { ...SOURCE, destination_addr: "2", message_payload: "x", set_dpf: 1 });
  const id = await newer.submit({ registered_delivery: 1 });
  assert.strictEqual(readReceipt((await receiver.takeDelivered())[0]).id, id);
  assert.strictEqual(receiver.alerts.length, 0);
  assertNoTlvs(receiver);
});

test("enquire_link_goes_both_ways_and_unbind_ends_the_session", async () => {
  const { port } = await Simulator.start("--enquire-link", "300ms", "--response", "5s");
  const { transmitter, receiver } = await pair(port);
  for (const esme of [transmitter, receiver]) {
    assert.strictEqual((await esme.request("enquire_link")).command_status, 0);
  }
  const asked = () => transmitter.enquiries >= 2 && receiver.enquiries >= 2;
  await eventually(asked, "enquire_link");
  for (const esme of [transmitter, receiver]) {
    assert.strictEqual((await esme.request("unbind")).command_status, 0);
    await soon(esme.closed, "the end of the connection");
  }
  assertNoTlvs(transmitter, receiver);
});

// What only 3.3 has. The numbers are those of smppapi; the document prints none.

const ids = {
  read(buffer, offset) {
    const list = [];
    for (let left = buffer.readUInt8(offset), at = offset + 1; left > 0; left -= 1) {
      list.push(smpp.types.cstring.read(buffer, at));
      at += smpp.types.cstring.size(list.at(-1));
    }
    return list;
  },
  size: (list) => 1 + list.reduce((sum, id) => sum + id.length + 1, 0),
  default: [],
};
const { int8, cstring, buffer, dest_address_array } = smpp.types;
const source = { source_addr_ton: { type: int8 }, source_addr_npi: { type: int8 }, source_addr: { type: cstring } };

smpp.addCommand("param_retrieve", { id: 0x22, params: { param_name: { type: cstring } } });
smpp.addCommand("param_retrieve_resp", { id: 0x80000022, params: { param_value: { type: cstring } } });
smpp.addCommand("query_last_msgs", { id: 0x23, params: { ...source, num_messages: { type: int8 } } });
smpp.addCommand("query_last_msgs_resp", { id: 0x80000023, params: { message_ids: { type: ids } } });
smpp.addCommand("query_msg_details", {
  id: 0x24,
  params: { original_message_id: { type: cstring }, ...source, sm_length: { type: int8 } },
});
smpp.addCommand("query_msg_details_resp", {
  id: 0x80000024,
  params: {
    service_type: { type: cstring }, ...source, dest_address: { type: dest_address_array },
    protocol_id: { type: int8 }, priority_flag: { type: int8 },
    schedule_delivery_time: { type: cstring }, validity_period: { type: cstring },
    registered_delivery: { type: int8 }, data_coding: { type: int8 }, short_message: { type: buffer },
    msgid: { type: cstring }, final_date: { type: cstring }, message_status: { type: int8 },
    error_code: { type: int8 },
  },
});

test("query_last_msgs_gives_the_latest_ids_of_a_source", async () => {
  const { transmitter } = await pair((await Simulator.start()).port);
  const sent = [];
  for (let count = 0; count < 3; count += 1) sent.push(await transmitter.submit());
  await transmitter.submit({ source_addr: "2000" });
  const { message_ids } = await transmitter.request("query_last_msgs", { ...SOURCE, num_messages: 2 });
  assert.deepStrictEqual(message_ids.sort(), sent.slice(1).sort());
  assertNoTlvs(transmitter);
});

test("query_msg_details_gives_a_message_back", async () => {
  const { transmitter } = await pair((await Simulator.start()).port);
  const id = await transmitter.submit({ short_message: "hello world", service_type: "CMT", data_coding: 0 });
  const asked = { original_message_id: id, ...SOURCE, sm_length: 5 };
  const details = await transmitter.request("query_msg_details", asked);
  assert.strictEqual(details.command_status, 0);
  assert.deepStrictEqual([details.service_type, details.source_addr, details.msgid], ["CMT", "1000", id]);
  assert.deepStrictEqual(details.dest_address.map((to) => to.destination_addr), ["447700900123"]);
  assert.strictEqual(details.short_message.toString(), "hello");
  assert.strictEqual(details.message_status, ENROUTE);
  assertNoTlvs(transmitter);
});

test("param_retrieve_knows_the_system_id_and_refuses_what_it_does_not_know", async () => {
  const { transmitter } = await pair((await Simulator.start("--system-id", "centre")).port);
  const known = await transmitter.request("param_retrieve", { param_name: "system_id" });
  assert.strictEqual(known.param_value, "centre");
  const unknown = await transmitter.request("param_retrieve", { param_name: "shoe_size" });
  assert.notStrictEqual(unknown.command_status, 0);
});

// A simulator that itself is older.

test("a_33_simulator_refuses_bind_transceiver_with_esme_rinvcmdid_and_takes_the_others", async () => {
  const { port } = await Simulator.start("--protocol", "3.3");
  for (const interface_version of [0x33, 0x34, 0x50]) {
    const refused = await Esme.connect({ url: `smpp://127.0.0.1:${port}` });
    assert.strictEqual((await refused.bind("transceiver", { interface_version })).command_status, smpp.ESME_RINVCMDID);
    assert.strictEqual((await refused.bind("transmitter", { interface_version })).command_status, 0);
    assertShortId(await refused.submit());
    assertNoTlvs(refused);
  }
});

test("a_33_simulator_sends_a_newer_client_receipts_without_tlvs", async () => {
  const { port } = await Simulator.start("--protocol", "3.3");
  const { transmitter, receiver } = await pair(port, { interface_version: 0x34 });
  const id = await transmitter.submit({ registered_delivery: 1 });
  assert.strictEqual(readReceipt((await receiver.takeDelivered())[0]).id, id);
  assertNoTlvs(transmitter, receiver);
});

test("a_34_simulator_names_its_version_and_knows_no_broadcasts", async () => {
  const { port } = await Simulator.start("--protocol", "3.4");
  const esme = await Esme.bound(port, { interface_version: 0x50 });
  assert.strictEqual(esme.bindResp.sc_interface_version, 0x34);
  const resp = await esme.request("broadcast_sm", SOURCE);
  assert.strictEqual(resp.command_status, smpp.ESME_RINVCMDID);
  await esme.submit();
});

main();
