"""The same seed and the same input give the same octets, whatever the day."""

import threading
import time

from peer import case, equal, main
from sim import Configured, Flagged, Wire, header, pdu, split, submit_body

FIXED = ("--clock", "2026-11-22T12:00:00Z")
# Of 3 s at most, with room for a busy machine.
LATEST_ANSWER_SECONDS = 3.3


def requests():
    """300 requests of all kinds that a 3.4 client sends: two of three bring a message."""
    addresses = b"\0\1\1" + b"1000\0" + b"\1\1"
    for number in range(1, 301):
        to = b"4477009%05d" % number
        kind = number % 12
        if kind == 0:
            yield 0x03, b"none\0\1\1" + b"1000\0"
        elif kind == 1:
            yield 0x08, b"\0none\0\1\1" + b"1000\0" + b"\1\1" + to + b"\0"
        elif kind == 2:
            yield 0x103, addresses + to + b"\0\0\0\0" + b"\x04\x24\x00\x05hello"
        elif kind == 3:
            destinations = b"".join(b"\1\1\1" + to + b"%d\0" % at for at in range(3))
            yield 0x21, b"\0\1\1" + b"1000\0" + b"\3" + destinations + b"\0" * 9 + b"\5hello"
        elif kind == 4:
            yield 0x15, b""
        elif kind == 5:
            # Not a command at all.
            yield 0x7777, b"what?"
        else:
            yield 0x04, submit_body(to, text=b"message %d" % number)


def one_at_a_time(options):
    """Sends them, each after the answer to the one before; all octets that came."""
    simulator = Flagged(*FIXED, "--receipt-delay", "1s", *options)
    came, lost, left = [], 0, list(requests())
    while left:
        with Wire(simulator.port) as wire:
            came.append(wire.bind_resp)
            sequence = 1
            while left:
                sequence += 1
                command, body = left.pop(0)
                wire.send(pdu(command, sequence, body))
                octets = wire.read(LATEST_ANSWER_SECONDS)
                if octets is None:
                    came.append(b"nothing")
                    continue
                if octets:
                    came.append(wire.read_pdu())
                # A connection that is lost is so right after the answer, or in place of it.
                if not octets or _ended(wire):
                    lost += 1
                    came.append(b"lost")
                    break
    return came, lost


def _ended(wire):
    """Whether the end of the connection follows. An answer to something that always gets one says so."""
    octets = wire.read(0.005)
    if octets == b"":
        return True
    if octets:
        raise AssertionError(f"more came than was asked for: {octets.hex()}")
    return False


def twice(run):
    """The same in two processes at once."""
    runs, faults = {}, []

    def keep(at):
        try:
            runs[at] = run()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=keep, args=(at,)) for at in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return runs[1], runs[2]


def differing(one, two):
    """Where two runs differ first."""
    for at, (first, second) in enumerate(zip(one, two)):
        if first != second:
            return at, first, second
    return None if len(one) == len(two) else (len(one), len(two))


@case
def two_processes_with_a_seed_send_the_same_octets_for_300_requests_one_at_a_time():
    same_octets("7")


@case
def two_processes_with_another_seed_lose_the_same_answers_and_connections():
    one = same_octets("37")
    assert b"nothing" in one and b"lost" in one, "no answer was lost, or no connection"


def same_octets(seed):
    (one, lost), (two, _) = twice(lambda: one_at_a_time(("--preset", "flaky", "--seed", seed)))
    equal(differing(one, two), None, "the first difference")
    statuses = {header(octets)[2] for octets in one if len(octets) >= 16}
    assert {0, 0x08, 0x58} <= statuses, statuses
    return one


@case
def another_seed_sends_others():
    def statuses(seed):
        with Wire(Flagged(*FIXED, "--preset", "flaky", "--seed", seed).port) as wire:
            for number in range(60):
                wire.submit(b"%d" % (number + 1))
            octets = wire.read_all(0.2)
        return [header(octets)[2:] for octets in split(octets)]

    assert statuses("7") != statuses("8"), "two seeds give the same"


@case
def receipts_are_the_same_octets_but_for_their_order_and_number():
    def receipts():
        simulator = Flagged(*FIXED, "--preset", "smppsim", "--seed", "7", "--receipt-delay", "100ms..400ms")
        with Wire(simulator.port) as wire:
            answers, bodies = [], []
            for number in range(40):
                wire.submit(b"%d000" % (number % 9 + 1), registered_delivery=1)
            while len(answers) + len(bodies) < 80:
                octets = wire.read_pdu()
                if header(octets)[1] == 0x05:
                    bodies.append(octets[16:])
                    wire.send(pdu(0x80000005, header(octets)[3], b"\0"))
                else:
                    answers.append(octets)
        return answers, sorted(bodies)

    one, two = twice(receipts)
    equal(differing(one[0], two[0]), None, "the first answer that differs")
    equal(differing(one[1], two[1]), None, "the first receipt that differs")
    assert any(b"done date:2611221200" in body for body in one[1]), "the clock that was set"


@case
def garbage_wrong_numbers_and_shares_are_the_same_octets():
    def octets():
        rules = [
            {"share": "30%", "then": {"answer": "garbage"}}, {"share": "30%", "then": {"answer": "wrong-sequence"}},
            {"share": "30%", "then": {"answer": "truncated"}},
        ]
        with Wire(Configured({"rule": rules}, options=FIXED, seed=3).port) as wire:
            came = []
            for number in range(50):
                wire.submit(b"%d" % (number + 1))
                came.append(wire.read())
        return came

    one, two = twice(octets)
    equal(differing(one, two), None, "the first difference")


@case
def sessions_do_not_disturb_each_other():
    """What others do meanwhile changes nothing for a session of another account."""
    def run(others):
        simulator = Flagged(*FIXED, "--preset", "flaky", "--seed", "11")
        with Wire(simulator.port, b"app") as wire, Wire(simulator.port, b"other") as other:
            came = []
            for number in range(120):
                if others:
                    other.submit(b"999")
                sequence = wire.submit(b"%d" % (number + 1))
                wire.query()
                statuses = []
                while not statuses or statuses[-1][0] != 0x80000003:
                    length, command, status, answered = header(wire.read_pdu())
                    if command != 0x80000004 or answered == sequence:
                        statuses.append((command, status))
                came.append(statuses)
        return came

    equal(differing(run(False), run(True)), None, "the first difference")


main()
