"""The presets, as python-smpplib finds them."""

import threading
import time
from collections import Counter

from smpplib import smpp

from peer import case, equal, main, until
from sim import Flagged, Wire, header, RINVDSTADR, ROK, RSYSERR, RTHROTTLED
from smpplib_esme import Esme, read_receipt

RSUBMITFAIL = 0x45


def preset(name, *options):
    return Flagged("--preset", name, "--receipt-delay", "100ms", *options)


@case
def smppsim_decides_by_the_first_digit():
    wanted = {
        "1": (3, "EXPIRED", "903"), "2": (4, "DELETED", "904"), "3": (5, "UNDELIV", "901"), "4": (6, "ACCEPTD", None),
        "5": (8, "REJECTD", "902"), "6": (2, "DELIVRD", "000"),
    }
    with Esme(preset("smppsim").port) as esme:
        ids = {esme.submit(destination=digit + "000", registered_delivery=1): digit for digit in wanted}
        for receipt in esme.read_delivered(len(wanted)):
            fields = read_receipt(receipt)
            state, word, error = wanted[ids[fields["id"]]]
            equal((receipt.message_state, fields["stat"]), (state, word))
            equal(fields["err"], error or fields["err"])
            equal(esme.state(fields["id"]), state)


@case
def melrose_refuses_333_and_short_numbers_and_delivers_after_3_to_12_s():
    with Esme(preset("melrose").port) as esme:
        for destination, status in (("333", RSUBMITFAIL), ("1234567", RINVDSTADR), ("3334", RINVDSTADR)):
            equal(esme.submit_resp(destination=destination).status, status, destination)
        began = time.monotonic()
        for _ in range(4):
            esme.submit(destination="447700900123", registered_delivery=1)
        receipts, times = [], []
        while len(receipts) < 4:
            esme.read_until(lambda: esme.delivered, "a receipt")
            receipts += esme.read_delivered()
            times.append(time.monotonic() - began)
        assert 2.98 < times[0] and times[-1] < 13, f"receipts came after {times}"
        equal({read_receipt(receipt)["stat"] for receipt in receipts}, {"DELIVRD"})


@case
def smscsim_refuses_even_sequence_numbers_and_does_not_deliver_odd_ones():
    with Esme(preset("smscsim").port) as esme:
        sent = [esme.client.send_message(source_addr="1", destination_addr="2", short_message=b"",
                                         registered_delivery=1) for _ in range(6)]
        for pdu in sent:
            equal(esme.answer(pdu).status, RSYSERR if pdu.sequence % 2 == 0 else ROK, f"at {pdu.sequence}")
        for receipt in esme.read_delivered(3):
            fields = read_receipt(receipt)
            equal((fields["stat"], fields["err"], receipt.message_state), ("UNDELIV", "069", 5))


@case
def throttling_takes_every_second_message():
    with Esme(preset("throttling").port) as esme:
        equal([esme.submit_resp().status for _ in range(6)], [ROK, RTHROTTLED] * 3)


@case
def dead_binds_and_answers_nothing():
    with Esme(preset("dead").port) as esme:
        equal(esme.bind_resp.status, ROK)
        esme.client.send_message(source_addr="1", destination_addr="2", short_message=b"")
        for command in ("enquire_link", "unbind"):
            esme.client.send_pdu(smpp.make_pdu(command, client=esme.client))
        esme.client._socket.settimeout(1)
        try:
            got = esme.client.read_pdu()
        except TimeoutError:
            return
        raise AssertionError(f"{got.command} came")


@case
def slow_answers_after_1_to_3_s_and_no_receipt_comes_soon():
    with Esme(preset("slow").port) as esme:
        began = time.monotonic()
        sent = [esme.client.send_message(source_addr="1", destination_addr="2", short_message=b"") for _ in range(8)]
        times = []
        while len(esme.answers) < 8:
            known = len(esme.answers)
            esme.read_until(lambda: len(esme.answers) > known, "an answer")
            times += [time.monotonic() - began] * (len(esme.answers) - known)
        assert 0.98 < times[0] and times[-1] < 4, f"answers came after {times}"
        assert times[-1] - times[0] > 0.2, f"answers came after {times}"
        equal({esme.answer(pdu).status for pdu in sent}, {ROK})
        # To others it is as quick as ever.
        equal(esme.request("enquire_link").status, ROK)


# flaky: 500 messages, each followed by a query_sm that no rule touches, so that it is known which answers are late.
MESSAGES = 500
LATEST_ANSWER_SECONDS = 3.3


def flaky(seed):
    """What became of each message; and, of those that were accepted, how each ended."""
    simulator = preset("flaky", "--seed", str(seed))
    outcomes, ids = {}, {}
    number = 0
    while number < MESSAGES:
        with Wire(simulator.port) as wire:
            asked = {}
            try:
                while number < MESSAGES:
                    number += 1
                    sequence = wire.submit(b"44770090%04d" % number)
                    asked[sequence] = number
                    outcomes[number] = "none"
                    probe = wire.query()
                    while (answer := _answer(wire, asked, outcomes, ids, "prompt")) != probe:
                        pass
            except (ConnectionError, AssertionError):
                outcomes[number] = "connection lost"
                continue
            deadline = time.monotonic() + LATEST_ANSWER_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                try:
                    _answer(wire, asked, outcomes, ids, "late", left)
                except AssertionError:
                    break
    # The last to fail do so after 10 s.
    settled = lambda: not any(message["message_state"] == "ENROUTE" for message in simulator.messages())
    until(settled, "the end of all messages", 15)
    for message in simulator.messages():
        if message["message_state"] != "DELIVERED":
            at = int(message["destination_addr"][8:])
            outcomes[at] += f", {message['message_state']} {message['error_code']}"
    return outcomes


def _answer(wire, asked, outcomes, ids, when, patience=10):
    """Takes one PDU, and gives its sequence_number."""
    _, command, status, sequence = header(wire.read_pdu(patience))
    if command == 0x80000004:
        number = asked[sequence]
        late = when == "late" or number != max(asked.values())
        outcomes[number] = ("late " if late else "") + f"{status:#x}"
    return sequence


@case
def flaky_does_all_it_says_and_the_same_with_the_same_seed():
    runs = {}
    # A seed with which the rarest of all, a lost connection, is among the first 500.
    threads = [threading.Thread(target=lambda at=at: runs.update({at: flaky(SEED)})) for at in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(runs), 2, "runs that came to their end")
    counts = Counter(outcome for outcome in runs[1].values())
    differing = {at: (runs[1][at], runs[2][at]) for at in runs[1] if runs[1][at] != runs[2][at]}
    equal(differing, {}, "outcomes that differ between two runs")
    kinds = (
        ("0x0", 380, 460), ("0x8", 12, 45), ("0x58", 12, 45), ("none", 1, 15), ("late 0x0", 5, 30),
        ("0x0, UNDELIVERABLE 1", 10, 45), ("connection lost", 1, 5),
    )
    for kind, low, high in kinds:
        assert low <= counts[kind] <= high, f"{kind!r} {counts[kind]} times of {MESSAGES}: {dict(counts)}"
    equal(set(counts), {kind for kind, _, _ in kinds}, "kinds of outcomes")


SEED = 37

main()
