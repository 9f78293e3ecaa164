// query_sm, cancel_sm, replace_sm, and replacing by submit_sm.
"use strict";

const assert = require("node:assert");

const { Simulator, test } = require("../lib/peer");
const { ADDRESSES, Esme, SOURCE, readReceipt, receiptText, smpp } = require("../lib/node_smpp_esme");

const { SCHEDULED, ENROUTE, DELIVERED, DELETED } = smpp.MESSAGE_STATE;
const LATER = "000001000000000R";
const DESTINATION = { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: "447700900123" };

test("query_sm_follows_a_message_from_enroute_to_delivered", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const id = await esme.submit({ registered_delivery: 1 });
  const before = await esme.query(id);
  assert.deepStrictEqual([before.message_state, before.final_date], [ENROUTE, ""]);
  await esme.takeDelivered();
  const after = await esme.query(id);
  assert.deepStrictEqual([after.message_id, after.message_state, after.error_code], [id, DELIVERED, 0]);
  assert.ok(Math.abs(after.final_date - Date.now()) < 60_000, `final_date is ${after.final_date}`);
});

test("messages_of_others_cannot_be_queried_cancelled_or_replaced", async () => {
  const simulator = await Simulator.start();
  const esme = await Esme.bound(simulator.port);
  const other = await Esme.bound(simulator.port, { system_id: "other" });
  const id = await esme.submit({ schedule_delivery_time: LATER });
  const status = async (session, command, fields) =>
    (await session.request(command, { message_id: id, ...SOURCE, ...fields })).command_status;
  assert.strictEqual(await status(other, "query_sm"), smpp.ESME_RINVMSGID);
  assert.notStrictEqual(await status(other, "cancel_sm"), 0);
  assert.strictEqual(await status(other, "replace_sm"), smpp.ESME_RREPLACEFAIL);
  for (const command of ["query_sm", "cancel_sm", "replace_sm"]) {
    assert.notStrictEqual(await status(esme, command, { source_addr: "2000" }), 0, `${command}, other source`);
    assert.notStrictEqual(await status(esme, command, { message_id: "no such id" }), 0, `${command}, other id`);
  }
  assert.strictEqual(await esme.state(id), SCHEDULED);
});

test("cancel_sm_deletes_a_message_and_sends_its_receipt_once", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const id = await esme.submit({ registered_delivery: 1, schedule_delivery_time: LATER });
  const cancel = () => esme.request("cancel_sm", { message_id: id, ...SOURCE });
  assert.strictEqual((await cancel()).command_status, 0);
  const [receipt] = await esme.takeDelivered();
  assert.deepStrictEqual([receipt.message_state, readReceipt(receipt).stat], [DELETED, "DELETED"]);
  assert.strictEqual(await esme.state(id), DELETED);
  assert.strictEqual((await cancel()).command_status, smpp.ESME_RCANCELFAIL, "a second time");
});

test("cancel_sm_of_a_delivered_message_gets_esme_rcancelfail", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "0ms")).port);
  const id = await esme.submit({ registered_delivery: 1 });
  await esme.takeDelivered();
  const resp = await esme.request("cancel_sm", { message_id: id, ...SOURCE });
  assert.strictEqual(resp.command_status, smpp.ESME_RCANCELFAIL);
});

test("cancel_sm_without_an_id_deletes_all_between_two_addresses", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const later = (fields) => esme.submit({ schedule_delivery_time: LATER, ...fields });
  const ids = [await later(), await later({ service_type: "CMT" })];
  const kept = [await later({ destination_addr: "2" }), await later({ source_addr: "3" })];
  const cancel = () => esme.request("cancel_sm", { ...SOURCE, ...DESTINATION });
  assert.strictEqual((await cancel()).command_status, 0);
  for (const id of ids) assert.strictEqual(await esme.state(id), DELETED);
  assert.strictEqual(await esme.state(kept[0]), SCHEDULED);
  assert.strictEqual(await esme.state(kept[1], { source_addr: "3" }), SCHEDULED);
  assert.strictEqual((await cancel()).command_status, smpp.ESME_RCANCELFAIL, "nothing is left");
});

test("cancel_sm_of_a_submit_multi_deletes_all_its_messages", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const dest_address = ["1", "2"].map((destination_addr) => ({ destination_addr }));
  const fields = { ...SOURCE, dest_address, short_message: "hello", registered_delivery: 1 };
  const { message_id } = await esme.request("submit_multi", { ...fields, schedule_delivery_time: LATER });
  assert.strictEqual((await esme.request("cancel_sm", { message_id, ...SOURCE })).command_status, 0);
  const receipts = await esme.takeDelivered(2);
  assert.deepStrictEqual(receipts.map((pdu) => pdu.source_addr).sort(), ["1", "2"]);
  for (const receipt of receipts) assert.strictEqual(readReceipt(receipt).stat, "DELETED");
});

test("replace_sm_changes_text_schedule_and_receipt", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "0ms", "--mo-number", "12345")).port);
  const message_id = await esme.submit({ destination_addr: "12345", schedule_delivery_time: LATER });
  const resp = await esme.request("replace_sm", {
    message_id, ...SOURCE, short_message: "other text", registered_delivery: 1,
    schedule_delivery_time: "000000000001000R",
  });
  assert.strictEqual(resp.command_status, 0);
  assert.strictEqual(await esme.state(message_id), SCHEDULED);
  const [message, receipt] = await esme.takeDelivered(2);
  assert.strictEqual(receiptText(message), "other text");
  assert.strictEqual(readReceipt(receipt).id, message_id);
  assert.match(receiptText(receipt), /[Tt]ext:other text$/);
  await esme.silence(200);
});

test("replace_sm_with_null_times_keeps_them_and_with_message_payload_takes_its_text", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "0ms", "--mo-number", "12345")).port);
  const fields = { destination_addr: "12345", schedule_delivery_time: "000000000001000R" };
  const message_id = await esme.submit(fields);
  const replace = { message_id, ...SOURCE, short_message: "", message_payload: "by payload" };
  assert.strictEqual((await esme.request("replace_sm", replace)).command_status, 0);
  assert.strictEqual(await esme.state(message_id), SCHEDULED);
  assert.strictEqual(receiptText((await esme.takeDelivered())[0]), "by payload");
});

test("replace_sm_of_a_delivered_message_gets_esme_rreplacefail", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "0ms")).port);
  const message_id = await esme.submit({ registered_delivery: 1 });
  await esme.takeDelivered();
  const resp = await esme.request("replace_sm", { message_id, ...SOURCE, short_message: "x" });
  assert.strictEqual(resp.command_status, smpp.ESME_RREPLACEFAIL);
});

test("replace_if_present_replaces_the_same_kind_of_message_and_else_makes_a_new_one", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "0ms", "--mo-number", "12345")).port);
  const fields = { destination_addr: "12345", schedule_delivery_time: "000000000001000R" };
  await esme.submit({ ...fields, short_message: "first" });
  await esme.submit({ ...fields, short_message: "second", replace_if_present_flag: 1 });
  await esme.submit({ ...fields, short_message: "third", replace_if_present_flag: 1, service_type: "CMT" });
  const texts = (await esme.takeDelivered(2)).map(receiptText);
  assert.deepStrictEqual(texts.sort(), ["second", "third"]);
  await esme.silence(200);
});

test("replace_if_present_hits_the_right_copy_of_a_submit_multi", async () => {
  const esme = await Esme.bound(
    (await Simulator.start("--receipt-delay", "0ms", "--mo-number", "1", "--mo-number", "2")).port,
  );
  const dest_address = ["1", "2"].map((destination_addr) => ({ ...DESTINATION, destination_addr }));
  const fields = { ...SOURCE, short_message: "first", schedule_delivery_time: "000000000001000R" };
  await esme.request("submit_multi", { ...fields, dest_address });
  await esme.submit({ ...fields, destination_addr: "2", short_message: "second", replace_if_present_flag: 1 });
  const came = (await esme.takeDelivered(2)).map((pdu) => `${pdu.destination_addr} ${receiptText(pdu)}`);
  assert.deepStrictEqual(came.sort(), ["1 first", "2 second"]);
});

test("replace_if_present_with_a_schedule_makes_the_message_scheduled", async () => {
  const esme = await Esme.bound((await Simulator.start("--receipt-delay", "60s")).port);
  const id = await esme.submit();
  const fields = { ...ADDRESSES, replace_if_present_flag: 1, schedule_delivery_time: LATER };
  const replaced = await esme.submit(fields);
  assert.strictEqual(await esme.state(replaced), SCHEDULED);
  assert.strictEqual(replaced, id);
});
