// Rules as node-smpp sees them: a 5.0 client that knows every PDU, and so the victim for every response.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { spawn } = require("node:child_process");
const readline = require("node:readline");

const { afterwards, eventually, main, sleep, soon, test } = require("../lib/peer");
const { ADDRESSES, Esme, SOURCE, readReceipt, receiptText, smpp } = require("../lib/node_smpp_esme");

// A status that nothing else gives.
const VENDOR = 0x0455;

/** A value as TOML writes it, on one line. */
function toml(value) {
  if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const items = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)} = ${toml(item)}`);
  return `{ ${items.join(", ")} }`;
}

/** A simulator with these rules; its port. */
async function ruled(rules, settings = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "smppkit-rules-"));
  const file = path.join(folder, "simulator.toml");
  const smsc = { listen: ["127.0.0.1:0"], receipt_delay: "100ms", ...settings, rule: rules };
  fs.writeFileSync(file, `seed = 42\nsmsc = [${toml(smsc)}]\n`);
  const options = { stdio: ["ignore", "pipe", "ignore"] };
  const child = spawn(process.env.SMPPKIT, ["simulator", "--config", file], options);
  afterwards(() => {
    child.kill("SIGKILL");
    fs.rmSync(folder, { recursive: true });
  });
  const line = (async () => {
    for await (const said of readline.createInterface({ input: child.stdout })) return said;
    throw new Error("the simulator ended before it listened");
  })();
  return Number(/^listening on \S+:(\d+)/.exec(await soon(line, "the simulator to listen"))[1]);
}

/** A rule that refuses. */
const refuse = (on, more = {}) => ({ on, then: { status: VENDOR }, ...more });

const multi = (...addresses) => ({
  ...SOURCE,
  dest_address: addresses.map((destination_addr) => ({ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr })),
  short_message: "hello",
});

/** A broadcast. Made anew each time, as node-smpp encodes areas in place. */
const broadcast = () => ({
  ...SOURCE,
  broadcast_area_identifier: [{ format: smpp.BROADCAST_AREA_FORMAT.NAME, data: "London" }],
  broadcast_content_type: { network: smpp.NETWORK.GSM, content_type: 0x0010 },
  broadcast_rep_num: 1,
  broadcast_frequency_interval: { unit: smpp.BROADCAST_FREQUENCY_INTERVAL.MINUTES, interval: 5 },
  message_payload: "flood warning",
});

// Any response may be a refusal.

const REQUESTS = {
  submit_sm: { ...ADDRESSES, short_message: "hello" },
  data_sm: { ...ADDRESSES, message_payload: "hello" },
  query_sm: { ...SOURCE, message_id: "1" },
  cancel_sm: { ...ADDRESSES, message_id: "1" },
  replace_sm: { ...SOURCE, message_id: "1", short_message: "other" },
  enquire_link: {},
  unbind: {},
  broadcast_sm: broadcast,
  query_broadcast_sm: { ...SOURCE, message_id: "1" },
  cancel_broadcast_sm: { ...SOURCE, message_id: "1" },
};

for (const [command, given] of Object.entries(REQUESTS)) {
  const fields = () => (typeof given === "function" ? given() : given);


  test(`status_of_${command}_resp_is_what_the_rule_says`, async () => {
    const esme = await Esme.bound(await ruled([refuse(command)]), { interface_version: 0x50 });
    const resp = await esme.request(command, fields());
    assert.strictEqual(resp.command, `${command}_resp`);
    assert.strictEqual(resp.command_status, VENDOR);
    const other = command === "submit_sm" ? "query_sm" : "submit_sm";
    const status = (await esme.request(other, REQUESTS[other])).command_status;
    assert.notStrictEqual(status, VENDOR, `${other} is not meant`);
  });

  test(`${command}_gets_no_answer_where_a_rule_says_so`, async () => {
    const rule = { on: command, times: 1, then: { answer: "none" } };
    const esme = await Esme.bound(await ruled([rule]), { interface_version: 0x50 });
    const [lost, next] = [1000, 1001];
    for (const sequence_number of [lost, next]) {
      esme.session.socket.write(new smpp.PDU(command, { ...fields(), sequence_number }).toBuffer());
    }
    const answered = () => esme.pdus.filter((pdu) => pdu.command.endsWith("_resp") || pdu.command === "generic_nack");
    await eventually(() => answered().some((pdu) => pdu.sequence_number === next), "the answer to the next");
    assert.ok(!answered().some((pdu) => pdu.sequence_number === lost), "the first was answered");
  });
}

for (const mode of ["transmitter", "receiver", "transceiver"]) {
  test(`status_of_bind_${mode}_resp_is_what_the_rule_says_and_another_attempt_succeeds`, async () => {
    const port = await ruled([refuse(`bind_${mode}`, { times: 1 })]);
    const esme = await Esme.connect({ url: `smpp://127.0.0.1:${port}` });
    const resp = await esme.bind(mode);
    assert.strictEqual(resp.command, `bind_${mode}_resp`);
    assert.strictEqual(resp.command_status, VENDOR);
    assert.strictEqual((await esme.bind(mode)).command_status, 0);
    for (const other of ["transmitter", "receiver", "transceiver"].filter((name) => name !== mode)) {
      await Esme.bound(port, { mode: other });
    }
  });
}

test("status_of_all_binds_by_one_pattern", async () => {
  const port = await ruled([refuse("bind_*")]);
  for (const mode of ["transmitter", "receiver", "transceiver"]) {
    const esme = await Esme.connect({ url: `smpp://127.0.0.1:${port}` });
    assert.strictEqual((await esme.bind(mode)).command_status, VENDOR);
  }
});

test("a_refused_unbind_leaves_the_session_bound", async () => {
  const esme = await Esme.bound(await ruled([refuse("unbind", { times: 1 })]));
  assert.strictEqual((await esme.request("unbind")).command_status, VENDOR);
  await esme.submit();
  assert.strictEqual((await esme.request("unbind")).command_status, 0);
  await soon(esme.closed, "the end of the connection");
});

test("unbind_that_gets_no_answer_leaves_the_connection_open", async () => {
  const esme = await Esme.bound(await ruled([{ on: "unbind", then: { answer: "none" } }]));
  esme.session.unbind();
  await esme.submit();
});

test("an_answer_to_unbind_may_be_late_and_the_connection_ends_after_it", async () => {
  const esme = await Esme.bound(await ruled([{ on: "unbind", then: { answer_after: "300ms" } }]));
  const began = Date.now();
  assert.strictEqual((await esme.request("unbind")).command_status, 0);
  assert.ok(Date.now() - began >= 290, "it came too early");
  await soon(esme.closed, "the end of the connection");
});

// submit_multi.

test("only_the_matching_destination_of_submit_multi_is_refused", async () => {
  const port = await ruled([{ when: { destination_addr: "33*" }, then: { status: VENDOR } }]);
  const esme = await Esme.bound(port);
  const resp = await esme.request("submit_multi", { ...multi("111", "333", "222"), registered_delivery: 1 });
  assert.strictEqual(resp.command_status, 0);
  assert.strictEqual(resp.unsuccess_sme.length, 1);
  const [unsuccess] = resp.unsuccess_sme;
  assert.strictEqual(unsuccess.destination_addr, "333");
  assert.strictEqual(unsuccess.error_status_code, VENDOR);
  const receipts = await esme.takeDelivered(2);
  assert.deepStrictEqual(receipts.map((pdu) => pdu.source_addr).sort(), ["111", "222"]);
  await esme.silence(300);
});

test("a_destination_of_submit_multi_has_an_outcome_of_its_own", async () => {
  const rules = [{ when: { destination_addr: "333" }, then: { state: "REJECTED", error_code: 7, delay: "300ms" } }];
  const esme = await Esme.bound(await ruled(rules));
  await esme.request("submit_multi", { ...multi("111", "333"), registered_delivery: 1 });
  const told = (pdu) => [pdu.source_addr, readReceipt(pdu).stat, readReceipt(pdu).err];
  const stats = (await esme.takeDelivered(2)).map(told);
  assert.deepStrictEqual(stats, [["111", "DELIVRD", "000"], ["333", "REJECTD", "007"]]);
});

test("submit_multi_of_which_all_are_refused_is_refused_or_names_them_all", async () => {
  const esme = await Esme.bound(await ruled([refuse("submit_multi")]));
  const resp = await esme.request("submit_multi", multi("111", "222"));
  const named = (resp.unsuccess_sme ?? []).map((sme) => sme.error_status_code);
  assert.ok(resp.command_status !== 0 || named.length === 2, `${resp.command_status} and ${named}`);
});

test("the_answer_to_submit_multi_is_spoiled_when_one_destination_matches", async () => {
  const rule = { when: { destination_addr: "333" }, then: { answer: "nack" } };
  const esme = await Esme.bound(await ruled([rule]));
  const resp = await esme.request("submit_multi", multi("111", "333"));
  assert.strictEqual(resp.command, "generic_nack");
  assert.strictEqual((await esme.request("submit_multi", multi("111"))).command_status, 0);
});

// Faults, as node-smpp meets them.

const answering = (answer, more = {}) => ruled([{ times: 1, then: { answer, ...more } }]);

test("node_smpp_takes_generic_nack_for_the_answer", async () => {
  const esme = await Esme.bound(await answering("nack", { status: "ESME_RSYSERR" }));
  const resp = await esme.submitResp();
  assert.strictEqual(resp.command, "generic_nack");
  assert.strictEqual(resp.command_status, smpp.ESME_RSYSERR);
  await esme.submit();
});

test("node_smpp_sees_both_of_two_answers", async () => {
  const esme = await Esme.bound(await answering("twice"));
  const id = await esme.submit();
  await esme.submit();
  const ids = esme.pdus.filter((pdu) => pdu.command === "submit_sm_resp").map((pdu) => pdu.message_id);
  assert.deepStrictEqual(ids.slice(0, 2), [id, id]);
  assert.strictEqual(ids.length, 3);
});

test("node_smpp_has_no_request_for_an_answer_with_a_wrong_sequence", async () => {
  const esme = await Esme.bound(await answering("wrong-sequence"));
  let called = false;
  esme.session.submit_sm({ ...ADDRESSES, short_message: "hello" }, () => (called = true));
  await esme.submit();
  assert.ok(!called, "the first was answered");
  const numbers = esme.pdus.filter((pdu) => pdu.command === "submit_sm_resp").map((pdu) => pdu.sequence_number);
  assert.strictEqual(numbers[0] >>> 24, 0x7f);
});

test("node_smpp_reports_or_drops_what_it_cannot_read", async () => {
  for (const answer of ["garbage", "bad-tlv", "unknown-command", "length-too-short", "length-too-long", "truncated"]) {
    const esme = await Esme.bound(await answering(answer));
    let resp = null;
    esme.session.submit_sm({ ...ADDRESSES, short_message: "hello" }, (pdu) => (resp = pdu));
    await sleep(200);
    const good = resp && resp.command === "submit_sm_resp" && resp.command_status === 0 && answer !== "bad-tlv";
    // Reading one octet less it still finds the id's text.
    assert.ok(!good || answer === "length-too-short", `${answer}: it was taken for a good answer`);
  }
});

test("node_smpp_sees_a_reset_as_econnreset", async () => {
  const esme = await Esme.bound(await ruled([{ then: { answer: "none", connection: "reset" } }]));
  esme.session.submit_sm({ ...ADDRESSES, short_message: "hello" });
  await soon(esme.closed, "the end of the connection");
  assert.strictEqual(esme.error?.code, "ECONNRESET");
});

test("node_smpp_reassembles_answers_of_seven_octets", async () => {
  const rule = { on: ["bind_*"], then: { segments: { octets: 7, pause: "1ms" } } };
  const esme = await Esme.bound(await ruled([rule]));
  const ids = await Promise.all(Array.from({ length: 10 }, () => esme.submit({ registered_delivery: 1 })));
  const came = (await esme.takeDelivered(10)).map((pdu) => readReceipt(pdu).id);
  assert.deepStrictEqual(came.sort(), ids.sort());
});

// Conditions that only a 5.0 client with TLVs of its own can meet.

smpp.addTLV("vendor_route", { id: 0x1400, type: smpp.types.tlv.cstring });

test("a_vendors_tlv_of_node_smpp_is_matched_by_its_tag", async () => {
  const esme = await Esme.bound(await ruled([{ when: { "0x1400": "*" }, then: { status: VENDOR } }]));
  assert.strictEqual((await esme.submitResp({ vendor_route: "x" })).command_status, VENDOR);
  assert.strictEqual((await esme.submitResp()).command_status, 0);
});

test("interface_version_5_0_is_matched", async () => {
  const port = await ruled([{ when: { interface_version: "5.0" }, then: { status: VENDOR } }]);
  for (const [interface_version, status] of [[0x50, VENDOR], [0x34, 0]]) {
    const esme = await Esme.bound(port, { interface_version });
    assert.strictEqual((await esme.submitResp()).command_status, status);
  }
});

test("text_is_matched_in_ucs2_and_in_message_payload_of_data_sm", async () => {
  const port = await ruled([{ when: { text: "/世界$/" }, then: { status: VENDOR } }]);
  const esme = await Esme.bound(port, { interface_version: 0x50 });
  assert.strictEqual((await esme.submitResp({ short_message: "Hello 世界" })).command_status, VENDOR);
  assert.strictEqual((await esme.submitResp({ short_message: "Hello" })).command_status, 0);
  const payload = Buffer.from("世界", "utf16le").swap16();
  const fields = { ...ADDRESSES, data_coding: 8, message_payload: payload };
  assert.strictEqual((await esme.request("data_sm", fields)).command_status, VENDOR);
});

test("state_and_error_code_are_in_the_receipt_of_data_sm", async () => {
  const esme = await Esme.bound(await ruled([{ on: "data_sm", then: { state: "EXPIRED", error_code: 12 } }]));
  await esme.request("data_sm", { ...ADDRESSES, message_payload: "hello", registered_delivery: 1 });
  const [receipt] = await esme.takeDelivered();
  assert.deepStrictEqual([readReceipt(receipt).stat, readReceipt(receipt).err], ["EXPIRED", "012"]);
});

test("skipped_is_a_state_of_5_0", async () => {
  const port = await ruled([{ then: { state: "SKIPPED" } }]);
  const esme = await Esme.bound(port, { interface_version: 0x50 });
  const id = await esme.submit({ registered_delivery: 1 });
  const [receipt] = await esme.takeDelivered();
  assert.strictEqual(receipt.message_state, 9);
  assert.strictEqual(await esme.state(id), 9);
});

test("reply_comes_back_to_node_smpp", async () => {
  const esme = await Esme.bound(await ruled([{ then: { reply: { text: "You said {text}" } } }]));
  await esme.submit({ short_message: "世界" });
  const [message] = await esme.takeDelivered();
  assert.strictEqual(receiptText(message), "You said 世界");
});

main();
