"""A simulator with settings of one's own, its REST interface, and a client that sees every octet."""

import errno
import json
import os
import socket
import struct
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from peer import PATIENCE, Child, until

ROK, RMSGQFUL, RSYSERR, RINVDSTADR, RTHROTTLED, RX_T_APPN = 0, 0x14, 0x08, 0x0B, 0x58, 0x64
VERSIONS = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
QUERY_SM, SUBMIT_SM, DELIVER_SM, BIND_TRANSCEIVER, ENQUIRE_LINK = 0x03, 0x04, 0x05, 0x09, 0x15


def toml(value):
    """A value as TOML writes it, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def settings(*smscs, **top):
    """A configuration file with these SMSCs, on ports of the system's choice."""
    lines = [f"{name} = {toml(value)}" for name, value in top.items() if name != "admin"]
    lines.append("admin = " + toml({"listen": "127.0.0.1:0"} | top.get("admin", {})))
    for smsc in smscs:
        smsc = {"listen": ["127.0.0.1:0"], "receipt_delay": "100ms"} | smsc
        lines += ["[[smsc]]"] + [f"{name} = {toml(value)}" for name, value in smsc.items()]
    return "\n".join(lines) + "\n"


class Configured(Child):
    """`smppkit simulator --config`. Ports are in the order of the SMSCs."""

    def __init__(self, *smscs, options=(), text=None, seed=42, **top):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "simulator.toml")
        self.write(text or settings(*(smscs or ({},)), seed=seed, **top))
        super().__init__([os.environ["SMPPKIT"], "simulator", "--config", self.path, *options])
        self.ports, self.token = [], top.get("admin", {}).get("token")
        self.url = None
        while self.url is None:
            words = self.read_line().split()
            if words[:2] == ["listening", "on"]:
                self.ports.append(int(words[2].rpartition(":")[2]))
            elif words[0] == "REST,":
                self.url = words[-1]
        self.port = self.ports[0]

    def write(self, text):
        """Writes the configuration file, in place of what it was."""
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.path + ".new", self.path)

    def end(self):
        super().end()
        self.folder.cleanup()

    def ask(self, method, path, body=None, token=None):
        """A request to the REST interface: status and what came."""
        headers = {}
        if isinstance(body, str):
            data, headers["Content-Type"] = body.encode(), "text/csv"
        else:
            data = None if body is None else json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if token or self.token:
            headers["Authorization"] = f"Bearer {token or self.token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE * 2) as response:
                status, came = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, came = error.code, error.read()
        try:
            return status, json.loads(came) if came else None
        except ValueError:
            return status, came.decode()

    def rest(self, method, path, body=None):
        """A request that must succeed: what came."""
        status, came = self.ask(method, path, body)
        if status >= 300:
            raise AssertionError(f"{method} {path} gave {status}: {came}")
        return came

    def pdus(self, **conditions):
        """What the record has, as far as it matches."""
        return self.rest("GET", "/api/v1/pdus?" + urllib.parse.urlencode({"limit": 1000} | conditions))["items"]

    def messages(self, **conditions):
        """What was submitted, as far as it matches."""
        return self.rest("GET", "/api/v1/messages?" + urllib.parse.urlencode({"limit": 1000} | conditions))["items"]


class Flagged(Configured):
    """`smppkit simulator` with flags in place of a file."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        Child.__init__(self, [os.environ["SMPPKIT"], "simulator", *listen, *options])
        self.token = None
        self.ports = [int(self.read_line().rpartition(":")[2])]
        self.port = self.ports[0]
        self.url = self.read_line().split()[-1]


def pdu(command_id, sequence, body=b"", status=0):
    """A whole PDU."""
    return struct.pack(">IIII", 16 + len(body), command_id, status, sequence) + body


def submit_body(destination, text=b"hello", registered_delivery=0, source=b"1000", tlvs=b""):
    """submit_sm without its header."""
    addresses = b"\0\1\1" + source + b"\0\1\1" + destination + b"\0"
    return addresses + bytes([0, 0, 0, 0, 0, registered_delivery, 0, 0, 0, len(text)]) + text + tlvs


class Wire:
    """A client that hides nothing: each read is kept."""

    def __init__(self, port, system_id=b"app", bind=BIND_TRANSCEIVER, version=0x34):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reads, self.octets = [], b""
        self.sequence = 1
        if bind:
            body = system_id + b"\0secret\0\0" + bytes([version, 0, 0, 0])
            self.send(pdu(bind, 1, body))
            self.bind_resp = self.read_pdu()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def segments(self):
        """TCP segments with octets in them that have come: tcpi_data_segs_in, which Linux counts."""
        return struct.unpack_from("=I", self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 152)[0]

    def submit(self, destination, **fields):
        """submit_sm, without waiting; its sequence_number."""
        self.sequence += 1
        self.send(pdu(SUBMIT_SM, self.sequence, submit_body(destination, **fields)))
        return self.sequence

    def enquire(self):
        self.sequence += 1
        self.send(pdu(ENQUIRE_LINK, self.sequence))
        return self.sequence

    def query(self):
        """query_sm of a message that is not there. More enquire_link than 100 a second end a session."""
        self.sequence += 1
        self.send(pdu(QUERY_SM, self.sequence, b"none\0\1\1" + b"1000\0"))
        return self.sequence

    def read(self, patience=PATIENCE):
        """One read. Nothing at the end of the connection; None when nothing comes."""
        self.socket.settimeout(patience)
        try:
            octets = self.socket.recv(65536)
        except TimeoutError:
            return None
        self.reads.append(octets)
        self.octets += octets
        return octets

    def read_pdu(self, patience=PATIENCE):
        """The next whole PDU, by its command_length."""
        deadline = time.monotonic() + patience
        while len(self.octets) < 4 or len(self.octets) < int.from_bytes(self.octets[:4], "big"):
            if not self.read(max(deadline - time.monotonic(), 0.001)):
                raise AssertionError(f"no whole PDU came: {self.octets.hex()!r}")
        length = int.from_bytes(self.octets[:4], "big")
        whole, self.octets = self.octets[:length], self.octets[length:]
        return whole

    def read_all(self, quiet=0.3):
        """Everything, until nothing comes for a while."""
        while self.read(quiet):
            pass
        octets, self.octets = self.octets, b""
        return octets

    def read_fate(self, patience=PATIENCE):
        """How the connection goes on: `end`, `reset`, or `silence`."""
        try:
            while True:
                octets = self.read(patience)
                if octets is None:
                    return "silence"
                if not octets:
                    return "end"
        except OSError as error:
            if error.errno == errno.ECONNRESET:
                return "reset"
            raise


def header(octets):
    """command_length, command_id, command_status, sequence_number."""
    return struct.unpack(">IIII", octets[:16])


def split(octets):
    """The PDUs of a stream."""
    pdus = []
    while octets:
        length = int.from_bytes(octets[:4], "big")
        pdus.append(octets[:length])
        octets = octets[length:]
    return pdus


