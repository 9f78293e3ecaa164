// A login code service: a subscriber sends LOGIN to 12345 and gets a code. See docs/guide/testing.md.
"use strict";

const { randomInt } = require("node:crypto");
const smpp = require("smpp");

const NUMBER = "12345";
const WELCOME =
  "Welcome! 欢迎! Добро пожаловать! Your number is known to us now; send LOGIN whenever you need a code. 👋";
const RETRY_AFTER_MS = 200;
const THROTTLED = [smpp.ESME_RTHROTTLED, smpp.ESME_RMSGQFUL];
const UCS2 = 8;
const UDHI = 0x40;
// UTF-16 units in a part that has a user data header.
const PART = 67;

class App {
  constructor(address, { system_id = "app", password = "secret" } = {}) {
    this.known = new Set();
    this.reference = 0;
    this.session = smpp.connect({ url: `smpp://${address}` }, () => {
      this.session.bind_transceiver({ system_id, password }, (resp) => {
        if (resp.command_status) throw new Error(`the bind was refused: ${resp.command_status}`);
        console.log("bound");
      });
    });
    this.session.on("deliver_sm", (pdu) => this.receive(pdu));
    this.session.on("enquire_link", (pdu) => this.session.send(pdu.response()));
    this.session.on("error", (error) => console.error(error.message));
    this.session.on("close", () => process.exit(1));
  }

  /** deliver_sm: a receipt, or a message of a subscriber. */
  receive(pdu) {
    this.session.send(pdu.response());
    const isReceipt = (pdu.esm_class & 0x3c) !== 0;
    if (isReceipt || pdu.short_message.message.trim().toUpperCase() !== "LOGIN") return;
    const subscriber = pdu.source_addr;
    this.send(subscriber, `Your code is ${randomInt(100_000, 1_000_000)}`);
    if (!this.known.has(subscriber)) this.send(subscriber, WELCOME);
    this.known.add(subscriber);
  }

  /** Sends a text in as many parts as it needs. */
  send(to, text) {
    // Of GSM 7-bit these need nothing but ASCII.
    if (/^[ -~]{1,160}$/.test(text)) return this.submit({ destination_addr: to, short_message: text });
    this.reference = (this.reference + 1) % 256;
    const count = Math.ceil(text.length / PART);
    for (let part = 1; part <= count; part += 1) {
      const octets = Buffer.from(text.slice((part - 1) * PART, part * PART), "utf16le").swap16();
      const short_message = Buffer.concat([Buffer.from([5, 0, 3, this.reference, count, part]), octets]);
      this.submit({ destination_addr: to, short_message, data_coding: UCS2, esm_class: UDHI });
    }
  }

  /** submit_sm; what is throttled is sent again. */
  submit(message) {
    const fields = { source_addr: NUMBER, dest_addr_ton: 1, dest_addr_npi: 1, registered_delivery: 1, ...message };
    this.session.submit_sm(fields, (resp) => {
      if (THROTTLED.includes(resp.command_status)) setTimeout(() => this.submit(message), RETRY_AFTER_MS);
    });
  }
}

if (require.main === module) new App(process.argv[2]);
