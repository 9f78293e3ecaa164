"""What Kannel must find at the simulator."""

import re
import time

from kannel import TRANSCEIVER, TWO_SESSIONS, Kannel
from peer import Simulator, case, equal, main, until

V33 = tuple(group.replace("34", "33") for group in TWO_SESSIONS)
LONG = "The quick brown fox jumps over the lazy dog. " * 8
# dlr-mask and %d: bits for what became of a message.
DELIVERED, FAILED, BUFFERED, TAKEN, REFUSED = 1, 2, 4, 8, 16


def seen(simulator):
    """The texts that the simulator says it was sent, in order."""
    return re.findall(r'submit_sm .*text="([^"]*)"', simulator.read_log())


def start(*options, smsc=TRANSCEIVER):
    simulator = Simulator("--show-messages", "--mo-number", "12345", *options)
    return simulator, Kannel(simulator.port, smsc).wait_online(len(smsc))


def also(setting, smsc=TRANSCEIVER):
    """The same connections with a further setting."""
    return tuple(f"{group}\n{setting}" for group in smsc)


def exchange(smsc, version):
    """All that must work over each kind of connection, and without a complaint of Kannel's."""
    simulator, kannel = start(smsc=smsc)
    # An intermediate notification on another session may come before Kannel has seen the message_id.
    wanted = [TAKEN, BUFFERED, DELIVERED] if smsc == TRANSCEIVER else [TAKEN, DELIVERED]
    name = kannel.send("hello [€]", charset="UTF-8", dlr_mask=sum(wanted))
    reports = kannel.reports(name, len(wanted))
    equal([int(report["type"]) for report in reports], wanted)
    equal(len({report["id"] for report in reports}), 1, "number of different ids")
    kannel.send("back", to="12345", dlr_mask=0)
    message, = kannel.received()
    equal((message["text"], message["from"], message["to"]), ("back", "1000", "12345"))
    equal(seen(simulator), ["hello [€]", "back"])
    equal(set(re.findall(r"version=(\S+)", simulator.read_log())), {version}, "versions")
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
    simulator, kannel = start()
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
    # The log escapes what it shows.
    equal(seen(simulator)[0].replace("\\", ""), gsm.replace("\\", ""))


@case
def long_messages_are_split_reported_once_and_come_back_whole():
    simulator, kannel = start()
    for text, coding, charset in ((LONG, 0, "utf-8"), (LONG[:150] + "世界", 2, "utf-16-be")):
        name = kannel.send(text, to="12345", charset="UTF-8", coding=coding, dlr_mask=DELIVERED | FAILED)
        # Kannel puts the parts together again.
        message, = kannel.received()
        equal(message["text"].encode("latin-1").decode(charset), text)
        until(lambda: kannel.sink.of("/dlr"), "the report")
        equal({int(report["type"]) for report in kannel.reports(name, 1)}, {DELIVERED})
    equal(len(seen(simulator)), 3 + 3, "number of parts")
    equal("".join(seen(simulator)[:3]), LONG)


@case
def a_hundred_messages_are_all_reported():
    simulator, kannel = start()
    names = [kannel.send(f"message {number}", dlr_mask=DELIVERED) for number in range(100)]
    until(lambda: len(kannel.sink.of("/dlr")) == 100, "100 reports")
    equal(sorted(call["name"] for call in kannel.sink.of("/dlr")), sorted(names))


@case
def messages_beyond_the_throughput_are_sent_again_and_none_is_lost():
    _, kannel = start("--throughput", "1")
    for number in range(4):
        kannel.send(f"message {number}", dlr_mask=DELIVERED)
    until(lambda: len(kannel.sink.of("/dlr")) == 4, "4 reports")
    assert "Throttling error" in kannel.bearerbox.read_log(), "nothing was throttled"


@case
def a_wrong_password_keeps_kannel_offline():
    simulator = Simulator("--account", "app:secret")
    kannel = Kannel(simulator.port, password="wrong")
    until(lambda: "ESME_RBINDFAIL" in simulator.read_log(), "a refused bind")
    assert "(online" not in kannel.status(), kannel.status()


@case
def enquire_link_goes_both_ways_and_the_session_lasts():
    options = ("--enquire-link", "300ms", "--response", "5s")
    simulator, kannel = start(*options, smsc=also("enquire-link-interval = 1"))
    # Long enough for either side to find the other dead, twice.
    time.sleep(2.6)
    equal(simulator.read_log().count(" bound "), 1, "number of binds")
    kannel.send("still there", dlr_mask=TAKEN)
    until(lambda: kannel.sink.of("/dlr"), "the report")


@case
def kannel_binds_again_to_a_simulator_that_was_restarted():
    simulator, kannel = start()
    simulator.terminate()
    equal(simulator.wait(), 0, "exit code")
    again = Simulator("--listen", f"127.0.0.1:{simulator.port}", "--show-messages")
    kannel.wait_online()
    name = kannel.send("after the restart", dlr_mask=DELIVERED)
    equal(int(kannel.reports(name, 1)[0]["type"]), DELIVERED)
    equal(seen(again), ["after the restart"])


@case
def kannel_binds_over_tls():
    simulator = Simulator("--tls-listen", "127.0.0.1:0", "--show-messages")
    port = int(re.search(r":(\d+) \(TLS\)", simulator.read_line())[1])
    kannel = Kannel(port, also("use-ssl = true")).wait_online()
    name = kannel.send("over TLS", dlr_mask=DELIVERED)
    equal(int(kannel.reports(name, 1)[0]["type"]), DELIVERED)
    equal(seen(simulator), ["over TLS"])


@case
def validity_and_schedule_are_accepted_as_kannel_writes_them():
    simulator, kannel = start()
    name = kannel.send("later", validity=10, deferred=5, dlr_mask=TAKEN | REFUSED)
    equal(int(kannel.reports(name, 1)[0]["type"]), TAKEN)


main()
