"""What python-smpplib must find at the simulator. It speaks 3.4 and has no cancel_sm or replace_sm."""

import time

from smpplib import consts, exceptions, gsm
from smpplib.client import Client

from peer import Simulator, case, equal, main, until
from smpplib_esme import Esme, read_receipt

RECEIPT, INTERMEDIATE, UDHI = 0x04, 0x20, 0x40
ENROUTE, DELIVERED, EXPIRED = 1, 2, 3
LONG = "The quick brown fox jumps over the lazy dog. " * 8
UNICODE = "Grüße, 世界 👋"


def refused(status, function):
    """Fails unless smpplib raises that status."""
    try:
        function()
    except exceptions.PDUError as error:
        equal(error.args[1], status, "command_status")
    else:
        raise AssertionError("it was accepted")


# Binding.


@case
def each_bind_mode_is_accepted_and_names_the_simulator_and_its_version():
    simulator = Simulator("--system-id", "centre")
    for mode in ("transmitter", "receiver", "transceiver"):
        with Esme(simulator.port, mode) as esme:
            equal(esme.bind_resp.command, f"bind_{mode}_resp")
            equal(esme.bind_resp.system_id, b"centre")
            equal(esme.bind_resp.sc_interface_version, 0x50)


@case
def wrong_password_and_unknown_id_get_the_same_esme_rbindfail():
    simulator = Simulator("--account", "app:secret")
    for system_id, password in (("app", "wrong"), ("app", ""), ("nobody", "secret"), ("", "")):
        credentials = {"system_id": system_id, "password": password}
        refused(consts.SMPP_ESME_RBINDFAIL, lambda: Esme(simulator.port, **credentials))
    Esme(simulator.port, system_id="app", password="secret").close()


@case
def a_refused_client_may_try_again_on_the_same_connection():
    simulator = Simulator("--account", "app:secret")
    client = Client("127.0.0.1", simulator.port, allow_unknown_opt_params=False)
    client.connect()
    try:
        bind = lambda password: client.bind_transceiver(system_id="app", password=password)
        refused(consts.SMPP_ESME_RBINDFAIL, lambda: bind("wrong"))
        equal(bind("secret").status, consts.SMPP_ESME_ROK)
    finally:
        client._socket.close()
        client._socket = None


@case
def a_second_bind_gets_esme_ralybnd_and_the_session_goes_on():
    with Esme(Simulator().port) as esme:
        esme.client.state = consts.SMPP_CLIENT_STATE_OPEN
        again = lambda: esme.client.bind_transmitter(system_id="app", password="secret")
        refused(consts.SMPP_ESME_RALYBND, again)
        esme.client.state = consts.SMPP_CLIENT_STATE_BOUND_TRX
        esme.submit()


@case
def a_receiver_that_submits_gets_esme_rinvbndsts():
    with Esme(Simulator().port, "receiver") as esme:
        esme.client.state = consts.SMPP_CLIENT_STATE_BOUND_TRX
        equal(esme.submit_resp().status, consts.SMPP_ESME_RINVBNDSTS)
        equal(esme.query("1").status, consts.SMPP_ESME_RINVBNDSTS)


# Submitting.


@case
def gsm_latin1_ucs2_and_long_messages_are_accepted_each_part_with_its_own_id():
    simulator, ids = Simulator(), []
    with Esme(simulator.port) as esme:
        for text, encoding in (
            ("hello [€]", consts.SMPP_ENCODING_DEFAULT),
            ("Grüße", consts.SMPP_ENCODING_ISO88591),
            (UNICODE, consts.SMPP_ENCODING_DEFAULT),
            (LONG, consts.SMPP_ENCODING_DEFAULT),
            (LONG + UNICODE, consts.SMPP_ENCODING_ISO10646),
        ):
            parts, coding, esm_class = gsm.make_parts(text, encoding)
            ids += [esme.submit(part, data_coding=coding, esm_class=esm_class) for part in parts]
    equal(len(ids), 1 + 1 + 1 + 3 + 6)
    equal(len(set(ids)), len(ids), "number of different ids")


@case
def a_text_in_message_payload_and_sar_tlvs_are_accepted():
    with Esme(Simulator().port) as esme:
        long = LONG.encode()
        esme.submit(b"", message_payload=long, user_message_reference=7)
        parts, coding, esm_class = gsm.make_parts(LONG, use_udhi=False)
        for number, part in enumerate(parts, start=1):
            sar = {"sar_msg_ref_num": 9, "sar_total_segments": len(parts), "sar_segment_seqnum": number}
            esme.submit(part, data_coding=coding, esm_class=esm_class, **sar)


@case
def an_empty_destination_gets_esme_rinvdstadr():
    with Esme(Simulator().port) as esme:
        equal(esme.submit_resp(destination="").status, consts.SMPP_ESME_RINVDSTADR)


@case
def times_that_are_none_get_esme_rinvsched_and_esme_rinvexpiry():
    with Esme(Simulator().port) as esme:
        sched = esme.submit_resp(schedule_delivery_time="991399999999000+")
        equal(sched.status, consts.SMPP_ESME_RINVSCHED)
        expiry = esme.submit_resp(validity_period="tomorrow morning")
        equal(expiry.status, consts.SMPP_ESME_RINVEXPIRY)


@case
def more_than_the_throughput_gets_esme_rthrottled_and_later_room_again():
    with Esme(Simulator("--throughput", "5").port) as esme:
        pdus = [esme.client.send_message(source_addr="1000", destination_addr="2") for _ in range(20)]
        statuses = {esme.answer(pdu).status for pdu in pdus}
        equal(statuses, {consts.SMPP_ESME_ROK, consts.SMPP_ESME_RTHROTTLED})
        until(lambda: esme.submit_resp().status == consts.SMPP_ESME_ROK, "room")


# Receipts.


@case
def a_receipt_has_the_id_in_tlv_and_text_swapped_addresses_and_delivrd():
    with Esme(Simulator().port) as esme:
        message_id = esme.submit(
            b"hello world, more than twenty", registered_delivery=1, source_addr_ton=5,
            source_addr_npi=0, source="Sender", user_message_reference=0x1234,
        )
        receipt, = esme.read_delivered()
        equal(receipt.esm_class, RECEIPT)
        equal((receipt.source_addr_ton, receipt.source_addr_npi), (1, 1))
        equal(receipt.source_addr, b"447700900123")
        equal((receipt.dest_addr_ton, receipt.dest_addr_npi), (5, 0))
        equal(receipt.destination_addr, b"Sender")
        equal(receipt.receipted_message_id.decode(), message_id)
        equal(receipt.message_state, DELIVERED)
        equal(receipt.user_message_reference, 0x1234)
        fields = read_receipt(receipt)
        equal(fields["id"], message_id)
        equal((fields["stat"], fields["err"]), ("DELIVRD", "000"))
        equal((fields["sub"], fields["dlvrd"]), ("001", "001"))
        equal(fields["text"], "hello world, more th")
        now = [time.strftime("%y%m%d%H%M", time.gmtime(time.time() - back)) for back in (0, 60)]
        assert fields["submit"] in now and fields["done"] in now, f"dates are {fields}, not {now[0]}"


@case
def each_part_of_a_long_message_gets_its_own_receipt():
    with Esme(Simulator().port) as esme:
        parts, coding, esm_class = gsm.make_parts(LONG)
        fields = {"data_coding": coding, "esm_class": esm_class, "registered_delivery": 1}
        ids = [esme.submit(part, **fields) for part in parts]
        receipts = esme.read_delivered(len(parts))
        equal(sorted(read_receipt(receipt)["id"] for receipt in receipts), sorted(ids))


@case
def receipts_go_to_a_receiver_of_the_account_and_to_no_other():
    simulator = Simulator()
    with (
        Esme(simulator.port, "transmitter") as transmitter,
        Esme(simulator.port, "receiver") as receiver,
        Esme(simulator.port, "receiver", system_id="other") as other,
    ):
        message_id = transmitter.submit(registered_delivery=1)
        equal(read_receipt(receiver.read_delivered()[0])["id"], message_id)
        other.expect_silence(0.3)
        transmitter.expect_silence(0.01)


@case
def a_receipt_waits_for_a_receiver_to_bind():
    simulator = Simulator(receipt_delay="0ms")
    with Esme(simulator.port, "transmitter") as transmitter:
        message_id = transmitter.submit(registered_delivery=1)
    with Esme(simulator.port, "receiver") as receiver:
        equal(read_receipt(receiver.read_delivered()[0])["id"], message_id)


@case
def a_receipt_without_an_answer_comes_again_after_the_connection_was_lost():
    simulator = Simulator(receipt_delay="0ms")
    with Esme(simulator.port) as esme:
        esme.answers_deliveries = False
        message_id = esme.submit(registered_delivery=1)
        esme.read_delivered()
    with Esme(simulator.port, "receiver") as receiver:
        equal(read_receipt(receiver.read_delivered()[0])["id"], message_id)


@case
def no_more_deliveries_wait_for_their_answers_than_the_window_has_room():
    simulator = Simulator("--window", "2", receipt_delay="0ms")
    with Esme(simulator.port) as esme:
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
def registered_delivery_decides_which_receipts_come():
    simulator = Simulator()
    # What is asked for, and the message_states that come: 0 none, 1 always, 2 on failure, 16 underway.
    wanted = {0: [], 1: [DELIVERED], 2: [], 16: [ENROUTE], 17: [ENROUTE, DELIVERED]}
    with Esme(simulator.port) as esme:
        ids = {esme.submit(registered_delivery=asked): asked for asked in wanted}
        came = {asked: [] for asked in wanted}
        for receipt in esme.read_delivered(4):
            asked = ids[receipt.receipted_message_id.decode()]
            came[asked].append(receipt.message_state)
            kind = RECEIPT if receipt.message_state == DELIVERED else INTERMEDIATE
            equal(receipt.esm_class, kind, "esm_class")
        equal(came, wanted)
        esme.expect_silence(0.3)


@case
def a_datagram_gets_no_receipt():
    with Esme(Simulator(receipt_delay="0ms").port) as esme:
        esme.submit(esm_class=0x01, registered_delivery=1)
        esme.expect_silence(0.3)


# Mobile-originated messages.


@case
def a_message_to_the_own_system_id_comes_back_with_the_same_content():
    with Esme(Simulator().port) as esme:
        texts = [(b"hello", 0, 0), (UNICODE.encode("utf-16-be"), 8, 0), (bytes(range(140)), 4, 0)]
        texts += [(part, 0, UDHI) for part in gsm.make_parts(LONG)[0]]
        for text, coding, esm_class in texts:
            esme.submit(text, destination="app", data_coding=coding, esm_class=esm_class)
        for message, (text, coding, esm_class) in zip(esme.read_delivered(len(texts)), texts):
            equal((message.short_message, message.data_coding), (text, coding))
            equal(message.esm_class, esm_class, "esm_class")
            equal((message.source_addr, message.destination_addr), (b"1000", b"app"))
        esme.expect_silence(0.3)


@case
def a_message_to_a_mo_number_comes_back_to_the_account_that_sent_it():
    simulator = Simulator("--mo-number", "12345", "--mo-number", "54321")
    with Esme(simulator.port) as esme, Esme(simulator.port, system_id="other") as other:
        esme.submit(b"\x00a\x00b", source="4915112345678", destination="54321", data_coding=8)
        message, = esme.read_delivered()
        equal((message.short_message, message.data_coding, message.esm_class), (b"\x00a\x00b", 8, 0))
        equal((message.source_addr, message.destination_addr), (b"4915112345678", b"54321"))
        esme.submit(destination="123456")
        esme.expect_silence(0.3)
        other.expect_silence(0.01)


@case
def a_long_payload_comes_back_in_message_payload():
    with Esme(Simulator().port) as esme:
        esme.submit(b"", destination="app", message_payload=LONG.encode())
        message, = esme.read_delivered()
        equal((message.sm_length, message.message_payload), (0, LONG.encode()))


# Asking for messages, and times.


@case
def query_sm_follows_a_message_from_enroute_to_delivered():
    with Esme(Simulator().port) as esme:
        message_id = esme.submit(registered_delivery=1)
        response = esme.query(message_id)
        equal((response.message_state, response.final_date), (ENROUTE, b""))
        esme.read_delivered()
        response = esme.query(message_id)
        equal(response.message_id.decode(), message_id)
        equal((response.message_state, response.error_code), (DELIVERED, 0))
        now = [time.strftime("%y%m%d%H%M", time.gmtime(time.time() - back)) for back in (0, 60)]
        date = response.final_date.decode()
        assert len(date) == 16 and date[:10] in now and date[-3:] == "00+", f"final_date is {date}"


@case
def query_sm_of_an_unknown_or_foreign_message_is_refused():
    simulator = Simulator()
    with Esme(simulator.port) as esme, Esme(simulator.port, system_id="other") as other:
        message_id = esme.submit()
        equal(other.query(message_id).status, consts.SMPP_ESME_RINVMSGID)
        equal(esme.query("no such id").status, consts.SMPP_ESME_RINVMSGID)
        equal(esme.query(message_id, source="2000").status, consts.SMPP_ESME_RQUERYFAIL)


@case
def a_message_whose_validity_ends_first_gets_an_expired_receipt():
    with Esme(Simulator(receipt_delay="60s").port) as esme:
        fields = {"validity_period": "000000000001000R"}
        message_id = esme.submit(registered_delivery=1, **fields)
        esme.submit(registered_delivery=2, **fields)
        always, on_failure = esme.read_delivered(2)
        equal((always.message_state, on_failure.message_state), (EXPIRED, EXPIRED))
        fields = read_receipt(always)
        equal((fields["id"], fields["stat"], fields["dlvrd"]), (message_id, "EXPIRED", "000"))
        equal(esme.state(message_id), EXPIRED)


@case
def schedule_delivery_time_is_honoured_and_a_34_client_sees_it_as_enroute():
    with Esme(Simulator(receipt_delay="0ms").port) as esme:
        began = time.monotonic()
        relative = esme.submit(registered_delivery=1, schedule_delivery_time="000000000001000R")
        at = time.time() + 1.5
        absolute = time.strftime("%y%m%d%H%M%S", time.gmtime(at)) + f"{int(at * 10) % 10}00+"
        # The same moment, given in the local time of a place two hours ahead of UTC.
        ahead = time.strftime("%y%m%d%H%M%S", time.gmtime(at + 7200)) + f"{int(at * 10) % 10}08+"
        ids = [relative]
        ids += [esme.submit(registered_delivery=1, schedule_delivery_time=t) for t in (absolute, ahead)]
        equal([esme.state(message_id) for message_id in ids], [ENROUTE] * 3)
        esme.read_delivered()
        assert time.monotonic() - began > 0.9, "the first came too early"
        esme.read_delivered(2)
        assert time.monotonic() - began > 1.3, "the others came too early"


# The session itself.


@case
def enquire_link_is_answered():
    with Esme(Simulator().port) as esme:
        equal(esme.request("enquire_link").command, "enquire_link_resp")


@case
def a_silent_client_is_asked_and_stays_bound_as_long_as_it_answers():
    with Esme(Simulator("--enquire-link", "500ms", "--response", "5s").port) as esme:
        esme.read_until(lambda: esme.enquiries == 3, "enquire_link")
        esme.submit()


@case
def a_client_that_does_not_answer_enquire_link_is_cut():
    with Esme(Simulator("--enquire-link", "300ms", "--response", "300ms").port) as esme:
        equal(esme.client.read_pdu().command, "enquire_link")
        until(lambda: _is_over(esme), "the end of the connection")


def _is_over(esme):
    try:
        esme.client.read_pdu()
    except exceptions.ConnectionError:
        return True
    return False


@case
def unbind_is_answered_and_the_connection_closed():
    with Esme(Simulator().port) as esme:
        equal(esme.client.unbind().command, "unbind_resp")
        esme.read_end()


@case
def sigterm_unbinds_all_clients_and_ends_the_simulator():
    simulator = Simulator()
    with Esme(simulator.port) as esme, Esme(simulator.port, "transmitter") as transmitter:
        simulator.terminate()
        for session in (esme, transmitter):
            unbind = session.client.read_pdu()
            equal(unbind.command, "unbind")
            session.respond(unbind)
            session.read_end()
        equal(simulator.wait(), 0, "exit code")


@case
def a_client_that_ignores_unbind_is_not_waited_for_longer_than_the_response_time():
    simulator = Simulator("--response", "500ms")
    with Esme(simulator.port) as esme:
        simulator.terminate()
        equal(esme.client.read_pdu().command, "unbind")
        esme.read_end()
        equal(simulator.wait(), 0, "exit code")


@case
def a_connection_that_never_binds_is_closed():
    simulator = Simulator("--session-init", "300ms")
    client = Client("127.0.0.1", simulator.port, allow_unknown_opt_params=False)
    client.connect()
    equal(client._socket.recv(1), b"")
    client._socket.close()
    client._socket = None


@case
def an_idle_session_is_unbound_after_the_inactivity_time():
    with Esme(Simulator("--inactivity", "300ms").port) as esme:
        unbind = esme.client.read_pdu()
        equal(unbind.command, "unbind")
        esme.respond(unbind)
        esme.read_end()


main()
