// node-smpp as the client: does what each task on its command line's file says, and prints what it saw.
"use strict";

const fs = require("node:fs");
const { eventually, sleep } = require("../lib/peer");
const { Esme, SOURCE, smpp } = require("../lib/node_smpp_esme");

// A NUL is one, and not GSM 7-bit's commercial at.
smpp.encodings.default = "LATIN1";
const NAMED = new Set([
  "receipted_message_id",
  "message_state",
  "user_message_reference",
  "network_error_code",
  "message_payload",
]);

async function run(task) {
  const esme = await Esme.bound(task.port, { interface_version: task.version });
  const asked = new Map();
  const events = [];
  let deliveries = 0;
  esme.session.on("pdu", (pdu) => {
    const at = Date.now();
    if (pdu.command === "submit_sm_resp") {
      const { label, sent } = asked.get(pdu.sequence_number);
      events.push({ at, sent, kind: "response", label, status: pdu.command_status, message_id: pdu.message_id });
    } else if (pdu.command === "deliver_sm" || pdu.command === "data_sm") {
      deliveries += 1;
      events.push({ at, kind: "receipt", ...seen(pdu) });
      if (pdu.command === "data_sm") esme.session.send(pdu.response());
    } else if (!pdu.isResponse()) {
      throw new Error(`an unexpected ${pdu.command}`);
    }
  });
  for (const message of task.messages) {
    const pdu = new smpp.PDU("submit_sm", {
      ...SOURCE,
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: message.destination,
      registered_delivery: message.registered_delivery,
      esm_class: message.esm_class,
      short_message: Buffer.from(message.hex, "hex"),
      ...(message.user_message_reference && { user_message_reference: message.user_message_reference }),
    });
    const sent = Date.now();
    esme.session.send(pdu);
    asked.set(pdu.sequence_number, { label: message.label, sent });
  }
  const all = () => events.length - deliveries >= task.messages.length && deliveries >= task.deliveries;
  try {
    await eventually(all, `${task.deliveries} deliveries`);
  } catch (error) {
    // What came is shown all the same.
    events.push({ kind: "late", what: error.message });
  }
  await sleep(task.silence_ms);
  esme.session.destroy();
  return [task.name, events];
}

function seen(pdu) {
  const tlvs = {};
  for (const [name, value] of Object.entries(pdu)) {
    if (NAMED.has(name) && name !== "message_payload") tlvs[name] = Buffer.isBuffer(value) ? value.toString("hex") : value;
    else if (/^\d+$/.test(name)) tlvs[`0x${Number(name).toString(16).padStart(4, "0")}`] = value.toString("hex");
  }
  return {
    command: pdu.command,
    esm_class: pdu.esm_class,
    source: pdu.source_addr,
    destination: pdu.destination_addr,
    text: pdu.short_message ? String(pdu.short_message.message) : "",
    payload: pdu.message_payload === undefined ? null : String(pdu.message_payload.message ?? pdu.message_payload),
    tlvs,
  };
}

async function main() {
  const tasks = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const results = await Promise.all(tasks.map(run));
  fs.writeSync(1, JSON.stringify(Object.fromEntries(results)));
  process.exit(0);
}

main();
