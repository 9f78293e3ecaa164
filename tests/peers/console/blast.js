// Writes submit_sm at a rate, on one raw connection: port, PDUs a second, system_id. A process of its own, so that what
// is measured is not slowed by it. Says when it is bound.
"use strict";

const net = require("node:net");

const [port, rate, systemId] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const STEP_MS = 10;
const TEXT = "The quick brown fox jumps over the lazy dog";

function pdu(command, sequence, body) {
  const head = Buffer.alloc(16);
  head.writeUInt32BE(16 + body.length, 0);
  head.writeUInt32BE(command, 4);
  head.writeUInt32BE(sequence, 12);
  return Buffer.concat([head, body]);
}

const bind = Buffer.from(`${systemId}\0secret\0\0\x34\0\0\0`, "latin1");
const submit = (at) =>
  Buffer.from(`\0\x01\x011000\0\x01\x014477009${String(at % 100_000).padStart(5, "0")}\0\0\0\0\0\0\0\0\0\0${String.fromCharCode(TEXT.length)}${TEXT}`, "latin1");

const socket = net.connect(port, "127.0.0.1", () => socket.write(pdu(9, 1, bind)));
socket.setNoDelay(true);
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));
socket.once("data", () => {
  process.send("bound");
  const began = performance.now();
  let sent = 0;
  setInterval(() => {
    // Those that do not take what comes are waited for.
    if (socket.writableLength > 1 << 20) return;
    const due = Math.min(Math.floor(((performance.now() - began) * rate) / 1_000), sent + rate);
    const batch = [];
    for (; sent < due; sent += 1) batch.push(pdu(4, (sent % 0x7ffffffe) + 2, submit(sent)));
    if (batch.length) socket.write(Buffer.concat(batch));
  }, STEP_MS);
});
// Answers are read and forgotten.
socket.on("data", () => {});
process.on("disconnect", () => process.exit(0));
