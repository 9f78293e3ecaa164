"""What becomes of a message: states, errors, times, replies, scripts, dialects, as python-smpplib sees them."""

import time

from peer import case, equal, main, until
from sim import Configured, Wire, header, pdu, RMSGQFUL, ROK, RTHROTTLED
from smpplib_esme import Esme, read_receipt

# message_state, and the word for it in a receipt's text (SMPP 3.4, Appendix B).
STATES = {
    "DELIVERED": (2, "DELIVRD"),
    "EXPIRED": (3, "EXPIRED"),
    "DELETED": (4, "DELETED"),
    "UNDELIVERABLE": (5, "UNDELIV"),
    "ACCEPTED": (6, "ACCEPTD"),
    "UNKNOWN": (7, "UNKNOWN"),
    "REJECTED": (8, "REJECTD"),
}


def ending(**outcome):
    return Configured({"rule": [{"then": outcome}]})


def ends_as(state, error_code):
    number, word = STATES[state]
    simulator = ending(state=state, error_code=error_code)
    with Esme(simulator.port) as esme:
        message_id = esme.submit(b"hello", registered_delivery=1)
        receipt, = esme.read_delivered()
        fields = read_receipt(receipt)
        equal((fields["id"], fields["stat"], fields["err"]), (message_id, word, f"{error_code:03}"))
        equal(fields["dlvrd"], "001" if state == "DELIVERED" else "000")
        equal((receipt.message_state, receipt.receipted_message_id.decode()), (number, message_id))
        if error_code:
            code = receipt.network_error_code
            equal((len(code), int.from_bytes(code[1:], "big")), (3, error_code), "network_error_code")
        response = esme.query(message_id)
        equal(response.message_state, number)
        equal(response.error_code, error_code)
    message, = simulator.messages()
    equal((message["message_state"], message["error_code"]), (state, error_code))


for at, name in enumerate(STATES):
    def ends(state=name, error_code=at * 17):
        ends_as(state, error_code)

    ends.__name__ = f"state_{name.lower()}_is_in_receipt_query_sm_and_record"
    case(ends)


@case
def error_code_of_three_digits_is_whole_in_the_receipt():
    with Esme(ending(state="REJECTED", error_code=999).port) as esme:
        message_id = esme.submit(registered_delivery=1)
        receipt, = esme.read_delivered()
        equal(read_receipt(receipt)["err"], "999")
        equal(int.from_bytes(receipt.network_error_code[1:], "big"), 999)
        response = esme.query(message_id)
        # There it is one octet (SMPP 3.4, 4.8.2).
        equal((response.message_state, response.error_code), (8, 255))


@case
def a_state_by_its_number_and_skipped_of_5_0():
    with Esme(ending(state=5).port) as esme:
        esme.submit(registered_delivery=1)
        equal(read_receipt(esme.read_delivered()[0])["stat"], "UNDELIV")
    simulator = ending(state="SKIPPED")
    with Esme(simulator.port) as esme:
        esme.submit(registered_delivery=1)
        esme.read_delivered()
    equal(simulator.messages()[0]["message_state"], "SKIPPED")


@case
def a_message_is_enroute_until_its_end():
    with Esme(ending(state="UNDELIVERABLE", delay="400ms").port) as esme:
        message_id = esme.submit()
        equal(esme.state(message_id), 1)
        until(lambda: esme.state(message_id) == 5, "UNDELIVERABLE")


@case
def a_receipt_on_failure_only_comes_for_what_failed():
    rule = {"when": {"destination_addr": "1"}, "then": {"state": "UNDELIVERABLE"}}
    with Esme(Configured({"rule": [rule]}).port) as esme:
        esme.submit(destination="2", registered_delivery=2)
        failed = esme.submit(destination="1", registered_delivery=2)
        equal(read_receipt(esme.read_delivered()[0])["id"], failed)
        esme.expect_silence(0.3)


# Delays.


def arrivals(simulator, count):
    """How long after its submit_sm each receipt came."""
    with Esme(simulator.port) as esme:
        began, times = {}, []
        for _ in range(count):
            at = time.monotonic()
            began[esme.submit(registered_delivery=1)] = at
        for _ in range(count):
            receipt, = esme.read_delivered()
            times.append(time.monotonic() - began[read_receipt(receipt)["id"]])
    return sorted(times)


def delayed(delay, low, high, spread):
    def check():
        times = arrivals(ending(delay=delay), 12)
        assert low - 0.02 <= times[0] and times[-1] < high + 0.7, f"receipts came after {times}"
        assert times[-1] - times[0] >= spread, f"receipts came after {times}"

    return check


for name, delay, low, high, spread in (
    ("fixed", "300ms", 0.3, 0.3, 0),
    ("a_range", "200ms..700ms", 0.2, 0.7, 0.1),
    ("around_a_mean", "400ms+-60ms", 0.04, 0.76, 0.05),
    ("percentiles", "p50=100ms p90=500ms p100=800ms", 0, 0.8, 0.1),
    ("none", "0ms", 0, 0, 0),
):
    check = delayed(delay, low, high, spread)
    check.__name__ = f"delay_{name}_holds_for_receipts"
    case(check)


@case
def delay_of_a_rule_does_not_touch_other_messages():
    rule = {"when": {"destination_addr": "1"}, "then": {"delay": "600ms"}}
    with Esme(Configured({"rule": [rule]}).port) as esme:
        late, early = (esme.submit(destination=to, registered_delivery=1) for to in "12")
        equal([read_receipt(receipt)["id"] for receipt in esme.read_delivered(2)], [early, late])


@case
def receipt_delays_are_the_same_with_the_same_seed():
    def order():
        with Esme(Configured({"receipt_delay": "0ms..2s"}, seed=9).port) as esme:
            ids = [esme.submit(registered_delivery=1, destination=str(at + 1)) for at in range(5)]
            came = [read_receipt(receipt)["id"] for receipt in esme.read_delivered(len(ids))]
        return ids, came

    equal(order(), order())


# Replies.


@case
def reply_comes_back_with_the_text():
    reply = {"text": "You said {text}. Bye!"}
    rule = {"when": {"text": "/^stop$/i"}, "then": {"reply": reply}}
    with Esme(Configured({"rule": [rule]}).port) as esme:
        esme.submit(b"hello", destination="4477")
        esme.submit(b"Stop", destination="4477", source="12345")
        message, = esme.read_delivered()
        equal(message.short_message, b"You said Stop. Bye!")
        equal((message.source_addr, message.destination_addr), (b"4477", b"12345"))
        equal((message.esm_class, message.source_addr_ton, message.dest_addr_ton), (0, 1, 1))
        esme.expect_silence(0.3)


@case
def reply_comes_after_its_time_and_after_the_receipt():
    rule = {"then": {"reply": {"text": "ok", "after": "500ms"}, "delay": "100ms"}}
    with Esme(Configured({"rule": [rule]}).port) as esme:
        began = time.monotonic()
        message_id = esme.submit(registered_delivery=1)
        receipt, message = esme.read_delivered(2)
        assert 0.58 < time.monotonic() - began < 2, f"it came after {time.monotonic() - began:.3f} s"
        equal((read_receipt(receipt)["id"], message.short_message), (message_id, b"ok"))


@case
def reply_in_ucs2_and_in_several_parts():
    with Esme(ending(reply={"text": "世界: {text}"}).port) as esme:
        esme.submit("привет".encode("utf-16-be"), data_coding=8)
        message, = esme.read_delivered()
        equal((message.data_coding, message.short_message.decode("utf-16-be")), (8, "世界: привет"))
    with Esme(ending(reply={"text": "{text}" * 20}).port) as esme:
        esme.submit(b"0123456789")
        parts = sorted(esme.read_delivered(2), key=lambda part: part.short_message[5])
        equal([part.esm_class for part in parts], [0x40, 0x40])
        equal(b"".join(part.short_message[6:] for part in parts), b"0123456789" * 20)


@case
def what_is_not_delivered_gets_no_reply():
    with Esme(ending(state="UNDELIVERABLE", reply={"text": "ok"}).port) as esme:
        esme.submit(registered_delivery=1)
        equal(read_receipt(esme.read_delivered()[0])["stat"], "UNDELIV")
        esme.expect_silence(0.3)


# Scripts.


@case
def a_script_remembers():
    script = """
    fn decide(pdu, memory) {
        let to = pdu.destination_addr;
        memory[to] = (memory[to] ?? 0) + 1;
        if memory[to] >= 3 { #{ status: "ESME_RMSGQFUL" } } else { #{} }
    }
    """
    with Esme(ending(script=script).port) as esme:
        came = [esme.submit_resp(destination=to).status for to in "1112121"]
        equal(came, [0, 0, RMSGQFUL, 0, RMSGQFUL, 0, RMSGQFUL])


@case
def a_script_sees_the_pdu_and_who_sent_it():
    script = """
    fn decide(pdu) {
        if pdu.system_id == "app" && pdu.bind_mode == "transceiver" && pdu.interface_version == "3.4"
            && pdu.source_addr == "1000" && pdu.registered_delivery == 1 {
            #{ state: "REJECTED", error_code: 42, delay: "50ms" }
        } else { #{ status: "ESME_RTHROTTLED" } }
    }
    """
    with Esme(ending(script=script).port) as esme:
        esme.submit(registered_delivery=1)
        fields = read_receipt(esme.read_delivered()[0])
        equal((fields["stat"], fields["err"]), ("REJECTD", "042"))
        equal(esme.submit_resp(registered_delivery=0).status, RTHROTTLED)


@case
def a_script_sees_the_sequence_number():
    script = """
    fn decide(pdu) { if pdu.sequence_number % 2 == 0 { #{ status: "ESME_RTHROTTLED" } } else { #{} } }
    """
    with Esme(ending(script=script).port) as esme:
        sent = [esme.client.send_message(source_addr="1", destination_addr="2", short_message=b"") for _ in range(4)]
        equal([(pdu.sequence, esme.answer(pdu).status) for pdu in sent],
              [(pdu.sequence, ROK if pdu.sequence % 2 else RTHROTTLED) for pdu in sent])


@case
def a_script_sees_each_destination_of_submit_multi():
    script = """
    fn decide(pdu) { if pdu.destination_addr == "333" { #{ status: "ESME_RTHROTTLED" } } else { #{} } }
    """
    with Wire(ending(script=script).port) as wire:
        destinations = b"".join(b"\1\1\1" + to + b"\0" for to in (b"111", b"333"))
        body = b"\0\1\1" + b"1000\0" + b"\2" + destinations + b"\0" * 9 + b"\5hello"
        wire.send(pdu(0x21, 2, body))
        answer = wire.read_pdu()
        equal(header(answer)[1:3], (0x80000021, ROK))
        refused = b"\1" + b"\1\1" + b"333\0" + RTHROTTLED.to_bytes(4, "big")
        equal(answer[-len(refused):], refused, "no_unsuccess and unsuccess_sme")


@case
def what_a_script_says_comes_on_top_of_its_rule():
    script = 'fn decide(pdu) { if pdu.source_addr == "2" { #{ status: "ESME_RTHROTTLED" } } else { #{} } }'
    with Esme(ending(script=script, status="ESME_RMSGQFUL", answer="twice").port) as esme:
        for source, wanted in (("1", RMSGQFUL), ("2", RTHROTTLED)):
            sent = esme.client.send_message(source_addr=source, destination_addr="3", short_message=b"")
            answers = [esme.client.read_pdu() for _ in range(2)]
            equal([(answer.sequence, answer.status) for answer in answers], [(sent.sequence, wanted)] * 2)


@case
def a_script_that_fails_leaves_the_rest_of_its_rule():
    for script in ("fn decide(pdu) { throw 1 }", "fn decide(pdu) { loop {} }", "fn decide(pdu) { #{ nonsense: 1 } }"):
        simulator = ending(script=script, status="ESME_RMSGQFUL")
        with Esme(simulator.port) as esme:
            equal(esme.submit_resp().status, RMSGQFUL, script)
        assert "script failed" in simulator.read_log(), simulator.read_log()


@case
def a_script_chooses_the_connection_and_the_answer():
    script = 'fn decide(pdu) { #{ answer: "none", connection: "close" } }'
    with Esme(ending(script=script).port) as esme:
        esme.client.send_message(source_addr="1", destination_addr="3", short_message=b"")
        esme.read_end()


# Dialects.


@case
def dialect_of_a_rule_is_for_its_messages_only():
    rule = {"when": {"destination_addr": "1"}, "then": {"dialect": "hex-to-decimal"}}
    with Esme(Configured({"rule": [rule]}).port) as esme:
        hexadecimal, usual = (esme.submit(destination=to, registered_delivery=1) for to in "12")
        one, two = esme.read_delivered(2)
        equal(int(read_receipt(one)["id"]), int(hexadecimal, 16), "the id as a number")
        assert read_receipt(one)["id"] != hexadecimal
        equal(read_receipt(two)["id"], usual)


@case
def dialect_of_a_script_and_dialect_of_ones_own():
    script = 'fn decide(pdu) { #{ dialect: if pdu.destination_addr == "1" { "duplicate" } else { "no-tlvs" } } }'
    with Esme(ending(script=script).port) as esme:
        one = esme.submit(destination="1", registered_delivery=1)
        equal([read_receipt(receipt)["id"] for receipt in esme.read_delivered(2)], [one, one])
        esme.submit(destination="2", registered_delivery=1)
        receipt, = esme.read_delivered()
        equal((receipt.receipted_message_id, receipt.message_state), (None, None))


main()
