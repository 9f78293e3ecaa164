// Binding, enquire_link, unbind, outbind, and PDUs in the wrong place.
"use strict";

const assert = require("node:assert");

const { Simulator, eventually, soon, test } = require("../lib/peer");
const { Esme, listen, readReceipt, smpp } = require("../lib/node_smpp_esme");

for (const [version, declared] of [["3.4", 0x34], ["5.0", 0x50]]) {
  test(`each_bind_mode_is_accepted_at_${version}`, async () => {
    const simulator = await Simulator.start("--system-id", "centre");
    for (const mode of ["transmitter", "receiver", "transceiver"]) {
      const esme = await Esme.bound(simulator.port, { mode, interface_version: declared });
      assert.strictEqual(esme.bindResp.command, `bind_${mode}_resp`);
      assert.strictEqual(esme.bindResp.system_id, "centre");
      assert.strictEqual(esme.bindResp.sc_interface_version, 0x50);
    }
  });
}

test("wrong_password_and_unknown_id_get_the_same_esme_rbindfail", async () => {
  const simulator = await Simulator.start("--account", "app:secret");
  for (const fields of [{ password: "wrong" }, { password: "" }, { system_id: "nobody" }, { system_id: "" }]) {
    const esme = await Esme.connect({ url: `smpp://127.0.0.1:${simulator.port}` });
    const resp = await esme.bind("transceiver", fields);
    assert.strictEqual(resp.command_status, smpp.ESME_RBINDFAIL);
    assert.strictEqual(resp.command_length, 16, "a refusal has no body");
    assert.strictEqual((await esme.bind("transceiver")).command_status, 0, "the next attempt");
  }
});

test("requests_before_the_bind_get_esme_rinvbndsts", async () => {
  const simulator = await Simulator.start();
  const esme = await Esme.connect({ url: `smpp://127.0.0.1:${simulator.port}` });
  for (const command of ["submit_sm", "query_sm", "data_sm", "unbind"]) {
    const fields = { destination_addr: "2", message_payload: "x" };
    const resp = await esme.request(command, command === "data_sm" ? fields : { destination_addr: "2" });
    assert.strictEqual(resp.command_status, smpp.ESME_RINVBNDSTS, command);
  }
  assert.strictEqual((await esme.request("enquire_link")).command_status, 0, "enquire_link goes in every state");
});

test("requests_of_the_wrong_direction_get_esme_rinvbndsts", async () => {
  const simulator = await Simulator.start();
  const receiver = await Esme.bound(simulator.port, { mode: "receiver" });
  assert.strictEqual((await receiver.submitResp()).command_status, smpp.ESME_RINVBNDSTS);
  const transceiver = await Esme.bound(simulator.port);
  const resp = await transceiver.request("deliver_sm", { destination_addr: "2", short_message: "x" });
  assert.notStrictEqual(resp.command_status, 0, "deliver_sm is for the simulator to send");
});

test("an_unknown_command_gets_generic_nack_and_the_session_goes_on", async () => {
  smpp.addCommand("auth_acc", { id: 0x01000001, params: { system_id: { type: smpp.types.cstring } } });
  const esme = await Esme.bound((await Simulator.start()).port);
  const resp = await esme.request("auth_acc", { system_id: "app" });
  assert.strictEqual(resp.command, "generic_nack");
  assert.strictEqual(resp.command_status, smpp.ESME_RINVCMDID);
  await esme.submit();
});

test("a_body_cut_short_gets_esme_rinvcmdlen_and_the_session_goes_on", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const nack = new Promise((resolve) => esme.session.on("pdu", resolve));
  const header = Buffer.from("00000014000000040000000000000063", "hex");
  esme.session.socket.write(Buffer.concat([header, Buffer.from("CMT\0")]));
  const pdu = await soon(nack, "an answer");
  assert.strictEqual(pdu.command_status, smpp.ESME_RINVCMDLEN);
  assert.strictEqual(pdu.sequence_number, 0x63);
  await esme.submit();
});

test("a_command_length_that_cannot_be_gets_generic_nack_and_the_end", async () => {
  const simulator = await Simulator.start();
  for (const length of ["00000008", "7fffffff"]) {
    const esme = await Esme.bound(simulator.port);
    const nack = new Promise((resolve) => esme.session.on("generic_nack", resolve));
    esme.session.socket.write(Buffer.from(`${length}000000150000000000000009`, "hex"));
    assert.strictEqual((await soon(nack, "generic_nack")).command_status, smpp.ESME_RINVCMDLEN);
    await soon(esme.closed, "the end of the connection");
  }
});

test("pdus_in_one_segment_and_octet_by_octet_are_all_answered", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  const enquiry = (sequence_number) => new smpp.PDU("enquire_link", { sequence_number }).toBuffer();
  const answered = () => esme.pdus.filter((pdu) => pdu.command === "enquire_link_resp");
  const numbers = Array.from({ length: 50 }, (_, at) => at + 1000);
  esme.session.socket.write(Buffer.concat(numbers.map(enquiry)));
  await eventually(() => answered().length === 50, "50 answers");
  assert.deepStrictEqual(answered().map((pdu) => pdu.sequence_number), numbers);
  for (const octet of enquiry(0x7fffffff)) {
    await new Promise((resolve) => esme.session.socket.write(Buffer.from([octet]), resolve));
  }
  await eventually(() => answered().length === 51, "the 51st answer");
  assert.strictEqual(answered()[50].sequence_number, 0x7fffffff);
});

test("hundred_sessions_of_one_account_share_its_deliveries", async () => {
  const simulator = await Simulator.start();
  const receivers = await Promise.all(
    Array.from({ length: 100 }, () => Esme.bound(simulator.port, { mode: "receiver" })),
  );
  const transmitter = await Esme.bound(simulator.port, { mode: "transmitter" });
  const submits = Array.from({ length: 300 }, () => transmitter.submit({ registered_delivery: 1 }));
  const ids = await Promise.all(submits);
  const came = () => receivers.flatMap((receiver) => receiver.delivered.map((pdu) => readReceipt(pdu).id));
  await eventually(() => came().length === 300, "300 receipts");
  assert.deepStrictEqual(came().sort(), ids.sort(), "each receipt once");
});

test("enquire_link_is_answered_and_asked", async () => {
  const esme = await Esme.bound((await Simulator.start("--enquire-link", "300ms", "--response", "5s")).port);
  assert.strictEqual((await esme.request("enquire_link")).command, "enquire_link_resp");
  await eventually(() => esme.enquiries >= 3, "enquire_link");
  await esme.submit();
});

test("a_client_that_does_not_answer_enquire_link_is_cut", async () => {
  const esme = await Esme.bound((await Simulator.start("--enquire-link", "200ms", "--response", "200ms")).port);
  esme.answersEnquiries = false;
  await soon(esme.closed, "the end of the connection");
});

test("unbind_is_answered_and_the_connection_closed", async () => {
  const esme = await Esme.bound((await Simulator.start()).port);
  assert.strictEqual((await esme.request("unbind")).command, "unbind_resp");
  await soon(esme.closed, "the end of the connection");
});

test("sigterm_unbinds_all_clients_and_ends_the_simulator", async () => {
  const simulator = await Simulator.start();
  const modes = ["transmitter", "receiver", "transceiver"];
  const esmes = await Promise.all(modes.map((mode) => Esme.bound(simulator.port, { mode })));
  simulator.terminate();
  for (const esme of esmes) {
    await soon(esme.closed, "the end of the connection");
    assert.strictEqual(esme.pdus.at(-1).command, "unbind");
  }
  assert.strictEqual(await soon(simulator.ended, "the simulator's end"), 0);
});

for (const mode of ["receiver", "transceiver"]) {
  test(`outbind_lets_a_listening_esme_bind_as_${mode}`, async () => {
    const outbound = deferred();
    const port = await listen((session) => {
      const esme = new Esme(session);
      session.on("outbind", async (pdu) => {
        const resp = await esme.bind(mode);
        outbound.resolve({ esme, pdu, resp });
      });
    });
    const simulator = await Simulator.start("--outbind", `127.0.0.1:${port}`, "--system-id", "centre");
    const { esme, pdu, resp } = await soon(outbound.promise, "outbind");
    assert.strictEqual(pdu.system_id, "centre");
    assert.strictEqual(resp.command_status, 0);
    const transmitter = await Esme.bound(simulator.port, { mode: "transmitter" });
    const id = await transmitter.submit({ registered_delivery: 1 });
    assert.strictEqual(readReceipt((await esme.takeDelivered())[0]).id, id);
  });
}

test("an_esme_that_hangs_up_at_outbind_is_tried_again", async () => {
  let sessions = 0;
  const again = deferred();
  const port = await listen((session) => {
    const esme = new Esme(session);
    sessions += 1;
    session.on("outbind", () => (sessions === 1 ? session.destroy() : again.resolve(esme.bind("receiver"))));
  });
  await Simulator.start("--outbind", `127.0.0.1:${port}`);
  assert.strictEqual((await soon(again.promise, "a second outbind")).command_status, 0);
});

function deferred() {
  const result = {};
  result.promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }));
  return result;
}
