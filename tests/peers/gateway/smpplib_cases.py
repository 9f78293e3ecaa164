"""What python-smpplib must find at the gateway, and the simulator behind it must find of smpplib's messages."""

import logging
import ssl
import time

from smpplib import consts, exceptions, gsm
from smpplib.client import Client

from gateway import APP, WORDS, arrived, behind, to, Gateway
from peer import PATIENCE, case, equal, main, until
from sim import Configured
from smpplib_esme import Esme, read_receipt

RECEIPT, INTERMEDIATE, UDHI = 0x04, 0x20, 0x40
ENROUTE, DELIVERED, EXPIRED = 1, 2, 3
LONG = "The quick brown fox jumps over the lazy dog. " * 8
UNICODE = "Grüße, 世界 👋"
OTHER = {"system_id": "other", "password": "secret"}


def refused(status, function):
    """Fails unless smpplib raises that status."""
    try:
        function()
    except exceptions.PDUError as error:
        equal(error.args[1], status, "command_status")
    else:
        raise AssertionError("it was accepted")


def content(pdus):
    """The user data of submit_sm at the simulator, with what says how to read them."""
    fields = [pdu["pdu"] for pdu in pdus]
    return [(bytes.fromhex(each["short_message"]), each["data_coding"], each["esm_class"]) for each in fields]


def tlvs(pdu):
    return {tlv["name"]: tlv["value"] for tlv in pdu["pdu"].get("tlvs", [])}


def by_id(receipts):
    """What the texts of receipts say, by their id; no id comes twice."""
    read = [read_receipt(receipt) for receipt in receipts]
    found = {fields["id"]: fields for fields in read}
    equal(len(found), len(read), "number of ids that receipts have")
    return found


# Binding.


@case
def each_bind_mode_is_accepted_and_names_the_gateway_and_its_version():
    _, gateway = behind(gateway={"system_id": "the gateway"})
    for mode in ("transmitter", "receiver", "transceiver"):
        with Esme(gateway.port, mode) as esme:
            equal(esme.bind_resp.command, f"bind_{mode}_resp")
            equal((esme.bind_resp.system_id, esme.bind_resp.sc_interface_version), (b"the gateway", 0x50))


@case
def wrong_password_and_unknown_id_get_the_same_esme_rbindfail():
    _, gateway = behind()
    for system_id, password in (("app", "wrong"), ("app", ""), ("nobody", "secret"), ("", "")):
        credentials = {"system_id": system_id, "password": password}
        refused(consts.SMPP_ESME_RBINDFAIL, lambda: Esme(gateway.port, **credentials))
    Esme(gateway.port).close()


@case
def more_binds_than_the_account_may_have_are_refused_until_one_has_ended():
    _, gateway = behind(gateway={"accounts": [APP | {"binds": {"sessions": 2}}]})
    first, second = (Esme(gateway.port, mode) for mode in ("transmitter", "receiver"))
    refused(consts.SMPP_ESME_RBINDFAIL, lambda: Esme(gateway.port))
    first.client.unbind()
    first.close()
    until(lambda: bound(gateway), "a place")
    second.close()


def bound(gateway):
    try:
        Esme(gateway.port).close()
    except exceptions.PDUError:
        return False
    return True


@case
def a_receiver_that_submits_gets_esme_rinvbndsts():
    _, gateway = behind()
    with Esme(gateway.port, "receiver") as esme:
        esme.client.state = consts.SMPP_CLIENT_STATE_BOUND_TRX
        equal(esme.submit_resp().status, consts.SMPP_ESME_RINVBNDSTS)
        equal(esme.query("1").status, consts.SMPP_ESME_RINVBNDSTS)


@case
def it_binds_and_sends_over_tls():
    centre, gateway = behind()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = Client("127.0.0.1", gateway.tls_port, timeout=PATIENCE, ssl_context=context, allow_unknown_opt_params=False)
    client.connect()
    equal(client.bind_transceiver(system_id="app", password="secret").status, 0)
    client.send_message(source_addr="1000", destination_addr="447700900002", short_message=b"over TLS")
    equal(client.read_pdu().command, "submit_sm_resp")
    equal(client.unbind().command, "unbind_resp")
    client.disconnect()
    equal(content(arrived(centre, 1)), [(b"over TLS", 0, 0)])


@case
def the_gateway_itself_binds_over_tls():
    centre = Configured({"tls_listen": ["127.0.0.1:0"]})
    gateway = Gateway(to(centre.ports[1], tls={"any_certificate": True})).wait_bound()
    with Esme(gateway.port) as esme:
        message_id = esme.submit(registered_delivery=1)
        equal(read_receipt(esme.read_delivered()[0])["id"], message_id)


# Submitting: what smpplib sent is what comes out behind.


@case
def gsm_latin1_ucs2_and_long_messages_come_out_as_they_went_in_each_with_its_own_id():
    centre, gateway = behind()
    sent, ids = [], []
    with Esme(gateway.port) as esme:
        for text, encoding in (
            ("hello [€] @£", consts.SMPP_ENCODING_DEFAULT),
            ("Grüße", consts.SMPP_ENCODING_ISO88591),
            (UNICODE, consts.SMPP_ENCODING_DEFAULT),
            (LONG, consts.SMPP_ENCODING_DEFAULT),
            (LONG + UNICODE, consts.SMPP_ENCODING_ISO10646),
        ):
            parts, coding, esm_class = gsm.make_parts(text, encoding)
            for part in parts:
                ids.append(esme.submit(part, data_coding=coding, esm_class=esm_class))
                sent.append((part, coding, esm_class))
    equal((len(ids), len(set(ids))), (12, 12), "number of ids, and of different ones")
    equal(content(arrived(centre, 12)), sent)
    equal([message["text"] for message in centre.messages()][-1], LONG + UNICODE)


@case
def binary_octets_with_a_port_header_come_out_as_they_went_in():
    centre, gateway = behind()
    octets = b"\x06\x05\x04\x15\x81\x00\x00" + bytes(range(100))
    with Esme(gateway.port) as esme:
        esme.submit(octets, data_coding=4, esm_class=UDHI)
        esme.submit(bytes(range(256))[:140], data_coding=4)
    equal(content(arrived(centre, 2)), [(octets, 4, UDHI), (bytes(range(256))[:140], 4, 0)])


@case
def a_text_in_message_payload_and_sar_tlvs_come_out_as_they_went_in():
    centre, gateway = behind()
    with Esme(gateway.port) as esme:
        esme.submit(b"", message_payload=LONG.encode(), user_message_reference=7)
        parts, coding, esm_class = gsm.make_parts(LONG, use_udhi=False)
        for number, part in enumerate(parts, start=1):
            sar = {"sar_msg_ref_num": 9, "sar_total_segments": len(parts), "sar_segment_seqnum": number}
            esme.submit(part, data_coding=coding, esm_class=esm_class, **sar)
    whole, *others = arrived(centre, 1 + len(parts))
    equal((whole["text"], tlvs(whole)["user_message_reference"]), (LONG, 7))
    equal([bytes.fromhex(pdu["pdu"]["short_message"]) for pdu in others], list(parts))
    named = [[tlvs(pdu)[f"sar_{name}"] for name in ("msg_ref_num", "total_segments", "segment_seqnum")] for pdu in others]
    equal(named, [[9, len(parts), number] for number in range(1, len(parts) + 1)])


def cut_here(long):
    """A text that comes whole goes out in parts, and has one id and one receipt."""
    centre, gateway = behind(gateway={"connector": {"long": long}})
    with Esme(gateway.port) as esme:
        message_id = esme.submit(
            b"", destination="447700900002", message_payload=LONG.encode(), registered_delivery=1
        )
        receipt, = esme.read_delivered()
        fields = read_receipt(receipt)
        equal((fields["id"], fields["stat"]), (message_id, "DELIVRD"))
        esme.expect_silence(0.5)
        equal(esme.state(message_id), DELIVERED)
    return arrived(centre, 3)


@case
def a_payload_for_a_message_centre_that_takes_headers_goes_in_parts_and_gets_one_receipt():
    parts = [octets for octets, _, esm_class in content(cut_here("udh")) if esm_class & UDHI]
    equal([part[:3] for part in parts], [b"\x05\x00\x03"] * 3)
    equal(b"".join(part[6:] for part in parts).decode(), LONG)


@case
def a_payload_for_a_message_centre_that_takes_sar_tlvs_goes_in_parts_and_gets_one_receipt():
    parts = cut_here("sar")
    equal([tlvs(part)["sar_segment_seqnum"] for part in parts], [1, 2, 3])
    equal("".join(part["text"] for part in parts), LONG)


@case
def data_sm_is_taken_and_comes_out_as_submit_sm_with_its_receipt():
    centre, gateway = behind()
    with Esme(gateway.port) as esme:
        resp = esme.request(
            "data_sm", source_addr_ton=1, source_addr_npi=1, source_addr="1000", dest_addr_ton=1, dest_addr_npi=1,
            destination_addr="447700900005", registered_delivery=1, message_payload=b"hello",
        )
        equal((resp.command, resp.status), ("data_sm_resp", 0))
        fields = read_receipt(esme.read_delivered()[0])
        equal((fields["id"], fields["stat"]), (resp.message_id.decode(), "UNDELIV"))
    equal(arrived(centre, 1)[0]["text"], "hello")


@case
def what_cannot_be_is_refused_with_its_own_status():
    _, gateway = behind(gateway={
        "accounts": [APP | {"sources": {"allowed": ["1000"], "otherwise": "refuse"}}],
        "routes": [{"destination_addr": "4490*", "refuse": "ESME_RINVDSTADR"}, {"destination_addr": "44*", "to": "up1"}],
    })
    with Esme(gateway.port) as esme:
        equal(esme.submit_resp(destination="").status, consts.SMPP_ESME_RINVDSTADR)
        equal(esme.submit_resp(destination="449012345").status, consts.SMPP_ESME_RINVDSTADR)
        equal(esme.submit_resp(destination="1").status, consts.SMPP_ESME_RINVDSTADR, "no route")
        equal(esme.submit_resp(source="2000").status, consts.SMPP_ESME_RINVSRCADR)
        equal(esme.submit_resp(schedule_delivery_time="991399999999000+").status, consts.SMPP_ESME_RINVSCHED)
        equal(esme.submit_resp(validity_period="tomorrow morning").status, consts.SMPP_ESME_RINVEXPIRY)
        esme.submit()


@case
def what_the_message_centre_refuses_for_good_is_told_by_a_receipt():
    rule = {"when": {"destination_addr": "449*"}, "then": {"status": "ESME_RINVDSTADR"}}
    _, gateway = behind(rule)
    with Esme(gateway.port) as esme:
        message_id = esme.submit(destination="449", registered_delivery=1)
        fields = read_receipt(esme.read_delivered()[0])
        equal((fields["id"], fields["dlvrd"]), (message_id, "000"))
        assert fields["stat"] in ("UNDELIV", "REJECTD"), fields
    gateway.check_conserved()


# Throughput.


@case
def more_than_the_throughput_gets_esme_rthrottled_and_all_arrive_in_the_end():
    centre, gateway = behind(gateway={"accounts": [APP | {"throughput": 20}]})
    with Esme(gateway.port) as esme:
        waiting = {f"message {number}" for number in range(50)}
        throttled, taken = 0, []
        deadline = time.monotonic() + PATIENCE
        while waiting and time.monotonic() < deadline:
            asked = {text: esme.client.send_message(
                source_addr="1000", destination_addr="447700900002", short_message=text.encode(),
            ) for text in sorted(waiting)}
            for text, pdu in asked.items():
                status = esme.answer(pdu).status
                if status == consts.SMPP_ESME_RTHROTTLED:
                    throttled += 1
                else:
                    equal(status, consts.SMPP_ESME_ROK, "command_status")
                    waiting.remove(text)
                    taken.append(text)
            time.sleep(0.2)
    assert throttled, "nothing was throttled"
    equal(sorted(pdu["text"] for pdu in arrived(centre, 50)), sorted(taken))


@case
def a_message_centre_that_throttles_is_the_gateways_own_business():
    centre, gateway = behind(throughput=20)
    with Esme(gateway.port) as esme:
        ids = [esme.submit(b"%d" % number, destination="447700900002", registered_delivery=1) for number in range(40)]
        equal(sorted(by_id(esme.read_delivered(40))), sorted(ids))
    equal(len(centre.messages()), 40, "number of messages")
    gateway.check_conserved()


# Receipts.


@case
def a_receipt_has_the_id_in_tlv_and_text_swapped_addresses_and_delivrd():
    _, gateway = behind()
    with Esme(gateway.port) as esme:
        message_id = esme.submit(
            b"hello world, more than twenty", registered_delivery=1, source_addr_ton=5,
            source_addr_npi=0, source="Sender", destination="447700900002", user_message_reference=0x1234,
        )
        receipt, = esme.read_delivered()
        equal(receipt.esm_class, RECEIPT)
        equal((receipt.source_addr_ton, receipt.source_addr_npi), (1, 1))
        equal(receipt.source_addr, b"447700900002")
        equal((receipt.dest_addr_ton, receipt.dest_addr_npi), (5, 0))
        equal(receipt.destination_addr, b"Sender")
        equal(receipt.receipted_message_id.decode(), message_id)
        equal((receipt.message_state, receipt.user_message_reference), (DELIVERED, 0x1234))
        fields = read_receipt(receipt)
        equal((fields["id"], fields["stat"], fields["err"]), (message_id, "DELIVRD", "000"))
        equal((fields["sub"], fields["dlvrd"], fields["text"]), ("001", "001", "hello world, more th"))
        now = [time.strftime("%y%m%d%H%M", time.gmtime(time.time() - back)) for back in (0, 60)]
        assert fields["submit"] in now and fields["done"] in now, f"dates are {fields}, not {now[0]}"


@case
def a_hundred_messages_of_mixed_outcomes_get_each_its_own_receipt():
    _, gateway = behind(gateway={"connector": {"binds": 2}}, receipt_delay="0ms..500ms")
    with Esme(gateway.port) as esme:
        wanted = {}
        for number in range(100):
            digit = "23458"[number % 5]
            wanted[esme.submit(destination=f"4477009{number:03}{digit}", registered_delivery=1)] = digit
        receipts = esme.read_delivered(100)
        for message_id, fields in by_id(receipts).items():
            digit = wanted.pop(message_id)
            equal((fields["stat"], fields["err"]), (WORDS[digit], "000" if digit == "2" else "033"))
        equal(wanted, {}, "messages without a receipt")
        for receipt in receipts:
            equal((receipt.receipted_message_id, receipt.message_state), (read_receipt(receipt)["id"].encode(),
                  int(receipt.source_addr[-1:])))
        esme.expect_silence(0.3)
    gateway.check_conserved()


@case
def registered_delivery_decides_which_receipts_come():
    _, gateway = behind()
    # What is asked for, and the message_states that come: 0 none, 1 always, 2 on failure, 16 underway.
    wanted = {(0, "2"): [], (1, "2"): [DELIVERED], (2, "2"): [], (2, "3"): [EXPIRED], (16, "2"): [ENROUTE],
              (17, "2"): [ENROUTE, DELIVERED]}
    with Esme(gateway.port) as esme:
        ids = {
            esme.submit(registered_delivery=asked, destination=f"447700{asked:02}{digit}"): (asked, digit)
            for asked, digit in wanted
        }
        came = {asked: [] for asked in wanted}
        for receipt in esme.read_delivered(5):
            came[ids[receipt.receipted_message_id.decode()]].append(receipt.message_state)
            kind = INTERMEDIATE if receipt.message_state == ENROUTE else RECEIPT
            equal(receipt.esm_class, kind, "esm_class")
        equal(came, wanted)
        esme.expect_silence(0.3)


@case
def each_part_of_a_long_message_gets_its_own_receipt():
    _, gateway = behind()
    with Esme(gateway.port) as esme:
        parts, coding, esm_class = gsm.make_parts(LONG)
        fields = {"data_coding": coding, "esm_class": esm_class, "registered_delivery": 1}
        ids = [esme.submit(part, destination="447700900002", **fields) for part in parts]
        equal(sorted(by_id(esme.read_delivered(len(parts)))), sorted(ids))


@case
def receipts_go_to_a_receiver_of_the_account_and_to_no_other():
    _, gateway = behind(gateway={"accounts": [APP, OTHER]})
    with (
        Esme(gateway.port, "transmitter") as transmitter,
        Esme(gateway.port, "receiver") as receiver,
        Esme(gateway.port, "receiver", system_id="other") as other,
    ):
        message_id = transmitter.submit(registered_delivery=1)
        equal(read_receipt(receiver.read_delivered()[0])["id"], message_id)
        other.expect_silence(0.3)
        transmitter.expect_silence(0.01)


@case
def a_receipt_waits_for_a_receiver_and_comes_again_without_an_answer():
    _, gateway = behind()
    with Esme(gateway.port, "transmitter") as transmitter:
        message_id = transmitter.submit(registered_delivery=1)
    with Esme(gateway.port, "receiver") as receiver:
        receiver.answers_deliveries = False
        equal(read_receipt(receiver.read_delivered()[0])["id"], message_id)
    with Esme(gateway.port, "receiver") as receiver:
        equal(read_receipt(receiver.read_delivered()[0])["id"], message_id)
    gateway.check_conserved()


@case
def no_more_deliveries_wait_for_their_answers_than_the_window_has_room():
    _, gateway = behind(gateway={"accounts": [APP | {"window": 2}]})
    with Esme(gateway.port) as esme:
        esme.answers_deliveries = False
        for _ in range(5):
            esme.submit(registered_delivery=1)
        first = esme.read_delivered(2)
        esme.expect_silence(0.3)
        esme.answers_deliveries = True
        for receipt in first:
            esme.respond(receipt)
        esme.read_delivered(3)


@case
def a_delivery_refused_for_now_comes_again_and_one_refused_for_good_does_not():
    _, gateway = behind()
    with Esme(gateway.port) as esme:
        esme.deliver_status = consts.SMPP_ESME_RX_R_APPN
        esme.submit(registered_delivery=1)
        esme.read_delivered()
        esme.expect_silence(1.0)
        esme.deliver_status = consts.SMPP_ESME_RX_T_APPN
        message_id = esme.submit(registered_delivery=1)
        esme.read_delivered()
        esme.deliver_status = consts.SMPP_ESME_ROK
        equal(read_receipt(esme.read_delivered()[0])["id"], message_id)


# Messages from handsets.


@case
def a_message_from_a_handset_reaches_the_account_of_its_route_with_the_same_content():
    routes = [{"destination_addr": "54321", "to": "other"}, {"destination_addr": "12345", "to": "app"}]
    numbers = ["12345", "54321"]
    _, gateway = behind(mo_numbers=numbers, gateway={"accounts": [APP, OTHER], "mo_routes": routes})
    with Esme(gateway.port) as esme, Esme(gateway.port, system_id="other") as other:
        # What goes to such a number comes back as if a handset had sent it there.
        texts = [(b"hello", 0, 0), (UNICODE.encode("utf-16-be"), 8, 0), (bytes(range(140)), 4, 0)]
        texts += [(part, 0, UDHI) for part in gsm.make_parts(LONG)[0]]
        for text, coding, esm_class in texts:
            esme.submit(text, destination="12345", data_coding=coding, esm_class=esm_class)
        for message, (text, coding, esm_class) in zip(esme.read_delivered(len(texts)), texts):
            equal((message.short_message, message.data_coding, message.esm_class), (text, coding, esm_class))
            equal((message.source_addr, message.destination_addr), (b"1000", b"12345"))
        esme.submit(b"", destination="12345", message_payload=LONG.encode())
        message, = esme.read_delivered()
        equal((message.sm_length, message.message_payload), (0, LONG.encode()))
        other.expect_silence(0.2)
        esme.submit(b"for the other", destination="54321")
        equal(other.read_delivered()[0].short_message, b"for the other")
        esme.expect_silence(0.2)
    gateway.check_conserved()


# Asking for messages, and times.


@case
def query_sm_follows_a_message_from_enroute_to_its_end():
    _, gateway = behind(receipt_delay="500ms")
    with Esme(gateway.port) as esme:
        ids = {esme.submit(registered_delivery=1, destination=f"44770090000{digit}"): int(digit) for digit in "235"}
        for message_id in ids:
            response = esme.query(message_id)
            equal((response.message_id.decode(), response.message_state, response.final_date), (message_id, ENROUTE, b""))
        esme.read_delivered(3)
        for message_id, state in ids.items():
            response = esme.query(message_id)
            equal(response.message_state, state)
            now = [time.strftime("%y%m%d%H%M", time.gmtime(time.time() - back)) for back in (0, 60)]
            date = response.final_date.decode()
            assert len(date) == 16 and date[:10] in now and date[-3:] == "00+", f"final_date is {date}"


@case
def query_sm_of_an_unknown_or_foreign_message_is_refused():
    _, gateway = behind(gateway={"accounts": [APP, OTHER]})
    with Esme(gateway.port) as esme, Esme(gateway.port, system_id="other") as other:
        message_id = esme.submit()
        equal(other.query(message_id).status, consts.SMPP_ESME_RINVMSGID)
        equal(esme.query("no such id").status, consts.SMPP_ESME_RINVMSGID)
        assert esme.query(message_id, source="2000").status, "another source was accepted"
        equal(esme.query(message_id).status, 0)


@case
def a_message_whose_validity_ends_before_the_message_centre_is_there_expires():
    centre = Configured()
    gateway = Gateway(to(centre.port, enabled=False))
    with Esme(gateway.port) as esme:
        fields = {"validity_period": "000000000001000R"}
        ids = [esme.submit(registered_delivery=asked, **fields) for asked in (1, 2)]
        receipts = esme.read_delivered(2)
        equal([receipt.message_state for receipt in receipts], [EXPIRED, EXPIRED])
        equal({message_id: fields["stat"] for message_id, fields in by_id(receipts).items()}, dict.fromkeys(ids, "EXPIRED"))
        equal(esme.state(ids[0]), EXPIRED)
    equal(arrived(centre), [])


@case
def schedule_delivery_time_is_honoured():
    centre, gateway = behind()
    with Esme(gateway.port) as esme:
        began = time.monotonic()
        relative = esme.submit(registered_delivery=1, schedule_delivery_time="000000000001000R", destination="442")
        at = time.time() + 1.5
        # The same moment, given in the local time of a place two hours ahead of UTC.
        ahead = time.strftime("%y%m%d%H%M%S", time.gmtime(at + 7200)) + f"{int(at * 10) % 10}08+"
        absolute = esme.submit(registered_delivery=1, schedule_delivery_time=ahead, destination="442")
        equal([esme.state(message_id) for message_id in (relative, absolute)], [ENROUTE] * 2)
        until(lambda: len(arrived(centre)) == 1, "the first at the simulator")
        assert time.monotonic() - began > 0.9, "the first came too early"
        until(lambda: len(arrived(centre)) == 2, "the second at the simulator")
        assert time.monotonic() - began > 1.3, "the second came too early"
        equal(sorted(by_id(esme.read_delivered(2))), sorted([relative, absolute]))


# The session itself.


@case
def enquire_link_goes_both_ways_and_the_session_lasts():
    _, gateway = behind(gateway={"session": {"enquire_link": "300ms", "response": "5s"}})
    with Esme(gateway.port) as esme:
        equal(esme.request("enquire_link").command, "enquire_link_resp")
        esme.read_until(lambda: esme.enquiries == 3, "enquire_link")
        esme.submit()


@case
def unbind_is_answered_and_the_connection_closed():
    _, gateway = behind()
    with Esme(gateway.port) as esme:
        equal(esme.client.unbind().command, "unbind_resp")
        esme.read_end()


@case
def sigterm_unbinds_clients_and_message_centres_and_ends_the_gateway():
    centre, gateway = behind()
    with Esme(gateway.port) as esme, Esme(gateway.port, "transmitter") as transmitter:
        gateway.terminate()
        for session in (esme, transmitter):
            unbind = session.client.read_pdu()
            equal(unbind.command, "unbind")
            session.respond(unbind)
            session.read_end()
        equal(gateway.wait(), 0, "exit code")
    equal(len(centre.pdus(command="unbind", direction="in")), 1, "number of unbind at the simulator")


# After kill -9.


@case
def receipts_of_before_come_after_the_gateway_was_killed():
    _, gateway = behind(receipt_delay="500ms")
    with Esme(gateway.port) as esme:
        wanted = {
            esme.submit(destination=f"4477009{number:03}{digit}", registered_delivery=1): WORDS[digit]
            for number, digit in enumerate("23458" * 10)
        }
    gateway.restart()
    with Esme(gateway.port) as esme:
        came = {}
        while len(came) < len(wanted):
            # At least once: one that was being answered may come twice.
            fields = read_receipt(esme.read_delivered()[0])
            came[fields["id"]] = fields["stat"]
        equal(came, wanted)
    gateway.check_conserved()


@case
def receipts_that_wait_for_a_client_survive_kills_of_the_gateway():
    _, gateway = behind()
    with Esme(gateway.port, "transmitter") as transmitter:
        ids = {transmitter.submit(registered_delivery=1, destination="447700900002") for _ in range(20)}
    until(lambda: gateway.rest("status")["messages"]["delivered"] >= 20, "the ends of 20 messages")
    gateway.restart()
    gateway.restart()
    with Esme(gateway.port, "receiver") as receiver:
        equal(set(by_id(receiver.read_delivered(20))), ids)
        receiver.expect_silence(0.3)


@case
def messages_that_wait_for_a_message_centre_survive_a_kill_and_go_once_and_in_order():
    centre, rules = Configured(), "/api/v1/smscs/smsc/rules"
    centre.rest("POST", rules, {"on": ["bind_transceiver"], "then": {"status": "ESME_RBINDFAIL"}})
    gateway = Gateway(centre.port)
    texts = [f"message {number}" for number in range(50)]
    with Esme(gateway.port) as esme:
        ids = [esme.submit(text.encode(), destination="447700900002", registered_delivery=1) for text in texts]
    gateway.restart()
    centre.rest("DELETE", rules)
    with Esme(gateway.port) as esme:
        equal(sorted(by_id(esme.read_delivered(50))), sorted(ids))
    equal([pdu["text"] for pdu in arrived(centre, 50)], texts)
    gateway.check_conserved()


@case
def what_was_acknowledged_when_the_gateway_was_killed_under_load_arrives():
    centre, gateway = behind(receipt_delay="0ms")
    acknowledged, sent = set(), 0
    for _ in range(3):
        with Esme(gateway.port) as esme:
            asked = {}
            for _ in range(100):
                sent += 1
                pdu = esme.client.send_message(source_addr="1000", destination_addr="447700900002",
                                               short_message=b"%d" % sent, registered_delivery=1)
                asked[pdu.sequence] = str(sent)
            esme.read_until(lambda: len(esme.answers) >= 50, "50 answers")
            gateway.kill()
            acknowledged |= read_rest(esme, asked)
        gateway.start()
    # The record shows a thousand at once, those that were sent twice included. Nobody is bound: to look at it after each
    # receipt would take longer than all of them.
    arrives = lambda: acknowledged <= {pdu["text"] for pdu in arrived(centre)}
    until(arrives, f"{len(acknowledged)} messages at the simulator")
    assert len(acknowledged) >= 150


def read_rest(esme, asked):
    """The texts of those that were answered with a message_id before the connection ended."""
    try:
        while True:
            esme.read_available(0.2)
    except (exceptions.ConnectionError, OSError):
        pass
    return {asked[sequence] for sequence, answer in esme.answers.items() if sequence in asked and not answer.status}


logging.disable()
main()
