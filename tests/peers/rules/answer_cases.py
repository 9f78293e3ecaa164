"""How an answer goes out, and what becomes of the connection: what python-smpplib makes of it, and the octets."""

import socket
import time

from smpplib import exceptions

from peer import case, equal, main, until
from sim import Configured, Wire, header, pdu, split, ENQUIRE_LINK, RSYSERR, RTHROTTLED
from smpplib_esme import Esme

KINDS = [
    "once", "none", "twice", "wrong-sequence", "nack", "unknown-command", "length-too-long", "length-too-short",
    "truncated", "bad-tlv", "garbage",
]
TO = {kind: f"90{at:02}" for at, kind in enumerate(KINDS)}


def answering(**more):
    """A simulator that answers by the destination."""
    rules = [{"when": {"destination_addr": to}, "then": {"answer": kind}} for kind, to in TO.items()]
    return Configured({"rule": rules} | more)


def then(**outcome):
    """A simulator that does the same to every message."""
    return Configured({"rule": [{"then": outcome}]})


def sent(esme, destination):
    """Has smpplib send submit_sm, without waiting for an answer."""
    return esme.client.send_message(source_addr="1000", destination_addr=destination, short_message=b"hello")


def read_within(esme, seconds):
    """The next PDU that smpplib reads."""
    esme.client._socket.settimeout(seconds)
    return esme.client.read_pdu()


def answered(esme, destination="1", **fields):
    """submit_sm and its answer, and no look at what may follow it."""
    esme.client.send_message(
        source_addr="1000", destination_addr=destination, short_message=b"hello", **fields
    )
    answer = read_within(esme, 5)
    equal((answer.command, answer.status), ("submit_sm_resp", 0))


def stuck(esme, seconds=0.4):
    """Fails unless smpplib waits in vain for the rest of a PDU."""
    try:
        got = read_within(esme, seconds)
    except TimeoutError:
        return
    raise AssertionError(f"smpplib read a whole {got.command}")


def octets_for(kind, simulator=None):
    """What comes for a submit_sm with that answer."""
    with Wire((simulator or answering()).port) as wire:
        sequence = wire.submit(TO[kind].encode())
        return wire.read_all(), sequence


# Kinds of answers.


@case
def answer_once_is_as_without_a_rule():
    with Esme(answering().port) as esme:
        equal(esme.submit_resp(destination=TO["once"]).status, 0)


@case
def answer_none_takes_the_message_and_says_nothing():
    simulator = answering()
    with Esme(simulator.port) as esme:
        lost = sent(esme, TO["none"])
        equal(esme.request("enquire_link").command, "enquire_link_resp")
        esme.expect_silence(0.3)
        equal(lost.sequence in esme.answers, False, "an answer")
    equal(len(simulator.pdus(command="submit_sm")), 1, "submit_sm in the record")
    equal(len(simulator.pdus(command="submit_sm_resp")), 0, "submit_sm_resp in the record")
    equal([message["destination_addr"] for message in simulator.messages()], [TO["none"]])


@case
def answer_twice_comes_two_times_with_the_same_id():
    with Esme(answering().port) as esme:
        request = sent(esme, TO["twice"])
        first, second = read_within(esme, 5), read_within(esme, 5)
        equal((first.command, first.sequence), ("submit_sm_resp", request.sequence))
        equal((second.sequence, second.message_id), (first.sequence, first.message_id))
        equal(esme.request("enquire_link").command, "enquire_link_resp")


@case
def answer_wrong_sequence_has_a_sequence_number_that_nobody_used():
    with Esme(answering().port) as esme:
        request = sent(esme, TO["wrong-sequence"])
        answer = read_within(esme, 5)
        equal((answer.command, answer.sequence >> 24), ("submit_sm_resp", 0x7F))
        assert answer.sequence != request.sequence
        equal(esme.request("enquire_link").command, "enquire_link_resp")


@case
def answer_nack_is_generic_nack_with_the_sequence_number_of_the_request():
    with Esme(answering().port) as esme:
        request = sent(esme, TO["nack"])
        answer = read_within(esme, 5)
        equal((answer.command, answer.sequence, answer.length), ("generic_nack", request.sequence, 16))


@case
def answer_nack_and_a_status_go_together():
    with Esme(then(answer="nack", status="ESME_RSYSERR").port) as esme:
        request = sent(esme, "1")
        answer = read_within(esme, 5)
        equal((answer.command, answer.sequence, answer.status), ("generic_nack", request.sequence, RSYSERR))


@case
def answer_unknown_command_has_a_command_id_that_smpplib_does_not_know():
    with Esme(answering().port) as esme:
        sent(esme, TO["unknown-command"])
        try:
            read_within(esme, 5)
        except (exceptions.UnknownCommandError, KeyError):
            pass
        else:
            raise AssertionError("smpplib knows it")
        equal(esme.request("enquire_link").command, "enquire_link_resp")
    octets, sequence = octets_for("unknown-command")
    equal(header(octets), (len(octets), 0x80007777, 0, sequence))


@case
def answer_length_too_long_leaves_smpplib_waiting_for_four_octets():
    with Esme(answering().port) as esme:
        sent(esme, TO["length-too-long"])
        stuck(esme)
    octets, sequence = octets_for("length-too-long")
    equal(header(octets), (len(octets) + 4, 0x80000004, 0, sequence))


@case
def answer_length_too_short_leaves_smpplib_out_of_step():
    with Esme(answering().port) as esme:
        sent(esme, TO["length-too-short"])
        try:
            read_within(esme, 5)
            equal(esme.request("enquire_link").command, "enquire_link_resp")
        except Exception:  # What exactly goes wrong is smpplib's affair.
            pass
        else:
            raise AssertionError("smpplib noticed nothing")
    octets, sequence = octets_for("length-too-short")
    equal(header(octets), (len(octets) - 1, 0x80000004, 0, sequence))


@case
def answer_truncated_is_the_first_half():
    with Esme(answering().port) as esme:
        sent(esme, TO["truncated"])
        stuck(esme)
    octets, _ = octets_for("truncated")
    length = int.from_bytes(octets[:4], "big")
    equal(len(octets), length // 2, "octets that came")


@case
def answer_bad_tlv_is_longer_than_its_pdu():
    with Esme(answering().port) as esme:
        request = sent(esme, TO["bad-tlv"])
        try:
            answer = read_within(esme, 5)
        except Exception:  # What exactly goes wrong is smpplib's affair.
            pass
        else:
            equal(answer.sequence, request.sequence)
        # The frame is whole: the next PDU is found.
        equal(esme.request("enquire_link").command, "enquire_link_resp")
    octets, sequence = octets_for("bad-tlv")
    equal(header(octets), (len(octets), 0x80000004, 0, sequence))
    tag, length = octets[-6:-4], int.from_bytes(octets[-4:-2], "big")
    equal((tag, length), (b"\x00\x1e", 200))


@case
def answer_garbage_is_64_octets_that_the_seed_decides():
    with Esme(answering().port) as esme:
        sent(esme, TO["garbage"])
        stuck(esme)
    first, _ = octets_for("garbage")
    equal((len(first), first[0]), (64, 0xFF))
    equal(octets_for("garbage")[0], first, "garbage with the same seed")
    rule = {"then": {"answer": "garbage"}}
    other, _ = octets_for("garbage", Configured({"rule": [rule]}, seed=43))
    assert other != first, "garbage is the same with another seed"


@case
def spoiled_answers_may_also_be_refusals():
    simulator = then(status="ESME_RTHROTTLED", answer="twice")
    with Esme(simulator.port) as esme:
        request = sent(esme, "1")
        for _ in range(2):
            answer = read_within(esme, 5)
            equal((answer.sequence, answer.status), (request.sequence, RTHROTTLED))
    equal(simulator.messages(), [], "messages that were taken")


@case
def octets_come_in_place_of_the_answer():
    with Esme(then(octets="00000010800000150000000000000063").port) as esme:
        sent(esme, "1")
        answer = read_within(esme, 5)
        equal((answer.command, answer.sequence, answer.length), ("enquire_link_resp", 0x63, 16))
    with Wire(then(octets="deadbeef").port) as wire:
        wire.submit(b"1")
        equal(wire.read_all(), bytes.fromhex("deadbeef"))


# Times.


def timed(esme, **fields):
    began = time.monotonic()
    esme.submit(**fields)
    return time.monotonic() - began


@case
def answer_after_a_fixed_time_holds_the_answer_back():
    with Esme(then(answer_after="400ms").port) as esme:
        for _ in range(2):
            took = timed(esme)
            assert 0.39 < took < 1.4, f"it took {took:.3f} s"


@case
def answer_after_a_range_is_within_the_range_and_not_always_the_same():
    with Esme(then(answer_after="100ms..500ms").port) as esme:
        times = [timed(esme) for _ in range(6)]
    assert all(0.09 < took < 1.2 for took in times), f"it took {times}"
    assert max(times) - min(times) > 0.05, f"it always took the same: {times}"


@case
def an_answer_that_is_held_back_does_not_hold_others_back():
    rule = {"when": {"destination_addr": "1"}, "then": {"answer_after": "500ms"}}
    with Esme(Configured({"rule": [rule]}).port) as esme:
        late = sent(esme, "1")
        esme.submit(destination="2")
        equal(esme.request("enquire_link").command, "enquire_link_resp")
        equal(late.sequence in esme.answers, False, "the late answer is there already")
        equal(esme.answer(late).status, 0)


@case
def answer_after_goes_with_refusals_and_spoiled_answers():
    with Esme(then(answer_after="300ms", status="ESME_RSYSERR", answer="twice").port) as esme:
        began, request = time.monotonic(), sent(esme, "1")
        for _ in range(2):
            answer = read_within(esme, 5)
            equal((answer.sequence, answer.status), (request.sequence, RSYSERR))
        assert time.monotonic() - began > 0.29, "it came too early"


@case
def answer_after_holds_back_answers_to_binds_and_enquire_link():
    rules = [{"on": ["bind_*", "enquire_link"], "then": {"answer_after": "300ms"}}]
    began = time.monotonic()
    with Esme(Configured({"rule": rules}).port) as esme:
        assert 0.29 < time.monotonic() - began < 2, "the bind"
        began = time.monotonic()
        equal(esme.request("enquire_link").command, "enquire_link_resp")
        assert 0.29 < time.monotonic() - began < 2, "enquire_link"


@case
def answers_to_binds_are_spoiled_and_the_session_is_bound():
    answers = (("twice", 0x80000009, 58), ("nack", 0x80000000, 16), ("wrong-sequence", 0x80000009, 29))
    for kind, command, length in answers:
        rule = {"on": "bind_transceiver", "then": {"answer": kind}}
        with Wire(Configured({"rule": [rule]}).port, bind=None) as wire:
            wire.send(pdu(0x09, 1, b"app\0secret\0\0\x34\0\0\0"))
            octets = wire.read_all(0.2)
            equal((header(octets)[1], len(octets)), (command, length), kind)
            wire.submit(b"1")
            equal(header(wire.read_pdu())[1:3], (0x80000004, 0), kind)


@case
def a_bind_without_an_answer_leaves_no_session_behind():
    rule = {"on": "bind_transceiver", "times": 1, "then": {"answer": "none"}}
    account = {"system_id": "app", "password": "secret", "sessions": 1}
    simulator = Configured({"rule": [rule], "account": [account]})
    with Wire(simulator.port, bind=None) as wire:
        wire.send(pdu(0x09, 1, b"app\0secret\0\0\x34\0\0\0"))
        equal(wire.read(0.3), None, "an answer")
    until(lambda: simulator.rest("GET", "/api/v1/smscs")[0]["bound"] == 0, "the end of the session")
    Esme(simulator.port).close()


@case
def deliveries_wait_for_an_answer_to_a_bind_that_is_held_back():
    rule = {"on": "bind_receiver", "then": {"answer_after": "400ms"}}
    simulator = Configured({"rule": [rule], "receipt_delay": "0ms"})
    with Esme(simulator.port, "transmitter") as esme:
        for _ in range(3):
            esme.submit(registered_delivery=1)
    with Esme(simulator.port, "receiver") as esme:
        esme.read_delivered(3)


# A transaction is answered when its outcome is known (SMPP 5.0, 4.2.10.4; 3.4, 4.7.1 for data_sm).


def transaction(answers_of, **outcome):
    """What comes within a while for a submit_sm and a data_sm in transaction mode."""
    with Wire(then(**outcome).port, version=0x50) as wire:
        addresses = b"\0\1\1" + b"1000\0" + b"\1\1" + b"2\0" + b"\2"
        wire.send(pdu(0x04, 10, addresses + b"\0" * 8 + b"\5hello"))
        wire.send(pdu(0x103, 11, addresses + b"\0\0" + b"\x04\x24\0\5hello"))
        began = time.monotonic()
        came = sorted(header(octets)[1:] for octets in split(wire.read_all(1)))
        equal(came, sorted(answers_of(0x80000004, 10) + answers_of(0x80000103, 11)))
        return time.monotonic() - began


@case
def a_transaction_is_answered_with_the_outcome_of_the_rule():
    transaction(lambda command, sequence: [(command, 0, sequence)], state="DELIVERED")
    transaction(lambda command, sequence: [(command, 0xFE, sequence)], state="UNDELIVERABLE")


@case
def the_answer_to_a_transaction_is_spoiled_and_held_back_too():
    transaction(lambda command, sequence: [(command, 0, sequence)] * 2, answer="twice")
    transaction(lambda command, sequence: [], answer="none")
    took = transaction(lambda command, sequence: [(command, 0, sequence)], answer_after="400ms")
    assert took > 1.38, f"it took {took - 1:.2f} s"


# Connections.


@case
def connection_unbind_is_answered_by_smpplib_and_then_closed():
    with Esme(then(connection="unbind").port) as esme:
        answered(esme)
        esme.read_until(lambda: esme.unbinds, "unbind")
        response = pdu(0x80000006, 1)
        esme.client._socket.sendall(response)
        esme.read_end()


@case
def connection_close_ends_after_the_answer_without_unbind():
    with Esme(then(connection="close").port) as esme:
        answered(esme)
        esme.read_end()
        equal(esme.unbinds, 0)


@case
def connection_reset_is_econnreset_after_the_answer():
    with Wire(then(connection="reset").port) as wire:
        sequence = wire.submit(b"1")
        equal(header(wire.read_pdu())[1:], (0x80000004, 0, sequence))
        equal(wire.read_fate(), "reset")
    with Esme(then(connection="reset").port) as esme:
        answered(esme)
        try:
            read_within(esme, 5)
        except exceptions.ConnectionError:
            return
        raise AssertionError("smpplib noticed nothing")


@case
def connection_hang_stays_open_and_nothing_is_answered():
    simulator = Configured({"rule": [{"then": {"connection": "hang"}}]})
    with Esme(simulator.port) as esme:
        answered(esme, registered_delivery=1)
        for _ in range(3):
            sent(esme, "1")
        stuck(esme, 0.8)
        # Neither FIN nor RST: it can still be written to.
        esme.client._socket.sendall(pdu(ENQUIRE_LINK, 99))
        equal(esme.client._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
        stuck(esme, 0.3)
    equal(len(simulator.pdus(command="submit_sm")), 1, "submit_sm that were read")


@case
def connection_fates_without_an_answer():
    for fate, end in (("close", "end"), ("reset", "reset"), ("hang", "silence")):
        with Wire(then(connection=fate, answer="none").port) as wire:
            wire.submit(b"1")
            equal(wire.read_fate(0.5), end, fate)
            equal(wire.octets, b"", fate)


@case
def a_connection_may_end_at_the_bind():
    for fate, end in (("close", "end"), ("reset", "reset"), ("hang", "silence")):
        rule = {"on": "bind_transceiver", "then": {"connection": fate}}
        with Wire(Configured({"rule": [rule]}).port) as wire:
            equal(header(wire.bind_resp)[1:], (0x80000009, 0, 1))
            equal(wire.read_fate(0.5), end, fate)


# Segments.


@case
def segments_of_seven_octets_split_every_pdu_of_the_session():
    simulator = then(segments={"octets": 7, "pause": "5ms"})
    with Wire(simulator.port) as wire:
        wire.submit(b"1", registered_delivery=1)
        del wire.reads[:]
        answer, receipt = wire.read_pdu(), wire.read_pdu()
        equal((header(answer)[1], header(receipt)[1]), (0x80000004, 0x05))
        assert max(map(len, wire.reads)) <= 7, f"reads of {[len(read) for read in wire.reads]}"
        assert len(wire.reads) >= len(answer + receipt) // 7
    with Esme(simulator.port) as esme:
        equal([esme.submit_resp().status for _ in range(3)], [0] * 3)


@case
def segments_with_a_pause_merge_several_answers_into_one_read():
    with Wire(then(segments={"pause": "300ms"}).port) as wire:
        wire.submit(b"1")
        wire.read_pdu()
        for _ in range(5):
            wire.submit(b"1")
            time.sleep(0.01)
        octets = wire.read()
        count = len(split(octets))
        if count == 1:
            count = len(split(wire.read()))
        assert count >= 4, f"{count} answers in one read"


@case
def segments_need_no_pause():
    with Wire(then(segments={"octets": 7}).port) as wire:
        equal(header(wire.bind_resp)[2], 0)
        wire.submit(b"1")
        equal(header(wire.read_pdu())[1], 0x80000004)


def split_up(wire, pdu, octets, others):
    """A PDU came in segments of so many octets, and others besides. A busy reader finds several in one read, so the
    kernel is asked."""
    wanted = -(-len(pdu) // octets) + others
    assert wire.segments() == wanted, f"{wire.segments()} segments, not {wanted}"


@case
def segments_begin_with_a_bind_and_with_a_delivery():
    rule = {"on": "bind_transceiver", "then": {"segments": {"octets": 5, "pause": "2ms"}}}
    with Wire(Configured({"rule": [rule]}).port) as wire:
        split_up(wire, wire.bind_resp, 5, 0)
    rule = {"on": "deliver_sm", "then": {"segments": {"octets": 7, "pause": "2ms"}}}
    with Wire(Configured({"rule": [rule]}).port) as wire:
        wire.submit(b"1", registered_delivery=1)
        wire.read_pdu()
        delivery = wire.read_pdu()
        equal(header(delivery)[1], 0x05)
        # The answers to bind and submit_sm came whole.
        split_up(wire, delivery, 7, 2)


main()
