"""The simulator under way: mobile-originated messages, dialogues, rules and sessions over REST, other settings."""

import signal
import tempfile
import threading
import time

from smpplib import exceptions

from peer import case, equal, main, until
from sim import Configured, Flagged, Wire, header, pdu, settings, RMSGQFUL, ROK, RTHROTTLED
from smpplib_esme import Esme, read_receipt

SMSC = "/api/v1/smscs/smsc"
MO = {"source_addr": "447700900123", "destination_addr": "12345"}
REFUSE = {"then": {"status": "ESME_RTHROTTLED"}}


# Mobile-originated messages.


@case
def a_short_text_comes_in_one_deliver_sm():
    simulator = Configured()
    with Esme(simulator.port) as esme:
        equal(simulator.rest("POST", SMSC + "/mo", MO | {"text": "Hello €"}), {"system_id": "app", "parts": 1})
        message, = esme.read_delivered()
        equal((message.short_message, message.data_coding, message.esm_class), (b"Hello \x1be", 0, 0))
        equal((message.source_addr, message.destination_addr), (b"447700900123", b"12345"))
        equal((message.source_addr_ton, message.source_addr_npi), (1, 1), "an international number")
    found = simulator.pdus(command="deliver_sm", direction="out")
    equal([(item["pdu"]["destination_addr"], item["text"]) for item in found], [("12345", "Hello €")])
    answers = lambda: simulator.pdus(command="deliver_sm_resp", direction="in")
    until(answers, "deliver_sm_resp in the record")


@case
def a_long_text_comes_in_parts():
    text = "0123456789" * 35
    simulator = Configured()
    with Esme(simulator.port) as esme:
        equal(simulator.rest("POST", SMSC + "/mo", MO | {"text": text})["parts"], 3)
        parts = esme.read_delivered(3)
        equal([part.esm_class for part in parts], [0x40] * 3)
        equal([(part.short_message[:3], part.short_message[4:6]) for part in parts],
              [(b"\5\0\3", bytes([3, at])) for at in (1, 2, 3)])
        equal(len({part.short_message[3] for part in parts}), 1, "references")
        equal(b"".join(part.short_message[6:] for part in parts).decode(), text)


@case
def a_unicode_text_comes_as_ucs2_in_one_and_in_parts():
    simulator = Configured()
    with Esme(simulator.port) as esme:
        for text, count in (("Привет 👋", 1), ("ж" * 150, 3)):
            simulator.rest("POST", SMSC + "/mo", MO | {"text": text})
            parts = esme.read_delivered(count)
            equal({part.data_coding for part in parts}, {8})
            skip = 6 if count > 1 else 0
            equal("".join(part.short_message[skip:].decode("utf-16-be") for part in parts), text)


@case
def a_whole_pdu_comes_as_it_was_given():
    simulator = Configured()
    with Esme(simulator.port) as esme:
        fields = {
            "service_type": "USSD", "source_addr_ton": 5, "source_addr": "Bank", "destination_addr": "777",
            "protocol_id": 65, "priority_flag": 2, "data_coding": 4, "esm_class": 0, "short_message": "00ff10",
            "tlvs": [{"name": "user_message_reference", "value": 4711}],
        }
        simulator.rest("POST", SMSC + "/mo", {"pdu": fields})
        message, = esme.read_delivered()
        equal((message.service_type, message.source_addr, message.source_addr_ton), (b"USSD", b"Bank", 5))
        equal((message.protocol_id, message.priority_flag, message.data_coding), (65, 2, 4))
        equal((message.short_message, message.user_message_reference), (b"\x00\xff\x10", 4711))


@case
def what_cannot_be_sent_is_refused_with_the_reason():
    simulator = Configured()
    status, problem = simulator.ask("POST", SMSC + "/mo", MO | {"text": "hi"})
    equal((status, "nobody is bound" in problem["detail"]), (409, True), problem)
    with Esme(simulator.port) as esme:
        for body, said in (
            ({"pdu": {"source_adr": "1"}}, "source_addr"), ({"pdu": {"command": "submit_sm"}}, "deliver_sm"),
            (MO | {"destination_addr": "1" * 21}, "destination_addr"), (MO | {"txt": "hi"}, "txt"),
        ):
            status, problem = simulator.ask("POST", SMSC + "/mo", body)
            equal((status, said in problem["detail"]), (422, True), problem)
        equal(simulator.ask("POST", "/api/v1/smscs/none/mo", MO)[0], 404)
        esme.expect_silence(0.1)


@case
def a_transmitter_gets_no_mobile_originated_message():
    simulator = Configured()
    with Esme(simulator.port, "transmitter"):
        equal(simulator.ask("POST", SMSC + "/mo", MO | {"text": "hi"})[0], 409)


@case
def lines_are_sent_at_their_rate():
    simulator = Configured()
    lines = "# comment\n" + "".join(f'4477{at},12345,"Text {at}, ""quoted"""\n' for at in range(6))
    with Esme(simulator.port) as esme:
        began = time.monotonic()
        equal(simulator.rest("POST", SMSC + "/mo/file?rate=10", lines), {"messages": 6})
        messages = esme.read_delivered(6)
        took = time.monotonic() - began
        assert 0.45 < took < 2, f"6 at 10 a second took {took:.2f} s"
        equal([message.source_addr for message in messages], [b"4477%d" % at for at in range(6)])
        equal(messages[3].short_message, b'Text 3, "quoted"')
    status, problem = simulator.ask("POST", SMSC + "/mo/file", "1,2,ok\n1,2\n")
    equal((status, "line 2" in problem["detail"]), (422, True), problem)
    equal(simulator.ask("POST", SMSC + "/mo/file?rate=0", "1,2,x")[0], 422)


@case
def a_file_is_sent_by_a_flag_once_somebody_is_bound():
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("".join(f"4477{at},12345,Text {at}\n" for at in range(5)))
        file.flush()
        simulator = Flagged("--mo-csv", file.name, "--mo-rate", "10")
        # However long they wait for somebody, they do not come all at once then.
        time.sleep(0.6)
        with Esme(simulator.port) as esme:
            messages = [esme.read_delivered()[0]]
            began = time.monotonic()
            messages += esme.read_delivered(4)
            took = time.monotonic() - began
            equal([message.source_addr for message in messages], [b"4477%d" % at for at in range(5)])
            assert 0.35 < took < 1.5, f"4 more at 10 a second took {took:.2f} s"
            equal(messages[4].short_message, b"Text 4")


@case
def a_file_of_the_settings_is_sent_to_its_account_again_and_again():
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("1,12345,a\n2,12345,b\n")
        file.flush()
        mo_file = [{"path": file.name, "system_id": "app", "rate": 20, "repeat": True}]
        simulator = Configured({"mo_file": mo_file})
        with Esme(simulator.port, system_id="other") as other, Esme(simulator.port) as esme:
            equal([message.short_message for message in esme.read_delivered(4)], [b"a", b"b", b"a", b"b"])
            other.expect_silence(0.1)


@case
def loopback_sends_every_message_back():
    with Esme(Configured({"loopback": True}).port) as esme:
        esme.submit("€ 世".encode("utf-16-be"), destination="4477", data_coding=8)
        message, = esme.read_delivered()
        equal((message.short_message.decode("utf-16-be"), message.data_coding), ("€ 世", 8))
        equal((message.source_addr, message.destination_addr), (b"1000", b"4477"))


@case
def mo_numbers_come_back_and_others_do_not():
    with Esme(Configured({"mo_numbers": ["12345", "777"]}).port) as esme:
        for destination in ("12345", "1234", "777"):
            esme.submit(destination=destination)
        equal([message.destination_addr for message in esme.read_delivered(2)], [b"12345", b"777"])
        esme.expect_silence(0.3)


# Dialogues.


DIALOGUE = {
    "name": "login", "subscriber": "447700900123", "application": "12345",
    "step": [
        {"send": "LOGIN"}, {"expect": "/code is [0-9]{4}/i", "within": "2s"}, {"send": "thanks", "after": "100ms"},
        {"expect": "bye*", "within": "500ms"},
    ],
}


def speaks(simulator, esme, answers):
    """Runs the dialogue while smpplib answers what it is told; status and outcome."""
    came = {}
    run = threading.Thread(
        target=lambda: came.update(zip(("status", "body"), simulator.ask("POST", SMSC + "/dialogues/login/run")))
    )
    run.start()
    heard = []
    while run.is_alive():
        esme.read_available(0.05)
        while esme.delivered:
            message = esme.delivered.pop(0)
            heard.append(message.short_message)
            answer = answers.get(message.short_message)
            if answer:
                esme.submit(answer, source=message.destination_addr.decode(), destination=message.source_addr.decode())
    run.join()
    return came["status"], came["body"], heard


@case
def a_dialogue_passes():
    simulator = Configured({"dialogue": [DIALOGUE]})
    with Esme(simulator.port) as esme:
        answers = {b"LOGIN": b"Your code is 4711", b"thanks": b"bye bye"}
        status, outcome, heard = speaks(simulator, esme, answers)
        equal((status, outcome["passed"]), (200, True), outcome)
        equal(heard, [b"LOGIN", b"thanks"])
        equal([(said["by"], said["text"]) for said in outcome["said"]],
              [("subscriber", "LOGIN"), ("application", "Your code is 4711"), ("subscriber", "thanks"),
               ("application", "bye bye")])
        equal([dialogue["name"] for dialogue in simulator.rest("GET", SMSC + "/dialogues")], ["login"])
        # Once more: the answers of before are not taken for those of now.
        status, problem, _ = speaks(simulator, esme, {})
        equal(status, 409, problem)


@case
def a_dialogue_fails_at_its_step():
    simulator = Configured({"dialogue": [DIALOGUE]})
    with Esme(simulator.port) as esme:
        for answers, step, why in (
            ({b"LOGIN": b"who are you?"}, "step 2", "who are you?"),
            ({b"LOGIN": b"the code is 1234"}, "step 4", "sent nothing"),
        ):
            status, problem, _ = speaks(simulator, esme, answers)
            equal((status, problem["dialogue"]), (409, "login"))
            assert step in problem["detail"] and why in problem["detail"], problem
    equal(simulator.ask("POST", SMSC + "/dialogues/none/run")[0], 404)


# Rules over REST.


@case
def rules_are_added_counted_taken_away_and_cleared():
    simulator = Configured({"rule": [{"name": "of the file", "when": {"destination_addr": "1"}} | REFUSE]})
    rules = SMSC + "/rules"
    with Esme(simulator.port) as esme:
        submitted = lambda: [esme.submit_resp(destination=to).status for to in "12"]
        equal(submitted(), [RTHROTTLED, ROK])
        full = {"name": "full", "then": {"status": "ESME_RMSGQFUL"}}
        listed = simulator.rest("POST", rules, full)
        equal([(rule["rule"]["name"], rule["from"], rule["taken"]) for rule in listed],
              [("full", "rest", 0), ("of the file", "file", 1)])
        equal(submitted(), [RMSGQFUL] * 2)
        simulator.rest("POST", rules, {"name": "first", "when": {"destination_addr": "2"}, "then": {}})
        equal(submitted(), [RMSGQFUL, ROK])
        listed = simulator.rest("GET", rules)
        equal([(rule["place"], rule["rule"]["name"], rule["held"], rule["taken"]) for rule in listed],
              [(0, "first", 1, 1), (1, "full", 3, 3), (2, "of the file", 1, 1)])
        equal(simulator.ask("DELETE", rules + "/2")[0], 404, "status for a rule of the file")
        simulator.rest("DELETE", rules + "/0")
        equal(submitted(), [RMSGQFUL] * 2)
        simulator.rest("PUT", rules, [{"when": {"destination_addr": "2"}} | REFUSE])
        equal(submitted(), [RTHROTTLED] * 2)
        listed = simulator.rest("DELETE", rules)
        equal([rule["rule"]["name"] for rule in listed], ["of the file"])
        equal(submitted(), [RTHROTTLED, ROK])


@case
def wrong_rules_are_refused_and_change_nothing():
    simulator = Configured()
    for rule, said in (
        ({"then": {"status": "ESME_RNOTHING"}}, "ESME_RNOTHING"),
        ({"when": {"destination": "1"}, "then": {}}, "destination"),
        ({"on": "submit", "then": {}}, "submit"), ({"then": {"script": "fn decide(pdu) {"}}, "script"),
        ({"then": {"dialect": "klingon"}}, "klingon"), ({"share": "101%", "then": {}}, "101%"),
        ({"then": {"state": "GONE"}}, "GONE"), ({"then": {"error_code": 1000}}, "999"),
        ({"when": {"destination_addr": "/(/"}, "then": {}}, "/(/"), ({"then": {"octets": "xyz"}}, "octets"),
        ({"then": {"answer_after": "5s..1s"}}, "5s..1s"), ({"than": {}}, "than"),
    ):
        status, problem = simulator.ask("POST", SMSC + "/rules", rule)
        equal((status, said in problem["detail"]), (422, True), problem)
    equal(simulator.rest("GET", SMSC + "/rules"), [])


# Sessions.


def listed(simulator):
    return simulator.rest("GET", "/api/v1/sessions")


@case
def sessions_are_listed_with_what_they_are():
    simulator = Configured()
    with Esme(simulator.port, "transmitter") as esme, Wire(simulator.port, b"other", version=0x50):
        esme.submit()
        one, two = listed(simulator)
        equal([one[name] for name in ("system_id", "bind_mode", "interface_version", "smsc")],
              ["app", "transmitter", "3.4", "smsc"])
        equal((one["pdus_in"], one["pdus_out"]), (2, 2))
        equal([two[name] for name in ("system_id", "bind_mode", "interface_version")], ["other", "transceiver", "5.0"])
    until(lambda: not listed(simulator), "the end of all sessions")


@case
def a_session_is_ended_by_unbind():
    simulator = Configured()
    with Esme(simulator.port) as esme:
        path = f"/api/v1/sessions/{listed(simulator)[0]['id']}"
        simulator.rest("DELETE", path)
        esme.read_until(lambda: esme.unbinds, "unbind")
        esme.client._socket.sendall(pdu(0x80000006, 1))
        esme.read_end()
        until(lambda: not listed(simulator), "the end of the session")
    equal(simulator.ask("DELETE", path)[0], 404)


@case
def a_session_is_closed_reset_or_left_hanging():
    simulator = Configured()
    for how, end in (("close", "end"), ("reset", "reset"), ("hang", "silence")):
        with Wire(simulator.port) as wire, Wire(simulator.port, b"other") as other:
            ids = {session["system_id"]: session["id"] for session in listed(simulator)}
            simulator.rest("DELETE", f"/api/v1/sessions/{ids['app']}?how={how}")
            if how == "hang":
                time.sleep(0.05)
                wire.enquire()
            equal(wire.read_fate(0.5 if how == "hang" else 5), end, how)
            other.enquire()
            equal(header(other.read_pdu())[1], 0x80000015, "the other session")
    equal(simulator.ask("DELETE", "/api/v1/sessions/1?how=gently")[0], 400)


# Settings under way.


@case
def reset_forgets_messages_record_and_rules_and_keeps_sessions():
    simulator = Configured({"rule": [{"every": 2} | REFUSE]})
    with Esme(simulator.port) as esme:
        equal([esme.submit_resp().status for _ in range(3)], [RTHROTTLED, ROK, RTHROTTLED])
        message_id = esme.submit()
        simulator.rest("POST", SMSC + "/rules", REFUSE)
        simulator.rest("POST", "/api/v1/reset")
        equal((simulator.messages(), simulator.pdus()), ([], []))
        rule, = simulator.rest("GET", SMSC + "/rules")
        equal((rule["from"], rule["held"]), ("file", 0))
        equal(esme.query(message_id).status, 0x0C, "status for a forgotten message")
        equal([esme.submit_resp().status for _ in range(2)], [RTHROTTLED, ROK], "rules that begin anew")


@case
def patch_changes_settings_while_sessions_go_on():
    simulator = Configured()
    with Esme(simulator.port) as esme:
        changed = simulator.rest("PATCH", SMSC, {
            "dialect": "hex-to-decimal", "receipt_delay": "0ms", "loopback": True, "presets": ["throttling"],
        })
        equal((changed["dialect"], changed["loopback"]), ("hex-to-decimal", True))
        message_id = esme.submit(registered_delivery=1)
        came = esme.read_delivered(2)
        receipt, = (message for message in came if message.esm_class == 4)
        equal(int(read_receipt(receipt)["id"]), int(message_id, 16))
        equal(esme.submit_resp().status, RTHROTTLED, "status by a preset")
    for body, said in (
        ({"listen": ["127.0.0.1:1"]}, "listen"), ({"dialect": "klingon"}, "klingon"), ({"presets": ["x"]}, "x"),
        ({"receipt_delay": "soon"}, "soon"), ({"colour": "red"}, "colour"),
    ):
        status, problem = simulator.ask("PATCH", SMSC, body)
        equal((status, said in problem["detail"]), (422, True), problem)
    equal(simulator.rest("GET", SMSC)["dialect"], "hex-to-decimal")


@case
def a_change_of_the_file_is_read_and_sessions_go_on():
    simulator = Configured()
    with Esme(simulator.port) as esme:
        equal(esme.submit_resp().status, ROK)
        simulator.write(settings({"rule": [REFUSE]}, seed=42))
        until(lambda: esme.submit_resp().status == RTHROTTLED, "the new rule")
        simulator.write(settings({"rule": []}, seed=42))
        until(lambda: esme.submit_resp().status == ROK, "the end of the rule")


@case
def a_change_right_after_the_start_is_not_missed():
    for _ in range(6):
        simulator = Configured({"rule": [REFUSE]})
        simulator.write(settings({"rule": []}, seed=42))
        with Esme(simulator.port) as esme:
            until(lambda: esme.submit_resp().status == ROK, "the file as it is now", 2)


@case
def sighup_right_after_the_start_does_not_end_the_simulator():
    for _ in range(6):
        simulator = Configured()
        simulator.process.send_signal(signal.SIGHUP)
        with Esme(simulator.port) as esme:
            esme.submit()
        until(lambda: "read again" in simulator.read_log(), "a line about it", 2)


@case
def sighup_reads_the_file_again():
    simulator = Configured({"rule": [REFUSE]})
    with Esme(simulator.port) as esme:
        simulator.process.send_signal(signal.SIGHUP)
        until(lambda: "read again" in simulator.read_log(), "a line about it")
        equal(esme.submit_resp().status, RTHROTTLED)
        rules = [{"then": {"status": "ESME_RMSGQFUL"}}]
        simulator.write(settings({"rule": rules}, seed=42))
        simulator.process.send_signal(signal.SIGHUP)
        until(lambda: esme.submit_resp().status == RMSGQFUL, "the new rule")


@case
def rules_that_stay_in_the_file_keep_their_counts_and_those_over_rest_stay():
    every = {"every": 3} | REFUSE
    simulator = Configured({"rule": [every]})
    with Esme(simulator.port) as esme:
        equal([esme.submit_resp(destination="1").status for _ in range(2)], [RTHROTTLED, ROK])
        rest = {"when": {"destination_addr": "9"}, "then": {"status": "ESME_RMSGQFUL"}}
        simulator.rest("POST", SMSC + "/rules", rest)
        simulator.write(settings({"rule": [{"when": {"destination_addr": "2"}, "then": {}}, every]}, seed=42))
        until(lambda: len(simulator.rest("GET", SMSC + "/rules")) == 3, "the new rule")
        equal([esme.submit_resp(destination=to).status for to in "2191"], [ROK, ROK, RMSGQFUL, RTHROTTLED])


@case
def a_bad_file_changes_nothing_and_line_and_column_are_logged():
    simulator = Configured({"rule": [REFUSE]})
    with Esme(simulator.port) as esme:
        for text, where, said in (
            ('seed = 1\n[[smsc]]\nlisten = ["127.0.0.1:0"]\ncolour = "red"\n', ":4:1", "colour"),
            ('[[smsc]]\nlisten = ["127.0.0.1:0"]\nrule = [{ then = { status = "ESME_RNOT" } }]\n', ":3:", "ESME_RNOT"),
            ("[[smsc]\n", ":1:", ""),
        ):
            before = len(simulator.read_log())
            simulator.write(text)
            log = lambda: simulator.read_log()[before:]
            until(lambda: "stay as they were" in log(), "a line about it")
            assert simulator.path + where in log() and said in log(), log()
            equal(esme.submit_resp().status, RTHROTTLED)
        simulator.write(settings({"rule": []}, seed=42))
        until(lambda: esme.submit_resp().status == ROK, "the good file")


@case
def what_needs_a_restart_is_refused_and_the_rest_is_as_before():
    simulator = Configured({"rule": [REFUSE]})
    with Esme(simulator.port) as esme:
        simulator.write(settings({"rule": []}, {"name": "second"}, seed=42))
        until(lambda: "needs a restart" in simulator.read_log(), "a line about it")
        equal(esme.submit_resp().status, RTHROTTLED)


@case
def several_smscs_have_names_dialects_rules_and_accounts_of_their_own():
    simulator = Configured(
        {"name": "home", "system_id": "HOME", "rule": [{"when": {"destination_addr": "1"}} | REFUSE]},
        {"name": "partner", "system_id": "PARTNER", "dialect": "hex-to-decimal", "version": "3.4",
         "account": [{"system_id": "them", "password": "secret"}], "loopback": True},
    )
    home_port, partner_port = simulator.ports
    with Esme(home_port) as home, Esme(partner_port, system_id="them") as partner:
        equal((home.bind_resp.system_id, partner.bind_resp.system_id), (b"HOME", b"PARTNER"))
        equal(home.submit_resp(destination="1").status, RTHROTTLED)
        hexadecimal = partner.submit(destination="1", registered_delivery=1)
        one, two = sorted(partner.read_delivered(2), key=lambda message: message.esm_class)
        equal((one.esm_class, int(read_receipt(two)["id"])), (0, int(hexadecimal, 16)))
        usual = home.submit(destination="2", registered_delivery=1)
        equal(read_receipt(home.read_delivered()[0])["id"], usual)
        simulator.rest("POST", "/api/v1/smscs/partner/rules", REFUSE)
        equal((home.submit_resp().status, partner.submit_resp().status), (ROK, RTHROTTLED))
        names = {smsc["name"]: (smsc["bound"], smsc["addresses"]) for smsc in simulator.rest("GET", "/api/v1/smscs")}
        equal(names, {"home": (1, [f"127.0.0.1:{home_port}"]), "partner": (1, [f"127.0.0.1:{partner_port}"])})
        equal({item["smsc"] for item in simulator.pdus(command="submit_sm")}, {"home", "partner"})
        home.expect_silence(0.2)
    try:
        Esme(partner_port)
    except exceptions.PDUError as error:
        equal(error.args[1], 0x0D)
    else:
        raise AssertionError("an account of nobody was bound")


@case
def a_token_is_asked_for():
    for simulator in (
        Configured(admin={"token": "a-long-enough-secret-token"}),
        Flagged("--admin-token", "a-long-enough-secret-token"),
    ):
        simulator.token = None
        for token, wanted in ((None, 401), ("a-long-enough-secret-tokem", 401), ("a-long-enough-secret-token", 200)):
            equal(simulator.ask("GET", "/api/v1/sessions", token=token)[0], wanted, f"status with {token}")
        equal(simulator.ask("POST", "/api/v1/reset")[0], 401)
        equal(simulator.ask("POST", "/api/v1/reset", token="a-long-enough-secret-token")[0], 204)


main()
