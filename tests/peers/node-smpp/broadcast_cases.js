// broadcast_sm, query_broadcast_sm, cancel_broadcast_sm: 5.0 only.
"use strict";

const assert = require("node:assert");

const { Simulator, test } = require("../lib/peer");
const { AREAS, Esme, SOURCE, broadcast, smpp } = require("../lib/node_smpp_esme");

const { SCHEDULED, ENROUTE, DELETED } = smpp.MESSAGE_STATE;

test("a_broadcast_is_taken_queried_and_cancelled_by_its_id", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const { message_id, command_status } = await esme.request("broadcast_sm", broadcast());
  assert.strictEqual(command_status, 0);
  const query = () => esme.request("query_broadcast_sm", { message_id, ...SOURCE });
  const before = await query();
  assert.deepStrictEqual([before.command_status, before.message_id], [0, message_id]);
  assert.deepStrictEqual([before.message_state, before.broadcast_area_success], [ENROUTE, 100]);
  assert.deepStrictEqual(before.broadcast_area_identifier, AREAS);
  const cancelled = await esme.request("cancel_broadcast_sm", { message_id, ...SOURCE });
  assert.strictEqual(cancelled.command_status, 0);
  const after = await query();
  assert.strictEqual(after.message_state, DELETED);
  assert.ok(Math.abs(after.broadcast_end_time - Date.now()) < 60_000, `it ended ${after.broadcast_end_time}`);
});

test("a_broadcast_is_found_and_cancelled_by_its_reference", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const reference = { user_message_reference: 0x0777, ...SOURCE };
  const later = { schedule_delivery_time: "000001000000000R" };
  const { message_id } = await esme.request("broadcast_sm", broadcast({ ...reference, ...later }));
  const found = await esme.request("query_broadcast_sm", reference);
  assert.deepStrictEqual([found.message_id, found.message_state], [message_id, SCHEDULED]);
  assert.strictEqual(found.user_message_reference, 0x0777);
  assert.strictEqual((await esme.request("cancel_broadcast_sm", reference)).command_status, 0);
  assert.strictEqual((await esme.request("query_broadcast_sm", reference)).message_state, DELETED);
});

test("broadcasts_that_are_not_there_cannot_be_queried_cancelled_or_replaced", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const status = async (command, fields) => (await esme.request(command, fields)).command_status;
  const nothing = { ...SOURCE, message_id: "none" };
  assert.strictEqual(await status("query_broadcast_sm", nothing), smpp.ESME_RINVMSGID);
  assert.strictEqual(await status("cancel_broadcast_sm", nothing), smpp.ESME_RBCASTCANCELFAIL);
  const replace = broadcast({ message_id: "none", replace_if_present_flag: 1 });
  assert.strictEqual(await status("broadcast_sm", replace), smpp.ESME_RBCASTFAIL);
});

test("a_broadcast_without_an_area_or_content_type_gets_esme_rmissingtlv", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  for (const tlv of ["broadcast_area_identifier", "broadcast_content_type", "broadcast_frequency_interval"]) {
    const fields = broadcast();
    delete fields[tlv];
    assert.strictEqual((await esme.request("broadcast_sm", fields)).command_status, smpp.ESME_RMISSINGTLV, tlv);
  }
});

test("a_broadcast_is_replaced_by_its_id_and_keeps_it", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const { message_id } = await esme.request("broadcast_sm", broadcast());
  const one = { broadcast_area_identifier: [{ ...AREAS[1] }], replace_if_present_flag: 1, message_id };
  const replaced = await esme.request("broadcast_sm", broadcast(one));
  assert.deepStrictEqual([replaced.command_status, replaced.message_id], [0, message_id]);
  const found = await esme.request("query_broadcast_sm", { message_id, ...SOURCE });
  assert.deepStrictEqual(found.broadcast_area_identifier, [AREAS[1]]);
});

test("a_broadcast_in_a_34_session_is_refused_as_an_unknown_command", async () => {
  const esme = await Esme.bound((await Simulator.start()).port, { interface_version: 0x34 });
  const resp = await esme.request("broadcast_sm", broadcast());
  assert.strictEqual(resp.command_status, smpp.ESME_RINVCMDID);
});
