// TLS, certificates, and the PROXY protocol.
"use strict";

const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { Duplex } = require("node:stream");
const tls = require("node:tls");

const { Simulator, afterwards, eventually, soon, test } = require("../lib/peer");
const { Esme, readReceipt, smpp } = require("../lib/node_smpp_esme");

const TLS = ["--tls-listen", "127.0.0.1:0"];
const PROXY = ["--proxy-from", "127.0.0.1/32"];

/** Binds, submits, and waits for the receipt: all that must work over every transport. */
async function exchange(esme) {
  assert.strictEqual((await esme.bind("transceiver")).command_status, 0);
  const id = await esme.submit({ registered_delivery: 1 });
  assert.strictEqual(readReceipt((await esme.takeDelivered())[0]).id, id);
}

function folder() {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), "smppkit-peers-"));
  afterwards(() => fs.rmSync(made, { recursive: true }));
  return (name) => path.join(made, name);
}

function openssl(...args) {
  execFileSync("openssl", args, { stdio: "pipe" });
}

/** A certificate for 127.0.0.1 that is its own issuer. */
function certificate(file, name) {
  const key = file(`${name}.key`);
  const pem = file(`${name}.pem`);
  openssl(
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(" "),
    ...["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", pem],
  );
  return { key, pem };
}

test("a_self_signed_certificate_is_rejected_by_a_client_that_checks_it", async () => {
  const { tlsPort } = await Simulator.start(...TLS);
  const checking = { url: `ssmpp://127.0.0.1:${tlsPort}`, rejectUnauthorized: true };
  await assert.rejects(Esme.connect(checking), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
});

test("sessions_run_over_tls_and_beside_it_without", async () => {
  const { port, tlsPort } = await Simulator.start(...TLS);
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const options = { rejectUnauthorized: false, minVersion: version, maxVersion: version };
    await exchange(await Esme.connect({ url: `ssmpp://127.0.0.1:${tlsPort}`, ...options }));
  }
  await exchange(await Esme.connect({ url: `smpp://127.0.0.1:${port}` }));
});

test("a_given_certificate_is_shown_and_can_be_checked", async () => {
  const { key, pem } = certificate(folder(), "centre");
  const { tlsPort } = await Simulator.start(...TLS, "--tls-cert", pem, "--tls-key", key);
  const esme = await Esme.connect({ url: `ssmpp://127.0.0.1:${tlsPort}`, ca: fs.readFileSync(pem) });
  assert.strictEqual(esme.session.socket.getPeerCertificate().subject.CN, "centre");
  await exchange(esme);
});

test("client_certificates_are_asked_for_and_checked", async () => {
  const file = folder();
  const [good, bad] = [certificate(file, "esme"), certificate(file, "stranger")];
  const { tlsPort } = await Simulator.start(...TLS, "--tls-client-ca", good.pem);
  const options = ({ key, pem }) => ({ key: fs.readFileSync(key), cert: fs.readFileSync(pem) });
  const connect = (more) =>
    Esme.connect({ url: `ssmpp://127.0.0.1:${tlsPort}`, rejectUnauthorized: false, ...more });
  await exchange(await connect(options(good)));
  for (const more of [{}, options(bad)]) {
    const esme = await connect(more);
    esme.session.bind_transceiver({ system_id: "app", password: "secret" });
    await soon(esme.closed, "the end of the connection");
    assert.strictEqual(esme.pdus.length, 0);
  }
});

test("plain_octets_on_a_tls_port_end_the_connection", async () => {
  const { tlsPort } = await Simulator.start(...TLS);
  // Not by node-smpp, which takes the TLS alert for the length of a PDU and then never sees the end.
  const socket = net.connect(tlsPort, "127.0.0.1").resume();
  afterwards(() => socket.destroy());
  socket.write(new smpp.PDU("bind_transceiver", { system_id: "app", sequence_number: 1 }).toBuffer());
  await soon(new Promise((resolve) => socket.on("close", resolve)), "the end of the connection");
});

/** A TCP connection that begins with these octets, as a load balancer makes it. */
async function balanced(port, header) {
  const socket = net.connect(port, "127.0.0.1");
  afterwards(() => socket.destroy());
  await soon(new Promise((resolve) => socket.on("connect", resolve)), "a connection");
  socket.write(header);
  return socket;
}

const V1 = "PROXY TCP4 192.0.2.1 198.51.100.2 4000 2775\r\n";
const SIGNATURE = "0d0a0d0a000d0a515549540a";
const V2 = Buffer.from(`${SIGNATURE}2111000c${"c0000202"}${"c6336402"}${"0fa0"}${"0ad7"}`, "hex");
const V2_LOCAL = Buffer.from(`${SIGNATURE}20000000`, "hex");

for (const [name, header, peer] of [
  ["version_1", Buffer.from(V1), "192.0.2.1:4000"],
  ["version_2", V2, "192.0.2.2:4000"],
  ["version_2_local", V2_LOCAL, "127.0.0.1:"],
]) {
  test(`a_proxy_header_of_${name}_names_the_peer`, async () => {
    const simulator = await Simulator.start(...PROXY);
    const socket = await balanced(simulator.port, header);
    await exchange(new Esme(new smpp.Session({ socket })));
    assert.ok(simulator.log.includes(peer), `no ${peer} in the log: ${simulator.log}`);
  });
}

test("a_proxy_header_in_pieces_and_with_the_bind_behind_it_is_read", async () => {
  const simulator = await Simulator.start(...PROXY);
  const socket = await balanced(simulator.port, V2.subarray(0, 5));
  const bind = new smpp.PDU("bind_transceiver", { system_id: "app", sequence_number: 1 }).toBuffer();
  socket.write(Buffer.concat([V2.subarray(5), bind]));
  const esme = new Esme(new smpp.Session({ socket }));
  await eventually(() => esme.pdus.length === 1, "bind_transceiver_resp");
  assert.strictEqual(esme.pdus[0].command_status, 0);
});

for (const [name, together] of [["before", false], ["in_one_segment_with", true]]) {
  test(`a_proxy_header_comes_${name}_the_tls_handshake`, async () => {
    const simulator = await Simulator.start(...TLS, ...PROXY);
    const inner = await balanced(simulator.tlsPort, together ? "" : V1);
    const socket = tls.connect({ socket: behind(together ? V1 : "", inner), rejectUnauthorized: false });
    await soon(new Promise((resolve, reject) => socket.on("secureConnect", resolve).on("error", reject)), "TLS");
    await exchange(new Esme(new smpp.Session({ socket })));
    assert.ok(simulator.log.includes("192.0.2.1:4000"), simulator.log);
  });
}

/** A stream to the same place that puts these octets into one write with what comes first. */
function behind(first, socket) {
  const stream = new Duplex({
    read: () => socket.resume(),
    write(octets, _encoding, done) {
      socket.write(Buffer.concat([Buffer.from(first), octets]), done);
      first = "";
    },
  });
  socket.on("data", (octets) => stream.push(octets));
  socket.on("error", (error) => stream.destroy(error)).on("close", () => stream.push(null));
  return stream;
}

test("without_a_proxy_header_the_connection_of_a_balancer_is_closed", async () => {
  const simulator = await Simulator.start(...PROXY);
  const esme = await Esme.connect({ url: `smpp://127.0.0.1:${simulator.port}` });
  esme.session.bind_transceiver({ system_id: "app" });
  await soon(esme.closed, "the end of the connection");
  assert.strictEqual(esme.pdus.length, 0);
});

test("a_proxy_header_of_others_than_the_listed_is_not_believed", async () => {
  const simulator = await Simulator.start("--proxy-from", "192.0.2.0/24");
  const socket = await balanced(simulator.port, V1);
  const esme = new Esme(new smpp.Session({ socket }));
  await soon(esme.closed, "the end of the connection");
  assert.ok(!simulator.log.includes("192.0.2.1:4000"), simulator.log);
});
