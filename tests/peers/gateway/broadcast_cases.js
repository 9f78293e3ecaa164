// Broadcasts of node-smpp through the gateway to the simulator, asked about and withdrawn under the gateway's ids.
"use strict";

const assert = require("node:assert");

const { main, soon, test } = require("../lib/peer");
const { AREAS, Esme, SOURCE, broadcast, smpp } = require("../lib/node_smpp_esme");
const { Stage } = require("./stage.js");

const { ENROUTE, DELETED } = smpp.MESSAGE_STATE;
const NEWEST = { gateway: { connector: { version: "5.0" } } };

test("a_broadcast_is_taken_queried_and_cancelled_before_and_after_kill_9", async () => {
  const stage = await Stage.set(NEWEST);
  let esme = await Esme.bound(stage.port);
  const { message_id, command_status } = await esme.request("broadcast_sm", broadcast());
  assert.strictEqual(command_status, 0);
  const kept = await stage.do("message", message_id);
  assert.deepStrictEqual([kept.kind, kept.state, kept.remote_id], ["broadcast", "delivered", "broadcast:B000000001"]);
  const query = () => esme.request("query_broadcast_sm", { message_id, ...SOURCE });
  const check = async (state) => {
    const found = await query();
    assert.deepStrictEqual([found.command_status, found.message_id], [0, message_id]);
    assert.deepStrictEqual([found.message_state, found.broadcast_area_success], [state, 100]);
    assert.deepStrictEqual(found.broadcast_area_identifier, AREAS);
    return found;
  };
  await check(ENROUTE);
  await stage.do("kill");
  await soon(esme.closed, "the end of the connection");
  await stage.do("start");
  await stage.until("connectors", ([connector]) => connector.binds === 1);
  esme = await Esme.bound(stage.port);
  await check(ENROUTE);
  const cancelled = await esme.request("cancel_broadcast_sm", { message_id, ...SOURCE });
  assert.strictEqual(cancelled.command_status, 0);
  const after = await check(DELETED);
  assert.ok(Math.abs(after.broadcast_end_time - Date.now()) < 60_000, `it ended ${after.broadcast_end_time}`);
  await stage.conserved();
});

test("a_broadcast_is_found_by_its_reference_and_replaced_by_its_id", async () => {
  const stage = await Stage.set(NEWEST);
  const esme = await Esme.bound(stage.port);
  const reference = { user_message_reference: 0x0777, ...SOURCE };
  const { message_id } = await esme.request("broadcast_sm", broadcast(reference));
  const found = await esme.request("query_broadcast_sm", reference);
  assert.deepStrictEqual([found.message_id, found.user_message_reference], [message_id, 0x0777]);
  const one = { broadcast_area_identifier: [{ ...AREAS[1] }], replace_if_present_flag: 1, message_id };
  const replaced = await esme.request("broadcast_sm", broadcast(one));
  assert.deepStrictEqual([replaced.command_status, replaced.message_id], [0, message_id]);
  const after = await esme.request("query_broadcast_sm", { message_id, ...SOURCE });
  assert.deepStrictEqual(after.broadcast_area_identifier, [AREAS[1]]);
  const all = await esme.request("cancel_broadcast_sm", { ...SOURCE, service_type: "" });
  assert.strictEqual(all.command_status, 0);
  await stage.conserved();
});

test("broadcasts_that_are_not_there_cannot_be_queried_cancelled_or_replaced", async () => {
  const stage = await Stage.set(NEWEST);
  const esme = await Esme.bound(stage.port);
  const status = async (command, fields) => (await esme.request(command, fields)).command_status;
  const nothing = { ...SOURCE, message_id: "none" };
  assert.strictEqual(await status("query_broadcast_sm", nothing), smpp.ESME_RBCASTQUERYFAIL);
  assert.strictEqual(await status("cancel_broadcast_sm", nothing), smpp.ESME_RBCASTCANCELFAIL);
  const replace = broadcast({ message_id: "none", replace_if_present_flag: 1 });
  assert.strictEqual(await status("broadcast_sm", replace), smpp.ESME_RBCASTFAIL);
});

test("a_broadcast_goes_through_at_once_or_not_at_all", async () => {
  const older = await Stage.set();
  const esme = await Esme.bound(older.port);
  const refused = await esme.request("broadcast_sm", broadcast());
  assert.strictEqual(refused.command_status, smpp.ESME_RBCASTFAIL, "the message centre is spoken to in 3.4");
  const at34 = await Esme.bound(older.port, { interface_version: 0x34 });
  assert.strictEqual((await at34.request("broadcast_sm", broadcast())).command_status, smpp.ESME_RINVCMDID);
  const incomplete = broadcast();
  delete incomplete.broadcast_area_identifier;
  assert.strictEqual((await esme.request("broadcast_sm", incomplete)).command_status, smpp.ESME_RMISSINGTLV);
  // Nothing is kept.
  await older.until("status", ({ messages }) => messages.accepted === 0);
});

main();
