"""What Wireshark must find in the sessions of the other suites: nothing wrong, and nothing unanswered."""

import atexit
import os
import pathlib
import struct
import subprocess
import tempfile
from collections import defaultdict

from peer import case, equal, main

HERE = pathlib.Path(__file__).parent
PORT = "2775"
RESPONSE = 0x80000000
GENERIC_NACK = 0x80000000
NO_RESPONSE = {0x0000000B, 0x00000102}

# Suites and the words that choose of their cases: those whose client neither breaks rules nor leaves
# anything unanswered, and that do without TLS, PROXY headers and outbind. Of 3.3, not the three commands
# that only 3.3 has: Wireshark does not know them.
SUITES = {
    "smpplib": ["accepted", "receipt_has", "each_part", "registered", "comes_back", "query_sm", "unbind_is_answered"],
    "net-smpp": ["accepted", "receipt_has", "registered", "come_back", "query", "cancel", "replace", "multi", "data_sm"],
    "node-smpp": ["bind_mode", "receipt_has", "registered", "come_back", "payload", "tlvs_of", "submit_multi"]
    + ["data_sm", "transaction", "query_sm_follows", "cancel", "replace", "broadcast"],
    "v33": ["binds_of", "receipt_is", "mobile", "queried", "multi", "33_simulator"],
}


class Recording:
    """A suite on its way through the relay."""

    def __init__(self, suite):
        self.suite = suite
        self.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        raw_ipv4 = 228
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, raw_ipv4))
        self.file.flush()
        relay = {"SMPPKIT": str(HERE / "relay"), "CAPTURED": os.environ["SMPPKIT"], "CAPTURE": self.file.name}
        command = [HERE.parent / suite / "run", *SUITES[suite]]
        self.process = subprocess.Popen(command, env=os.environ | relay, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)

    def wait(self):
        """Waits for the suite's end, which must be a good one."""
        lines = self.process.communicate(timeout=240)[0].splitlines()
        failed = [line for line in lines if line.startswith("not ok")]
        assert lines and lines[-1].endswith(" 0 failed"), f"{self.suite} itself: {failed}"

    def tshark(self, shown, *options):
        """What tshark prints of the frames that a display filter shows."""
        command = ["tshark", "-n", "-r", self.file.name, "-d", f"tcp.port=={PORT},smpp", "-Y", shown]
        return subprocess.run([*command, *options], capture_output=True, check=True, text=True).stdout

    def pdus(self):
        """Every PDU: its stream, whether the simulator sent it, command_id, sequence_number."""
        names = ["tcp.stream", "tcp.srcport", "smpp.command_id", "smpp.sequence_number"]
        found = []
        for line in self.tshark("smpp", "-T", "fields", *[f"-e{name}" for name in names]).splitlines():
            stream, port, ids, numbers = line.split("\t")
            # A frame may have several PDUs.
            for command_id, number in zip(ids.split(","), numbers.split(","), strict=True):
                found.append((stream, port == PORT, int(command_id, 0), int(number)))
        return found


def assert_all_answered(found):
    """Requests of the ESME must have their responses; those of the simulator, too, but for the last
    ones of a stream: the test may have been over before its client read them."""
    waiting, last_answered = defaultdict(dict), defaultdict(int)
    for at, (stream, from_simulator, command_id, sequence) in enumerate(found):
        if command_id & RESPONSE:
            request = waiting[stream, not from_simulator].pop(sequence, None)
            assert request, f"{command_id:#x} with number {sequence} answers nothing"
            if command_id != GENERIC_NACK:
                equal(command_id & ~RESPONSE, request[0], "command_id of the request")
            last_answered[stream, not from_simulator] = request[1]
        elif command_id not in NO_RESPONSE:
            waiting[stream, from_simulator][sequence] = (command_id, at)
    for (stream, from_simulator), requests in waiting.items():
        for command_id, at in requests.values():
            over = from_simulator and at > last_answered[stream, from_simulator]
            assert over, f"{command_id:#x} of the {'simulator' if from_simulator else 'client'} has no answer"


def read(suite, commands):
    recording = recordings[suite]
    recording.wait()
    # Wireshark 4.0 reads broadcast_rep_num as one octet where SMPP 5.0 has two, and then trips.
    wrong = "(_ws.malformed || _ws.expert.severity == error) && !(smpp.command_id == 0x111)"
    unread = f"tcp.srcport == {PORT} && tcp.len > 0 && !smpp && !tcp.segment"
    equal(recording.tshark(f"{wrong} || ({unread})"), "", "what tshark finds wrong")
    found = recording.pdus()
    seen = {command_id & ~RESPONSE for _, _, command_id, _ in found}
    equal(sorted(commands - seen), [], "commands that were not exchanged")
    assert_all_answered(found)


# Command ids that must have been seen, so that nobody takes an empty capture for a good one.
BASIC = {0x01, 0x02, 0x03, 0x04, 0x05}


@case
def sessions_of_smpplib_are_well_formed_and_all_answered():
    read("smpplib", BASIC | {0x06, 0x09})


@case
def sessions_of_net_smpp_are_well_formed_and_all_answered():
    read("net-smpp", BASIC | {0x07, 0x08, 0x09, 0x21, 0x102, 0x103})


@case
def sessions_of_node_smpp_are_well_formed_and_all_answered():
    read("node-smpp", BASIC | {0x07, 0x08, 0x09, 0x21, 0x102, 0x103, 0x111, 0x112, 0x113})


@case
def sessions_of_33_are_well_formed_and_all_answered():
    read("v33", BASIC | {0x07, 0x08, 0x21})


# All at once, as they mostly wait.
recordings = {suite: Recording(suite) for suite in SUITES}
main()
