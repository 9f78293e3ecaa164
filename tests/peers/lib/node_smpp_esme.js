// An ESME made of node-smpp's session, with promises in place of callbacks.
"use strict";

const smpp = require("smpp");
const { afterwards, eventually, soon, sleep } = require("./peer");

class Esme {
  /** Around a node-smpp session, whoever opened the connection. */
  constructor(session) {
    this.session = session;
    this.delivered = [];
    this.alerts = [];
    this.pdus = [];
    this.enquiries = 0;
    // What deliver_sm is answered with; null keeps silent.
    this.deliverStatus = 0;
    this.answersEnquiries = true;
    this.closed = new Promise((resolve) => session.on("close", resolve));
    session.on("pdu", (pdu) => this.take(pdu));
    // A connection that is reset says no more than "close", which always follows.
    session.on("error", (error) => (this.error = error));
    afterwards(() => session.destroy());
  }

  /** Connects; `options` are node-smpp's own. */
  static async connect(options) {
    const session = smpp.connect(options);
    const esme = new Esme(session);
    const opened = new Promise((resolve, reject) => {
      session.on(session.options.tls ? "secureConnect" : "connect", resolve);
      session.on("error", reject);
    });
    await soon(opened, "a connection");
    return esme;
  }

  /** Connects and binds as `app`. */
  static async bound(port, { mode = "transceiver", ...fields } = {}) {
    const esme = await Esme.connect({ url: `smpp://127.0.0.1:${port}` });
    const resp = await esme.bind(mode, fields);
    if (resp.command_status) throw new Error(`bind_${mode}_resp has status ${resp.command_status}`);
    return esme;
  }

  async bind(mode, fields = {}) {
    this.bindResp = await this.request(`bind_${mode}`, { system_id: "app", password: "secret", ...fields });
    return this.bindResp;
  }

  /** Sends a request; gives its response, whatever the status. */
  request(command, fields = {}) {
    return soon(new Promise((resolve) => this.session[command](fields, resolve)), `an answer to ${command}`);
  }

  /** submit_sm; gives the message_id. */
  async submit(fields = {}) {
    const resp = await this.submitResp(fields);
    if (resp.command_status) throw new Error(`submit_sm_resp has status ${resp.command_status}`);
    return resp.message_id;
  }

  submitResp(fields = {}) {
    return this.request("submit_sm", { ...ADDRESSES, short_message: "hello", ...fields });
  }

  query(message_id, fields = {}) {
    return this.request("query_sm", { message_id, ...SOURCE, ...fields });
  }

  async state(message_id, fields = {}) {
    return (await this.query(message_id, fields)).message_state;
  }

  /** Takes so many deliver_sm, or waits for them. */
  async takeDelivered(count = 1) {
    await eventually(() => this.delivered.length >= count, `${count} deliver_sm`);
    return this.delivered.splice(0, count);
  }

  /** Fails when a deliver_sm comes within that time. */
  async silence(ms) {
    await sleep(ms);
    if (this.delivered.length) throw new Error(`an unexpected deliver_sm: ${receiptText(this.delivered[0])}`);
  }

  take(pdu) {
    this.pdus.push(pdu);
    if (pdu.command === "deliver_sm") {
      this.delivered.push(pdu);
      if (this.deliverStatus !== null) this.session.send(pdu.response({ command_status: this.deliverStatus }));
    } else if (pdu.command === "alert_notification") {
      this.alerts.push(pdu);
    } else if (pdu.command === "enquire_link") {
      this.enquiries += 1;
      if (this.answersEnquiries) this.session.send(pdu.response());
    } else if (pdu.command === "unbind") {
      this.session.send(pdu.response());
    }
  }
}

const SOURCE = { source_addr_ton: 1, source_addr_npi: 1, source_addr: "1000" };
const ADDRESSES = { ...SOURCE, dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: "447700900123" };

const receiptText = (pdu) => String(pdu.short_message.message);

/** The id and stat that a receipt's text gives. */
function readReceipt(pdu) {
  const text = receiptText(pdu);
  const fields =
    /^id:(\S+) sub:(\d{3}) dlvrd:(\d{3}) submit date:\d{10} done date:\d{10} stat:([A-Z]{7}) err:(\d{3}) [Tt]ext:/.exec(
      text,
    );
  if (!fields) throw new Error(`not the text of a receipt: ${text}`);
  return { id: fields[1], sub: fields[2], dlvrd: fields[3], stat: fields[4], err: fields[5] };
}

const AREAS = [
  { format: smpp.BROADCAST_AREA_FORMAT.NAME, data: "London" },
  { format: smpp.BROADCAST_AREA_FORMAT.NAME, data: "Dublin" },
];

/** The fields of a broadcast. Made anew each time, as node-smpp encodes areas in place. */
const broadcast = (fields = {}) => ({
  ...SOURCE,
  broadcast_area_identifier: AREAS.map((area) => ({ ...area })),
  broadcast_content_type: { network: smpp.NETWORK.GSM, content_type: 0x0010 },
  broadcast_rep_num: 10,
  broadcast_frequency_interval: { unit: smpp.BROADCAST_FREQUENCY_INTERVAL.MINUTES, interval: 5 },
  message_payload: "flood warning",
  data_coding: 1,
  ...fields,
});

/** node-smpp as an ESME that listens; gives its port. */
async function listen(onSession) {
  const server = smpp.createServer(onSession);
  afterwards(() => server.close());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server.address().port;
}

module.exports = { ADDRESSES, Esme, AREAS, SOURCE, broadcast, listen, readReceipt, receiptText, smpp };
