// What node-smpp sends, so that there is something to see.
"use strict";

const { Esme, smpp } = require("../lib/node_smpp_esme");
const { eventually } = require("../lib/peer");

const NUMBER = "447700900123";
const TEXTS = ["Your code is 4711", "Grüße aus Köln", "Zug fährt 20 Minuten später 🚆", "Parcel 7 is at your door"];

/** The fields of a text. node-smpp marks the octets of GSM's alphabet as ASCII when it is left to itself. */
function content(text) {
  const { ASCII: gsm, UCS2: ucs2 } = smpp.encodings;
  return gsm.match(text) ? { data_coding: 0, short_message: gsm.encode(text) } : { data_coding: 8, short_message: ucs2.encode(text) };
}

/** Binds as `app`, sends these texts and waits for their receipts. Gives the session and the ids. */
async function traffic(server, { texts = TEXTS, fields = {}, bind = {}, receipts = true } = {}) {
  const esme = await Esme.bound(server.port, bind);
  const ids = [];
  for (const text of texts) {
    ids.push(await esme.submit({ ...content(text), destination_addr: NUMBER, registered_delivery: 1, ...fields }));
  }
  if (receipts) await eventually(() => esme.delivered.length >= texts.length, `${texts.length} receipts`);
  return { esme, ids };
}

module.exports = { Esme, NUMBER, TEXTS, content, traffic };
