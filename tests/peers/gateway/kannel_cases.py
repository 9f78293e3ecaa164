"""What Kannel must find at the gateway: its bearerbox binds, its smsbox has the HTTP side."""

import re
import time

from gateway import APP, Gateway, arrived, behind, to
from kannel import TRANSCEIVER, TWO_SESSIONS, Kannel
from peer import case, equal, main, until
from sim import Configured

V33 = tuple(group.replace("34", "33") for group in TWO_SESSIONS)
LONG = "The quick brown fox jumps over the lazy dog. " * 8
# dlr-mask and %d: bits for what became of a message.
DELIVERED, FAILED, TAKEN, REFUSED = 1, 2, 8, 16
# Kannel's own, besides: the message has expired.
TOO_OLD = 32
# What is to be done with a message is in its number's last digit.
GOOD, EXPIRED, UNDELIVERABLE = "447700900002", "447700900003", "447700900005"


def start(*rules, smsc=TRANSCEIVER, password="secret", **settings):
    centre, gateway = behind(*rules, **settings)
    kannel = Kannel(gateway.port, smsc, password)
    return centre, gateway, kannel


def also(setting, smsc=TRANSCEIVER):
    """The same connections with a further setting."""
    return tuple(f"{group}\n{setting}" for group in smsc)


def texts(centre, count):
    return [pdu["text"] for pdu in arrived(centre, count)]


def kind(report):
    """What a report says, expired or not."""
    return int(report["type"]) & ~TOO_OLD


def exchange(smsc, version):
    """All that must work over each kind of connection, and without a complaint of Kannel's."""
    centre, gateway, kannel = start(smsc=smsc)
    kannel.wait_online(len(smsc))
    for number, end in ((GOOD, DELIVERED), (EXPIRED, FAILED), (UNDELIVERABLE, FAILED)):
        name = kannel.send("hello [€]", to=number, charset="UTF-8", dlr_mask=TAKEN | DELIVERED | FAILED)
        reports = kannel.reports(name, 2)
        equal([kind(report) for report in reports], [TAKEN, end])
        equal(len({report["id"] for report in reports}), 1, "number of different ids")
    kannel.send("back", to="12345", dlr_mask=0)
    message, = kannel.received()
    equal((message["text"], message["from"], message["to"]), ("back", "1000", "12345"))
    equal(texts(centre, 4), ["hello [€]"] * 3 + ["back"])
    versions = {session["interface_version"] for session in gateway.rest("sessions") if session["account"]}
    equal(versions, {version}, "versions")
    equal(kannel.complaints(), [])


@case
def messages_and_reports_go_over_one_transceiver_session():
    exchange(TRANSCEIVER, "3.4")


@case
def messages_and_reports_go_over_a_transmitter_and_a_receiver_session():
    exchange(TWO_SESSIONS, "3.4")


@case
def messages_and_reports_go_over_33():
    exchange(V33, "3.3")


@case
def message_ids_are_the_same_number_where_kannel_reads_them_as_decimal():
    exchange(also("msg-id-type = 0x00"), "3.4")


@case
def message_ids_of_33_are_the_same_number_where_kannel_reads_them_as_hexadecimal():
    exchange(also("msg-id-type = 0x03", V33), "3.3")


@case
def gsm_ucs2_and_binary_messages_arrive_and_come_back_the_same():
    centre, _, kannel = start()
    kannel.wait_online()
    gsm = "@£$ èé _^{}[~]|\\ €ÄÖÑÜ§ äöñüà"
    kannel.send(gsm, to="12345", charset="UTF-8", coding=0, dlr_mask=0)
    message, = kannel.received()
    equal(message["text"].encode("latin-1").decode(), gsm)
    kannel.send("Grüße 世界 👋", to="12345", charset="UTF-8", coding=2, dlr_mask=0)
    message, = kannel.received()
    equal((message["coding"], message["text"].encode("latin-1").decode("utf-16-be")), ("2", "Grüße 世界 👋"))
    binary, udh = bytes(range(256))[-100:], b"\x06\x05\x04\x15\x81\x00\x00"
    kannel.send(binary, to="12345", udh=udh, coding=1, dlr_mask=0)
    message, = kannel.received()
    equal((message["text"].encode("latin-1"), message["udh"].encode("latin-1")), (binary, udh))
    equal(texts(centre, 3)[:2], [gsm, "Grüße 世界 👋"])


@case
def long_messages_are_split_reported_once_and_come_back_whole():
    centre, _, kannel = start()
    kannel.wait_online()
    for text, coding, charset in ((LONG, 0, "utf-8"), (LONG[:150] + "世界", 2, "utf-16-be")):
        name = kannel.send(text, to="12345", charset="UTF-8", coding=coding, dlr_mask=DELIVERED | FAILED)
        # Kannel puts the parts together again.
        message, = kannel.received()
        equal(message["text"].encode("latin-1").decode(charset), text)
        equal({int(report["type"]) for report in kannel.reports(name, 1)}, {DELIVERED})
    equal("".join(texts(centre, 3 + 3)[:3]), LONG)


@case
def long_messages_are_taken_by_a_message_centre_that_wants_them_another_way():
    for long in ("sar", "payload"):
        centre, _, kannel = start(gateway={"connector": {"long": long}})
        kannel.wait_online()
        name = kannel.send(LONG, to=GOOD, dlr_mask=DELIVERED | FAILED)
        equal({int(report["type"]) for report in kannel.reports(name, 1)}, {DELIVERED})
        equal("".join(texts(centre, 3)), LONG)
        names = {tlv["name"] for pdu in arrived(centre) for tlv in pdu["pdu"].get("tlvs", [])}
        # Parts stay parts: only what came whole can go as payload.
        equal("sar_segment_seqnum" in names, long == "sar", f"sar_ TLVs, {names}")


@case
def a_hundred_messages_are_all_reported():
    _, gateway, kannel = start()
    kannel.wait_online()
    names = {kannel.send(f"message {at}", to=GOOD[:-1] + "235"[at % 3], dlr_mask=DELIVERED | FAILED): at for at in range(100)}
    until(lambda: len(kannel.sink.of("/dlr")) == 100, "100 reports")
    came = {call["name"]: kind(call) for call in kannel.sink.of("/dlr")}
    equal(came, {name: FAILED if at % 3 else DELIVERED for name, at in names.items()})
    equal(kannel.complaints(), [])
    gateway.check_conserved()


@case
def messages_beyond_the_throughput_are_sent_again_and_none_is_lost():
    centre, _, kannel = start(gateway={"accounts": [APP | {"throughput": 1}]})
    kannel.wait_online()
    for number in range(4):
        kannel.send(f"message {number}", to=GOOD, dlr_mask=DELIVERED)
    until(lambda: len(kannel.sink.of("/dlr")) == 4, "4 reports")
    assert "Throttling error" in kannel.bearerbox.read_log(), "nothing was throttled"
    equal(len(set(texts(centre, 4))), 4, "number of different messages")


@case
def a_message_that_is_refused_is_reported_as_rejected():
    _, _, kannel = start(gateway={"routes": [{"destination_addr": "44*", "to": "up1"}]})
    kannel.wait_online()
    name = kannel.send("no way", to="331", dlr_mask=TAKEN | REFUSED)
    equal(int(kannel.reports(name, 1)[0]["type"]), REFUSED)


@case
def a_wrong_password_keeps_kannel_offline():
    _, gateway, kannel = start(password="wrong")
    until(lambda: "bind refused" in gateway.read_log(), "a refused bind")
    assert "(online" not in kannel.status(), kannel.status()


@case
def enquire_link_goes_both_ways_and_the_session_lasts():
    settings = {"session": {"enquire_link": "300ms", "response": "5s"}}
    _, gateway, kannel = start(smsc=also("enquire-link-interval = 1"), gateway=settings)
    kannel.wait_online()
    # Long enough for either side to find the other dead, twice.
    time.sleep(2.6)
    equal(len(re.findall(r" bound .*system_id=app", gateway.read_log())), 1, "number of binds")
    name = kannel.send("still there", to=GOOD, dlr_mask=TAKEN)
    kannel.reports(name, 1)


@case
def kannel_binds_again_after_kill_9_and_the_reports_of_before_come():
    centre, gateway, kannel = start(receipt_delay="1s")
    kannel.wait_online()
    names = {kannel.send(f"message {at}", to=GOOD, dlr_mask=DELIVERED) for at in range(20)}
    arrived(centre, 20)
    gateway.restart()
    kannel.wait_online()
    names.add(kannel.send("after the restart", to=GOOD, dlr_mask=DELIVERED))
    until(lambda: {call["name"] for call in kannel.sink.of("/dlr")} == names, "21 reports")
    gateway.check_conserved()


@case
def kannel_binds_over_tls():
    centre, gateway = behind()
    kannel = Kannel(gateway.tls_port, also("use-ssl = true")).wait_online()
    name = kannel.send("over TLS", to=GOOD, dlr_mask=DELIVERED)
    equal(int(kannel.reports(name, 1)[0]["type"]), DELIVERED)
    equal(texts(centre, 1), ["over TLS"])


@case
def validity_and_schedule_are_kept_as_kannel_writes_them():
    centre = Configured()
    gateway = Gateway(to(centre.port))
    kannel = Kannel(gateway.port).wait_online()
    name = kannel.send("later", to=GOOD, validity=10, deferred=5, dlr_mask=TAKEN | REFUSED)
    report, = kannel.reports(name, 1)
    equal(int(report["type"]), TAKEN)
    message = gateway.message(report["id"])
    due, expires = (seconds_from(message["accepted"], message[name]) for name in ("due", "expires"))
    assert abs(due - 300) < 5 and abs(expires - 600) < 5, f"it is due after {due} s and expires after {expires} s"


def seconds_from(begin, end):
    read = lambda moment: time.mktime(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))
    return read(end) - read(begin)


main()
