"""What accounts may do: binds, versions, sessions, rates, windows, numbers. The victim is python-smpplib."""

import time

from smpplib import consts, exceptions

from peer import case, equal, main, until
from sim import Configured, Wire, header, ROK, RTHROTTLED, VERSIONS
from smpplib_esme import Esme

RBINDFAIL = consts.SMPP_ESME_RBINDFAIL


def accounts(*settings, **smsc):
    """A simulator with these accounts."""
    named = [{"system_id": "app", "password": "secret"} | account for account in settings]
    return Configured({"account": named} | smsc)


def refused(simulator, mode="transceiver", **fields):
    try:
        Esme(simulator.port, mode, **fields).close()
    except exceptions.PDUError as error:
        equal(error.args[1], RBINDFAIL)
    else:
        raise AssertionError(f"bind_{mode} was accepted")


def statuses(esme, count):
    """The statuses of so many submits, sent at once."""
    sent = [esme.client.send_message(source_addr="1", destination_addr="2", short_message=b"") for _ in range(count)]
    return [esme.answer(pdu).status for pdu in sent]


@case
def only_the_binds_of_an_account_are_accepted():
    modes = ["transmitter", "receiver", "transceiver"]
    for allowed in (["transmitter"], ["receiver", "transceiver"]):
        simulator = accounts({"bind_modes": allowed})
        for mode in modes:
            if mode in allowed:
                Esme(simulator.port, mode).close()
            else:
                refused(simulator, mode)


@case
def only_the_versions_of_an_account_are_accepted():
    simulator = accounts({"versions": ["3.4"]}, {"system_id": "new", "versions": ["5.0"]})
    Esme(simulator.port).close()
    refused(simulator, system_id="new")
    for system_id, allowed in ((b"app", "3.4"), (b"new", "5.0")):
        for version, number in VERSIONS.items():
            with Wire(simulator.port, system_id, version=number, bind=0x02) as wire:
                wanted = 0 if version == allowed else RBINDFAIL
                equal(header(wire.bind_resp)[2], wanted, f"{system_id} at {version}")


@case
def no_more_sessions_than_an_account_may_have():
    simulator = accounts({"sessions": 2}, {"system_id": "other"})
    with Esme(simulator.port, "transmitter"), Esme(simulator.port) as second:
        refused(simulator)
        Esme(simulator.port, system_id="other").close()
        second.client.unbind()
    until(lambda: _binds(simulator), "room for another")


def _binds(simulator):
    try:
        Esme(simulator.port).close()
    except exceptions.PDUError:
        return False
    return True


@case
def throughput_is_shared_by_all_sessions_of_an_account():
    simulator = accounts({"throughput": 10}, {"system_id": "other"})
    with (
        Esme(simulator.port) as one, Esme(simulator.port) as two,
        Esme(simulator.port, system_id="other") as other,
    ):
        began = time.monotonic()
        equal(statuses(one, 10), [ROK] * 10)
        came = statuses(two, 20)
        took = time.monotonic() - began
        equal(set(came), {RTHROTTLED} if took < 0.05 else set(came), "statuses of the second session")
        assert came.count(ROK) <= 1 + took * 10, f"{came.count(ROK)} of 20 were taken in {took:.2f} s"
        equal({other.submit_resp().status for _ in range(30)}, {ROK}, "statuses of another account")
        until(lambda: one.submit_resp().status == ROK, "room")


@case
def throughput_counts_each_destination_of_submit_multi_and_data_sm_too():
    with Wire(accounts({"throughput": 5}).port) as wire:
        one = b"\x01\x01\x01%d\0"
        body = b"\0\1\1" + b"1000\0" + b"\x05" + b"".join(one % at for at in range(5)) + b"\0" * 10
        for sequence, wanted in ((2, ROK), (3, RTHROTTLED)):
            wire.send(bytes.fromhex(f"{16 + len(body):08x}00000021") + bytes(4) + sequence.to_bytes(4, "big") + body)
            equal(header(wire.read_pdu())[1:3], (0x80000021, wanted))
        body = b"\0\1\1" + b"1000\0" + b"\1\1" + b"2\0" + b"\0\0\0" + b"\x04\x24\x00\x02hi"
        wire.send(bytes.fromhex(f"{16 + len(body):08x}00000103") + bytes(4) + (4).to_bytes(4, "big") + body)
        equal(header(wire.read_pdu())[1:3], (0x80000103, RTHROTTLED))


@case
def window_limits_deliveries_in_flight_to_each_session():
    simulator = accounts({"window": 3})
    with Esme(simulator.port, "receiver") as one, Esme(simulator.port, "receiver") as two, \
            Esme(simulator.port, "transmitter") as sender:
        one.answers_deliveries = two.answers_deliveries = False
        for _ in range(12):
            sender.submit(registered_delivery=1)
        for esme in (one, two):
            esme.read_until(lambda: len(esme.delivered) >= 3, "a full window")
        one.read_available(0.5)
        two.read_available(0)
        equal((len(one.delivered), len(two.delivered)), (3, 3), "deliveries in flight")
        # Each answer makes room for one more.
        first, *_ = one.delivered
        one.respond(first)
        one.read_available(1)
        one.read_available(0.3)
        equal((len(one.delivered), len(two.delivered)), (4, 3), "deliveries after one answer")
        one.answers_deliveries = two.answers_deliveries = True
        for esme in (one, two):
            for pdu in esme.delivered[1 if esme is one else 0:]:
                esme.respond(pdu)
        came = lambda: (one.read_available(0.02), two.read_available(0.02), len(one.delivered + two.delivered) >= 12)[2]
        until(came, "the rest")


@case
def window_of_the_smsc_holds_for_accounts_without_one():
    simulator = accounts({"window": 1}, {"system_id": "other"}, window=2)
    for system_id, room in (("app", 1), ("other", 2)):
        with Esme(simulator.port, system_id=system_id) as esme:
            esme.answers_deliveries = False
            for _ in range(4):
                esme.submit(registered_delivery=1)
            esme.read_until(lambda: len(esme.delivered) >= room, "a full window")
            esme.read_available(0.4)
            equal(len(esme.delivered), room, system_id)


@case
def submit_window_refuses_more_than_may_wait_for_answers():
    rule = {"on": ["submit_sm"], "then": {"answer_after": "500ms"}}
    with Esme(accounts({"submit_window": 3}, rule=[rule]).port) as esme:
        sent = [esme.client.send_message(source_addr="1", destination_addr="2", short_message=b"") for _ in range(5)]
        equal([esme.answer(pdu).status for pdu in sent], [ROK] * 3 + [RTHROTTLED] * 2)
        equal(esme.submit_resp().status, ROK, "status once there is room")


@case
def address_range_routes_mobile_originated_messages():
    simulator = accounts({"address_range": "123*"}, {"system_id": "other", "address_range": "/^45[0-9]$/"},
                         {"system_id": "third"})
    with Esme(simulator.port) as app, Esme(simulator.port, system_id="other") as other, \
            Esme(simulator.port, system_id="third") as third:
        for destination, esme, name in (("12345", app, "app"), ("456", other, "other"), ("123", app, "app")):
            mo = {"source_addr": "4477", "destination_addr": destination, "text": "hi"}
            equal(simulator.rest("POST", "/api/v1/smscs/smsc/mo", mo), {"system_id": name, "parts": 1})
            message, = esme.read_delivered()
            equal((message.destination_addr, message.short_message), (destination.encode(), b"hi"))
        mo = {"source_addr": "4477", "destination_addr": "999", "text": "hi"}
        status, problem = simulator.ask("POST", "/api/v1/smscs/smsc/mo", mo)
        equal((status, "several accounts" in problem["detail"]), (409, True), problem)
        simulator.rest("POST", "/api/v1/smscs/smsc/mo", mo | {"system_id": "third"})
        equal(third.read_delivered()[0].destination_addr, b"999")
        for esme in (app, other):
            esme.expect_silence(0.1)


@case
def address_range_of_a_bind_routes_too():
    simulator = Configured()
    with Esme(simulator.port, system_id="one", address_range="^7"), \
            Esme(simulator.port, system_id="two", address_range="^8") as two:
        mo = {"source_addr": "4477", "destination_addr": "8000", "text": "hi"}
        equal(simulator.rest("POST", "/api/v1/smscs/smsc/mo", mo)["system_id"], "two")
        equal(two.read_delivered()[0].short_message, b"hi")


@case
def a_message_for_an_account_with_a_range_waits_until_it_binds():
    simulator = accounts({"address_range": "123*"}, {"system_id": "other"})
    mo = {"source_addr": "4477", "destination_addr": "12345", "text": "hi"}
    with Esme(simulator.port, system_id="other") as other:
        Esme(simulator.port).close()
        until(lambda: len(simulator.rest("GET", "/api/v1/sessions")) == 1, "the end of a session")
        equal(simulator.rest("POST", "/api/v1/smscs/smsc/mo", mo)["system_id"], "app")
        other.expect_silence(0.2)
    with Esme(simulator.port) as app:
        equal(app.read_delivered()[0].short_message, b"hi")


@case
def a_message_for_an_account_that_never_bound_goes_to_nobody_else():
    simulator = accounts({"address_range": "123*"}, {"system_id": "other"})
    mo = {"source_addr": "4477", "destination_addr": "12345", "text": "hi"}
    with Esme(simulator.port, system_id="other") as other:
        simulator.ask("POST", "/api/v1/smscs/smsc/mo", mo)
        other.expect_silence(0.2)


@case
def accounts_come_and_go_over_rest():
    simulator = accounts({})
    path = "/api/v1/smscs/smsc/accounts/new"
    refused(simulator, system_id="new")
    simulator.rest("PUT", path, {"system_id": "new", "password": "secret", "bind_modes": ["receiver"]})
    refused(simulator, system_id="new")
    with Esme(simulator.port, "receiver", system_id="new") as esme:
        listed = simulator.rest("GET", "/api/v1/smscs/smsc/accounts")
        equal([account["system_id"] for account in listed], ["app", "new"])
        equal([name for account in listed for name in account if "password" in name], [], "passwords shown")
        simulator.rest("DELETE", path)
        equal(esme.request("enquire_link").status, 0, "the session that is bound stays")
    refused(simulator, "receiver", system_id="new")


main()
