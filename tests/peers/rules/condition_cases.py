"""Which PDUs a rule is for. The victim is python-smpplib: it is refused what matches, and nothing else."""

from smpplib import exceptions

from peer import case, equal, main
from sim import Configured, Wire, header, pdu, split, SUBMIT_SM, submit_body
from smpplib_esme import Esme, read_receipt

UNICODE = "Grüße, 世界 👋"
# A status that nothing else gives.
VENDOR = 0x0455


def refusing(*rules, seed=42):
    """A simulator that refuses what matches with the vendor's status."""
    rules = [{"then": {"status": VENDOR}} | rule for rule in rules]
    return Configured({"rule": rules}, seed=seed)


def refuses(when, matching, others, **rest):
    """Fails unless exactly the messages that match are refused."""
    simulator = refusing({"when": when} | rest)
    with Esme(simulator.port) as esme:
        for fields in matching:
            equal(esme.submit_resp(**fields).status, VENDOR, f"status of {fields}")
        for fields in others:
            equal(esme.submit_resp(**fields).status, 0, f"status of {fields}")
    rule, = simulator.rest("GET", "/api/v1/smscs/smsc/rules")
    equal((rule["held"], rule["taken"]), (len(matching), len(matching)), "held and taken")


def to(*destinations):
    return [{"destination": destination} for destination in destinations]


def statuses(esme, count, **fields):
    """The statuses of so many submits, sent at once."""
    sent = [esme.client.send_message(source_addr="1", destination_addr="2", **fields) for _ in range(count)]
    return [esme.answer(pdu).status for pdu in sent]


# Conditions.


@case
def destination_exact():
    refuses({"destination_addr": "447700"}, to("447700"), to("4477001", "44770"))


@case
def destination_prefix_and_suffix():
    refuses({"destination_addr": "4477*"}, to("4477", "447700"), to("4478", "144770"))
    refuses({"destination_addr": "*1"}, to("1", "4471"), to("12"))


@case
def destination_with_one_character_open():
    refuses({"destination_addr": "44?7"}, to("4407", "4477"), to("4478", "44077"))


@case
def destination_regex():
    refuses({"destination_addr": "/^44(77|78)[0-9]{2}$/"}, to("447700", "447812"), to("447900", "4477000"))


@case
def destination_range():
    refuses({"destination_addr": "100..199"}, to("100", "150", "199"), to("99", "200", "1000"))
    refuses({"destination_addr": "500.."}, to("500", "9999"), to("499"))
    refuses({"destination_addr": "..20"}, to("1", "20"), to("21"))


@case
def destination_list():
    refuses({"destination_addr": ["1", "33*", "/5$/"]}, to("1", "334", "95"), to("2", "13"))


@case
def destination_negation():
    refuses({"destination_addr": "!44*"}, to("33", "1"), to("44", "4477"))


@case
def source_and_its_ton():
    refuses({"source_addr": "Bank*"}, [{"source": "BankOne"}], [{"source": "1000"}])
    refuses({"source_addr_ton": 5}, [{"source_addr_ton": 5}], [{"source_addr_ton": 1}])


@case
def several_conditions_must_all_hold():
    when = {"destination_addr": "44*", "source_addr": "1*"}
    refuses(when, [{"destination": "44", "source": "1"}],
            [{"destination": "44", "source": "2"}, {"destination": "33", "source": "1"}])


@case
def text_in_the_gsm_alphabet():
    # 0x00 is @ there, 0x1B 0x65 the euro sign.
    refuses({"text": "/@ [0-9]+€/"}, [{"text": b"buy \x00 100\x1be now"}], [{"text": b"buy @ 100 now"}])


@case
def text_in_ucs2():
    refuses({"text": "*世界*"}, [{"text": UNICODE.encode("utf-16-be"), "data_coding": 8}], [{"text": b"hello"}])


@case
def text_in_either_case_and_in_message_payload():
    refuses({"text": "/^stop$/i"}, [{"text": b"stop"}, {"text": b"STOP"}, {"text": b"", "message_payload": b"Stop"}],
            [{"text": b"please stop"}])


@case
def text_behind_a_user_data_header():
    part = b"\x05\x00\x03\x07\x02\x01hello"
    refuses({"text": "hello"}, [{"text": part, "esm_class": 0x40}], [{"text": part}])


@case
def system_id_of_the_session():
    simulator = refusing({"when": {"system_id": "app"}})
    with Esme(simulator.port) as app, Esme(simulator.port, system_id="other") as other:
        equal((app.submit_resp().status, other.submit_resp().status), (VENDOR, 0))


@case
def system_id_of_a_bind():
    simulator = refusing({"on": "bind_*", "when": {"system_id": "bad*"}})
    Esme(simulator.port).close()
    try:
        Esme(simulator.port, system_id="badapp")
    except exceptions.PDUError as error:
        equal(error.args[1], VENDOR)
    else:
        raise AssertionError("it was bound")


@case
def tlv_by_name():
    refuses({"user_message_reference": 7}, [{"user_message_reference": 7}], [{"user_message_reference": 8}, {}])


@case
def tlv_by_tag():
    refuses({"0x0204": "5.."}, [{"user_message_reference": 7}], [{"user_message_reference": 3}, {}])


@case
def tlv_of_a_vendor_by_its_tag():
    simulator = refusing({"when": {"0x1400": "*"}}, {"when": {"0x1401": "0aff"}, "then": {"status": VENDOR + 1}})
    with Wire(simulator.port) as wire:
        wanted = []
        for tlvs, status in (
            (b"\x14\x00\x00\x02ab", VENDOR), (b"\x14\x00\x00\x00", VENDOR), (b"", 0),
            (b"\x14\x01\x00\x02\x0a\xff", VENDOR + 1), (b"\x14\x01\x00\x02\x0a\xfe", 0),
        ):
            sequence = wire.submit(b"2", tlvs=tlvs)
            wanted.append((0x80000004, status, sequence))
            equal(header(wire.read_pdu())[1:], wanted[-1])


@case
def tlv_that_is_absent():
    refuses({"user_message_reference": "!*"}, [{}], [{"user_message_reference": 7}])


@case
def data_coding():
    refuses({"data_coding": [4, 8]}, [{"data_coding": 4}, {"data_coding": 8}], [{"data_coding": 0}, {"data_coding": 3}])


@case
def esm_class():
    refuses({"esm_class": 64}, [{"esm_class": 64, "text": b"\x05\x00\x03\x01\x01\x01x"}], [{"esm_class": 0}])


@case
def priority_flag_and_registered_delivery():
    refuses({"priority_flag": "1.."}, [{"priority_flag": 1}, {"priority_flag": 3}], [{"priority_flag": 0}])
    refuses({"registered_delivery": 1}, [{"registered_delivery": 1}], [{"registered_delivery": 0}])


@case
def bind_mode():
    simulator = refusing({"when": {"bind_mode": "transmitter"}})
    with Esme(simulator.port, "transmitter") as transmitter, Esme(simulator.port) as transceiver:
        equal((transmitter.submit_resp().status, transceiver.submit_resp().status), (VENDOR, 0))


@case
def interface_version():
    # smpplib knows no other.
    for version, wanted in (("3.3", 0), ("3.4", VENDOR), ("!3.4", 0), (["5.0", "3.4"], VENDOR)):
        with Esme(refusing({"when": {"interface_version": version}}).port) as esme:
            equal(esme.submit_resp().status, wanted, version)
    simulator = refusing({"when": {"interface_version": "3.3"}}, {"when": {"interface_version": "5.0"}})
    for version, wanted in ((0x33, VENDOR), (0x34, 0), (0x50, VENDOR)):
        with Wire(simulator.port, bind=0x02, version=version) as wire:
            wire.submit(b"1")
            equal(header(wire.read_pdu())[2], wanted, f"status at {version:#x}")


@case
def interface_version_of_a_bind():
    simulator = refusing({"on": "bind_transmitter", "when": {"interface_version": "3.4"}})
    for version, wanted in ((0x34, VENDOR), (0x50, 0), (0x33, 0)):
        with Wire(simulator.port, bind=0x02, version=version) as wire:
            equal(header(wire.bind_resp)[2], wanted, f"status at {version:#x}")


@case
def peer():
    with Esme(refusing({"when": {"peer": "127.0.0.1:*"}}).port) as esme:
        equal(esme.submit_resp().status, VENDOR)
    with Esme(refusing({"when": {"peer": "10.*"}}).port) as esme:
        equal(esme.submit_resp().status, 0)


@case
def sequence_number():
    simulator = refusing({"when": {"sequence_number": "100..200"}}, {"when": {"sequence_number": "/5$/"}})
    with Wire(simulator.port) as wire:
        for sequence, wanted in ((99, 0), (100, VENDOR), (200, VENDOR), (201, 0), (215, VENDOR), (0x7FFFFFFF, 0)):
            wire.send(pdu(SUBMIT_SM, sequence, submit_body(b"2")))
            equal(header(wire.read_pdu())[2:], (wanted, sequence))


@case
def unless():
    refuses({"destination_addr": "44*"}, to("4477") + [{"destination": "4412", "priority_flag": 0}],
            [{"destination": "4477", "priority_flag": 1}, {"destination": "33"}], unless={"priority_flag": "1.."})


@case
def unless_is_about_all_of_its_conditions():
    unless = {"priority_flag": 1, "source_addr": "7"}
    refuses({}, [{"priority_flag": 1}, {"source": "7"}], [{"priority_flag": 1, "source": "7"}], unless=unless)


@case
def nothing_named_is_about_submit_sm_data_sm_and_submit_multi_only():
    with Esme(refusing({}).port) as esme:
        equal(esme.submit_resp().status, VENDOR)
        equal(esme.request("enquire_link").status, 0)
        equal(esme.query("1").status, 0x0C)


# Counting.


@case
def share_takes_about_its_part_and_the_same_with_the_same_seed():
    def run(seed):
        with Esme(refusing({"share": "25%"}, seed=seed).port) as esme:
            return statuses(esme, 400)

    first = run(7)
    equal(set(first), {0, VENDOR})
    assert 65 <= first.count(VENDOR) <= 140, f"{first.count(VENDOR)} of 400 refused, wanted about 100"
    equal(run(7), first, "the same seed")
    assert run(8) != first, "another seed gives the same"


@case
def what_share_leaves_goes_to_the_next_rule():
    simulator = refusing({"share": "50%"}, {"then": {"status": VENDOR + 1}})
    with Esme(simulator.port) as esme:
        equal(set(statuses(esme, 60)), {VENDOR, VENDOR + 1})
    one, two = simulator.rest("GET", "/api/v1/smscs/smsc/rules")
    equal(one["taken"] + two["taken"], 60, "taken")


@case
def share_of_none_and_of_all():
    with Esme(refusing({"share": "0%"}).port) as esme:
        equal(set(statuses(esme, 50)), {0})
    with Esme(refusing({"share": "100%"}).port) as esme:
        equal(set(statuses(esme, 50)), {VENDOR})


@case
def skip_lets_so_many_pass_first():
    with Esme(refusing({"skip": 3}).port) as esme:
        equal(statuses(esme, 6), [0, 0, 0, VENDOR, VENDOR, VENDOR])


@case
def every_takes_the_first_and_each_so_many_th():
    with Esme(refusing({"every": 3}).port) as esme:
        equal(statuses(esme, 8), [VENDOR, 0, 0, VENDOR, 0, 0, VENDOR, 0])


@case
def times_ends_a_rule():
    simulator = refusing({"times": 2})
    with Esme(simulator.port) as esme:
        equal(statuses(esme, 5), [VENDOR, VENDOR, 0, 0, 0])
    rule, = simulator.rest("GET", "/api/v1/smscs/smsc/rules")
    equal((rule["held"], rule["taken"]), (5, 2))


@case
def skip_every_and_times_together_and_over_two_sessions():
    simulator = refusing({"skip": 2, "every": 2, "times": 2})
    with Esme(simulator.port) as one, Esme(simulator.port) as two:
        equal([esme.submit_resp().status for esme in [one, two] * 5],
              [0, 0, VENDOR, 0, VENDOR, 0, 0, 0, 0, 0])


@case
def only_what_matches_is_counted():
    with Esme(refusing({"when": {"destination_addr": "1"}, "every": 2}).port) as esme:
        came = [esme.submit_resp(destination=destination).status for destination in "1212121"]
        equal(came, [VENDOR, 0, 0, 0, VENDOR, 0, 0])


@case
def the_first_match_wins():
    simulator = refusing(
        {"when": {"destination_addr": "447*"}, "then": {"status": VENDOR + 1}},
        {"when": {"destination_addr": "44*"}, "then": {"status": VENDOR + 2}},
        {"when": {"destination_addr": "447*"}},
    )
    with Esme(simulator.port) as esme:
        came = [esme.submit_resp(destination=destination).status for destination in ("447", "448", "33")]
        equal(came, [VENDOR + 1, VENDOR + 2, 0])


@case
def a_first_match_that_does_nothing_is_an_exception_to_those_behind_it():
    with Esme(refusing({"when": {"destination_addr": "447"}, "then": {}}, {}).port) as esme:
        equal([esme.submit_resp(destination=destination).status for destination in ("447", "448")], [0, VENDOR])


# On their way to the ESME.


def delivering(answer, when=None, **rest):
    rule = {"on": "deliver_sm", "then": {"answer": answer}} | rest
    return Configured({"rule": [rule | ({"when": when} if when else {})]})


@case
def a_receipt_is_dropped():
    with Esme(delivering("none", {"source_addr": "1*"}).port) as esme:
        esme.submit(destination="1", registered_delivery=1)
        kept = esme.submit(destination="2", registered_delivery=1)
        receipt, = esme.read_delivered()
        equal(read_receipt(receipt)["id"], kept)
        esme.expect_silence(0.3)


@case
def a_receipt_is_doubled():
    with Esme(delivering("twice").port) as esme:
        esme.submit(registered_delivery=1)
        one, two = esme.read_delivered(2)
        equal((one.sequence, one.short_message), (two.sequence, two.short_message))
        esme.expect_silence(0.3)


@case
def a_receipt_is_spoiled():
    simulator = delivering("bad-tlv", every=2)
    with Wire(simulator.port) as wire:
        for spoiled in (True, False):
            wire.submit(b"2", registered_delivery=1)
            wire.read_pdu()
            octets = wire.read_pdu()
            equal(header(octets)[1], 0x05)
            equal(b"\x00\x1e\x00\xc8" in octets, spoiled, "a TLV that is too long")
            wire.send(pdu(0x80000005, header(octets)[3], b"\0"))
    for answer, check in (
        ("garbage", lambda octets: len(octets) == 64 and octets[0] == 0xFF),
        ("truncated", lambda octets: len(octets) == int.from_bytes(octets[:4], "big") // 2),
        ("unknown-command", lambda octets: header(octets)[1] == 0x80007777),
        ("wrong-sequence", lambda octets: header(octets)[1] == 5 and header(octets)[3] >> 24 == 0x7F),
    ):
        with Wire(delivering(answer).port) as wire:
            wire.submit(b"2", registered_delivery=1)
            wire.read_pdu()
            assert check(wire.read_all(0.5)), answer


@case
def a_receipt_by_data_sm_counts_as_deliver_sm():
    rules = [
        {"on": "deliver_sm", "when": {"source_addr": "1"}, "then": {"answer": "none"}},
        {"on": "deliver_sm", "then": {"answer": "twice"}},
    ]
    with Wire(Configured({"dialect": "by-data-sm", "rule": rules}).port) as wire:
        for destination in (b"1", b"2"):
            wire.submit(destination, registered_delivery=1)
        came = [header(octets) for octets in split(wire.read_all(0.5))]
        equal([command for _, command, _, _ in came], [0x80000004, 0x80000004, 0x103, 0x103])
        equal(came[2], came[3])


@case
def smpplib_cannot_read_a_spoiled_receipt():
    with Esme(delivering("unknown-command").port) as esme:
        esme.submit(registered_delivery=1)
        try:
            esme.read_delivered()
        except exceptions.UnknownCommandError:
            return
        raise AssertionError("smpplib read it")


@case
def octets_come_in_place_of_a_receipt():
    rule = {"on": "deliver_sm", "then": {"octets": "00000010000000150000000000000007"}}
    with Esme(Configured({"rule": [rule]}).port) as esme:
        esme.submit(registered_delivery=1)
        esme.read_until(lambda: esme.enquiries == 1, "enquire_link in its place")
        equal(esme.delivered, [])


@case
def a_connection_ends_with_a_receipt_and_the_receipt_comes_again():
    rule = {"on": "deliver_sm", "times": 1, "then": {"connection": "close"}}
    simulator = Configured({"rule": [rule]})
    with Esme(simulator.port) as esme:
        message_id = esme.submit(registered_delivery=1)
        receipt = esme.client.read_pdu()
        equal(read_receipt(receipt)["id"], message_id)
        esme.read_end()
    with Esme(simulator.port) as esme:
        equal(read_receipt(esme.read_delivered()[0])["id"], message_id)


@case
def a_receipt_may_be_chosen_by_its_state_and_text():
    rules = [
        {"when": {"destination_addr": "1"}, "then": {"state": "UNDELIVERABLE"}},
        {"on": "deliver_sm", "when": {"message_state": "UNDELIVERABLE"}, "then": {"answer": "none"}},
        {"on": "deliver_sm", "when": {"text": "*stat:EXPIRED*"}, "then": {"answer": "twice"}},
        {"when": {"destination_addr": "3"}, "then": {"state": "EXPIRED"}},
    ]
    with Esme(Configured({"rule": rules}).port) as esme:
        for destination in "123":
            esme.submit(destination=destination, registered_delivery=1)
        came = [receipt.source_addr.decode() for receipt in esme.read_delivered(3)]
        equal(came, ["2", "3", "3"])
        esme.expect_silence(0.3)


@case
def a_mobile_originated_message_is_dropped_and_a_receipt_is_not():
    rule = {"on": "deliver_sm", "when": {"esm_class": 0}, "then": {"answer": "none"}}
    with Esme(Configured({"rule": [rule], "loopback": True}).port) as esme:
        message_id = esme.submit(registered_delivery=1)
        equal(read_receipt(esme.read_delivered()[0])["id"], message_id)
        esme.expect_silence(0.3)


main()
