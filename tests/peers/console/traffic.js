// What node-smpp sends, so that there is something to see.
"use strict";

const { Esme } = require("../lib/node_smpp_esme");
const { eventually } = require("../lib/peer");

const NUMBER = "447700900123";
const TEXTS = ["Your code is 4711", "Grüße aus Köln 👋", "Zug fährt 20 Minuten später 🚆", "Parcel 7 is at your door"];

/** Binds as `app`, sends these texts and waits for their receipts. Gives the session and the ids. */
async function traffic(server, { texts = TEXTS, fields = {}, bind = {}, receipts = true } = {}) {
  const esme = await Esme.bound(server.port, bind);
  const ids = [];
  for (const short_message of texts) {
    ids.push(await esme.submit({ short_message, destination_addr: NUMBER, registered_delivery: 1, ...fields }));
  }
  if (receipts) await eventually(() => esme.delivered.length >= texts.length, `${texts.length} receipts`);
  return { esme, ids };
}

module.exports = { Esme, NUMBER, TEXTS, traffic };
