"""What Wireshark must find on both sides of the gateway, in sessions of the other files: nothing wrong, and nothing
unanswered."""

import atexit
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
from collections import defaultdict

from gateway import behind
from peer import case, equal, main
from smpplib_esme import Esme, read_receipt

HERE = pathlib.Path(__file__).parent
PORT = "2775"
RESPONSE = 0x80000000
GENERIC_NACK = 0x80000000
NO_RESPONSE = {0x0000000B, 0x00000102}
# Command ids that must have been seen, so that nobody takes an empty capture for a good one.
BIND_RECEIVER, BIND_TRANSMITTER, QUERY_SM, SUBMIT_SM, DELIVER_SM, UNBIND = 1, 2, 3, 4, 5, 6
REPLACE_SM, CANCEL_SM, BIND_TRANSCEIVER, ENQUIRE_LINK, SUBMIT_MULTI, DATA_SM = 7, 8, 9, 0x15, 0x21, 0x103
BASIC = {BIND_TRANSCEIVER, SUBMIT_SM, DELIVER_SM}

# Files of cases, how they are run, and the words that choose of their cases: those whose client neither breaks rules
# nor leaves anything unanswered, and that do without TLS.
FILES = {
    "smpplib": ([sys.executable, "smpplib_cases.py"], ["each_bind", "come_out", "comes_out", "receipt_has"]
                + ["mixed", "registered", "same_content", "query_sm_follows", "unbind_is", "one_receipt", "to_a_receiver"]),
    "node-smpp": (["node", "node_smpp_cases.js"], ["bind_mode", "come_out", "33_client", "data_sm", "submit_multi"]
                  + ["query_sm_follows", "cancel", "replace", "handsets"]),
    "net-smpp": (["perl", "net_smpp_cases.pl"], ["bind_mode", "come_out", "mixed", "registered", "handsets", "query"]
                 + ["cancel", "replace", "multi", "data_sm", "unbind", "enquire_link"]),
    "kannel": ([sys.executable, "kannel_cases.py"], ["go_over", "the_same", "whole"]),
}


class Recording:
    """Programs on their way through the relay, and what it kept."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        raw_ipv4 = 228
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, raw_ipv4))
        self.file.flush()
        self.environment = {"SMPPKIT": str(HERE / "tap"), "CAPTURED": os.environ["SMPPKIT"], "CAPTURE": self.file.name}

    def tshark(self, shown, *options):
        """What tshark prints of the frames that a display filter shows."""
        command = ["tshark", "-n", "-r", self.file.name, "-d", f"tcp.port=={PORT},smpp", "-Y", shown]
        return subprocess.run([*command, *options], capture_output=True, check=True, text=True).stdout

    def pdus(self):
        """Every PDU: its stream, whether the listening side sent it, command_id, sequence_number."""
        names = ["tcp.stream", "tcp.srcport", "smpp.command_id", "smpp.sequence_number"]
        found = []
        for line in self.tshark("smpp", "-T", "fields", *[f"-e{name}" for name in names]).splitlines():
            stream, port, ids, numbers = line.split("\t")
            # A frame may have several PDUs.
            for command_id, number in zip(ids.split(","), numbers.split(","), strict=True):
                found.append((stream, port == PORT, int(command_id, 0), int(number)))
        return found

    def check(self, commands, is_whole):
        """Fails unless all is well and these commands were there."""
        wrong = "(_ws.malformed || _ws.expert.severity == error)"
        unread = f"tcp.srcport == {PORT} && tcp.len > 0 && !smpp && !tcp.segment"
        equal(self.tshark(f"{wrong} || ({unread})"), "", "what tshark finds wrong")
        found = self.pdus()
        seen = {command_id & ~RESPONSE for _, _, command_id, _ in found}
        equal(sorted(commands - seen), [], "commands that were not exchanged")
        assert_all_answered(found, is_whole)


class Suite(Recording):
    """A file of cases through the relay."""

    def __init__(self, name):
        super().__init__()
        command, words = FILES[name]
        environment = os.environ | self.environment
        self.process = subprocess.Popen([*command, *words], cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)

    def wait(self):
        """Waits for its end, which must be a good one."""
        lines = self.process.communicate(timeout=240)[0].splitlines()
        failed = [line for line in lines if line.startswith("not ok")]
        assert lines and lines[-1].endswith(" 0 failed"), f"the cases themselves: {failed}"


def assert_all_answered(found, is_whole):
    """Requests must have their responses, of either side. Where programs are killed at the end of a test, but for the
    last ones of a stream: the test may have been over before they were read."""
    waiting, last_answered = defaultdict(dict), defaultdict(int)
    for at, (stream, from_listener, command_id, sequence) in enumerate(found):
        if command_id & RESPONSE:
            request = waiting[stream, not from_listener].pop(sequence, None)
            assert request, f"{command_id:#x} with number {sequence} answers nothing"
            if command_id != GENERIC_NACK:
                equal(command_id & ~RESPONSE, request[0], "command_id of the request")
            last_answered[stream, not from_listener] = request[1]
        elif command_id not in NO_RESPONSE:
            waiting[stream, from_listener][sequence] = (command_id, at)
    for (stream, from_listener), requests in waiting.items():
        for command_id, at in requests.values():
            over = not is_whole and at > last_answered[stream, from_listener]
            side = "listening" if from_listener else "connecting"
            since = story(found[at:], stream)
            assert over, f"{command_id:#x} of the {side} side has no answer; from there on: {since}"


def story(found, stream):
    """The PDUs of a stream, for people: command_id and sequence_number, `<` for those of the listening side."""
    pdus = [pdu for of, *pdu in found if of == stream]
    return ", ".join(f"{'<' if from_listener else '>'}{id_:#x}/{number}" for from_listener, id_, number in pdus)


def read(name, commands):
    suites[name].wait()
    suites[name].check(BASIC | commands, is_whole=False)


@case
def from_the_first_bind_to_the_last_unbind_everything_is_well_formed_and_answered():
    recording, before = Recording(), dict(os.environ)
    os.environ.update(recording.environment)
    try:
        centre, gateway = behind(receipt_delay="0ms..300ms", gateway={"connector": {"binds": 2, "enquire_link": "200ms"}})
    finally:
        os.environ.update(SMPPKIT=before["SMPPKIT"])
    with Esme(gateway.port) as esme:
        ids = {esme.submit(destination=f"4477009{n:03}{'23458'[n % 5]}", registered_delivery=1) for n in range(100)}
        equal({read_receipt(receipt)["id"] for receipt in esme.read_delivered(100)}, ids)
        esme.submit(b"back", destination="12345")
        esme.read_delivered()
        # Until the gateway has asked the simulator whether it is there.
        esme.expect_silence(0.5)
        equal(esme.client.unbind().command, "unbind_resp")
        esme.read_end()
    for program in (gateway, centre):
        program.terminate()
        equal(program.wait(), 0, "exit code")
    recording.check(BASIC | {UNBIND, ENQUIRE_LINK}, is_whole=True)


@case
def sessions_of_smpplib_are_well_formed_and_all_answered():
    read("smpplib", {BIND_RECEIVER, BIND_TRANSMITTER, QUERY_SM, UNBIND, DATA_SM})


@case
def sessions_of_net_smpp_are_well_formed_and_all_answered():
    read("net-smpp", {QUERY_SM, UNBIND, REPLACE_SM, CANCEL_SM, ENQUIRE_LINK, SUBMIT_MULTI, DATA_SM})


@case
def sessions_of_node_smpp_are_well_formed_and_all_answered():
    read("node-smpp", {QUERY_SM, UNBIND, REPLACE_SM, CANCEL_SM, SUBMIT_MULTI, DATA_SM})


@case
def sessions_of_kannel_are_well_formed_and_all_answered():
    read("kannel", {BIND_RECEIVER, BIND_TRANSMITTER})


# All at once, as they mostly wait.
suites = {name: Suite(name) for name in FILES}
main()
