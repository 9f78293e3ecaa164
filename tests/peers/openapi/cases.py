"""The simulator answers what its /openapi.json says, for every operation, and keeps others out."""

import functools
import logging
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

from peer import PATIENCE, Child, case, equal, main, until
from smpplib_esme import Esme

SETTINGS = Path(__file__).with_name("simulator.toml")
PASSWORDS = ("pa55w0rd", "0th3rpwd", "gu3stpwd")
# Its answer has no end, so it has cases of its own.
STREAM = "/api/v1/pdus/stream"
EXAMPLES, SEED = 40, 1
# What Schemathesis calls a failure of each check.
CHECKS = {
    "not_a_server_error": {"ServerError"},
    "status_code_conformance": {"UndefinedStatusCode"},
    "content_type_conformance": {"UndefinedContentType", "MissingContentType", "MalformedMediaType"},
    "response_headers_conformance": {"MissingHeaders", "JsonSchemaErrorInHeader"},
    "response_schema_conformance": {"JsonSchemaError", "MalformedJson"},
    "unsupported_method": {"UnsupportedMethodResponse"},
    "allow_header_conformance": {"AllowHeaderMismatch"},
}


class Simulator(Child):
    """A simulator of the suite's file, and its REST interface."""

    def __init__(self, *options, config=SETTINGS):
        super().__init__([os.environ["SMPPKIT"], "simulator", "--config", str(config), *options])
        self.ports = {}
        while not (line := self.read_line()).startswith("REST"):
            port, name = re.fullmatch(r"listening on \S+:(\d+) as (\S+)", line).groups()
            self.ports[name] = int(port)
        self.url = line.split()[-1]
        self.host = self.url.removeprefix("http://")

    def ask(self, method, path, body=None, **headers):
        """Status, headers and body of an answer; `body` may be octets, or what is sent as JSON."""
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body), {"Content-Type": "application/json"} | headers
        try:
            try:
                connection.request(method, path, body, headers)
            except BrokenPipeError:
                # It may have answered before it had the whole body.
                pass
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def json(self, method, path, body=None, status=200):
        got, _, text = self.ask(method, path, body)
        equal(got, status, f"status of {method} {path}: {text[:200]}")
        return json.loads(text) if text else None

    def problem(self, status, method, path, body=None, **headers):
        """Asks for what must fail; returns the problem document."""
        got, given, text = self.ask(method, path, body, **headers)
        equal((got, given["content-type"]), (status, "application/problem+json"), f"{method} {path}: {text[:200]}")
        problem = json.loads(text)
        equal(problem["status"], status, "status in the document")
        assert problem["title"] and problem["detail"] and problem["type"], problem
        return problem


# Schemathesis.


class Client(threading.Thread):
    """An ESME that stays bound and sends as long as it may, whatever rules it meets; others end its sessions."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.accepted, self.binds, self.stopping = port, 0, 0, threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.send()
            except Exception:
                # A session that was ended, a bind that a rule refused: it comes again.
                self.stopping.wait(0.1)

    def send(self):
        with Esme(self.port, system_id="app", password=PASSWORDS[0]) as esme:
            self.binds += 1
            # One that is asked to unbind goes, and comes again.
            while not self.stopping.is_set() and not esme.unbinds:
                esme.client.send_message(source_addr="12345", destination_addr="447700900123", registered_delivery=1)
                # A record of many PDUs would make each look at all of it slow.
                self.stopping.wait(0.05)
                esme.read_available(0)
                self.accepted += sum(not answer.status for answer in esme.answers.values())
                esme.answers.clear()


@functools.cache
def operations():
    """The operations that /openapi.json has."""
    simulator = Simulator()
    paths = simulator.json("GET", "/openapi.json")["paths"]
    simulator.end()
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


def once(function):
    """Runs it once, and gives everybody the same result, or the same failure."""
    results = []

    def run():
        if not results:
            try:
                results.append((function(), None))
            except Exception as error:
                results.append((None, error))
        result, error = results[0]
        if error:
            raise AssertionError(f"the run as a whole: {error}")
        return result

    return run


@once
def schemathesis():
    """One run over all operations: what it found, its text, and what was answered."""
    simulator = Simulator("--quiet")
    client = Client(simulator.ports["home"])
    client.start()
    with tempfile.TemporaryDirectory() as folder:
        report, answers = Path(folder, "report.json"), Path(folder, "answers.jsonl")
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{simulator.url}/openapi.json",
            "--checks", ",".join(CHECKS), "--exclude-path", STREAM, "--phases", "examples,coverage,fuzzing",
            "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--continue-on-failure", "--no-shrink",
            "--generation-database", "none", "--request-timeout", "5", "--no-color",
            "--report", "json", "--report-json-path", str(report),
        ]
        environment = os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "SMPPKIT_ANSWERS": str(answers)}
        ended = subprocess.run(command, env=environment, cwd=folder, capture_output=True, timeout=80)
        text = ended.stdout.decode()
        assert report.exists(), f"Schemathesis ended with {ended.returncode}: {text[-500:]} {ended.stderr.decode()[-500:]}"
        found = json.loads(report.read_text())
        answered = [json.loads(line) for line in answers.read_text().splitlines()]
    client.stopping.set()
    client.join()
    tested, requests = found["operations"]["tested"], found["test_cases"]["generated"]
    print(f"{tested} operations x {len(CHECKS)} checks, in {requests} requests; {client.binds} binds meanwhile", flush=True)
    return {"found": found, "text": text, "answered": answered, "client": client, "simulator": simulator}


@once
def looked_after():
    """Sends a message, once what came over REST is taken away: accounts that it may have changed, and rules."""
    simulator = schemathesis()["simulator"]
    simulator.json("POST", "/api/v1/reset", status=204)
    simulator.json("PUT", "/api/v1/smscs/home/accounts/app", {"system_id": "app", "password": PASSWORDS[0]})
    simulator.json("PATCH", "/api/v1/smscs/home", {"rule": [], "presets": [], "receipt_delay": "100ms"})
    with Esme(simulator.ports["home"], system_id="app", password=PASSWORDS[0]) as esme:
        message_id = esme.submit(registered_delivery=1, source="12345")
        until(lambda: any(message_id in text for text in receipts(esme)), "the receipt")
    return True


def receipts(esme):
    esme.read_available(0.05)
    return [pdu.short_message.decode("latin-1") for pdu in esme.delivered if pdu.esm_class == 4]


def conforms(operation):
    run = schemathesis()
    failures = [failure for failure in run["found"]["failures"] if operation in failure["operations"]]
    unknown = {failure["type"] for failure in failures} - set.union(*CHECKS.values())
    assert not unknown, f"failures of no known check: {unknown}"
    assert not failures, "; ".join(f"{failure['title']}: {shown(run['text'], operation, failure)}" for failure in failures)
    assert any(answer["operation"] == operation for answer in run["answered"]), "it was never asked"


def shown(text, operation, failure):
    """What Schemathesis shows of a failure: what is wrong, what was answered, how to ask again."""
    sections = re.split(r"^_+ ([A-Z]+ \S+) _+$", text, flags=re.M)
    section = sections[sections.index(operation) + 1] if operation in sections else ""
    _, _, after = section.partition(f"- {failure['code']} {failure['title']}")
    what = re.split(r"\n\s*\n", after.strip())[0]
    answer = re.search(r"^\[\d+\].*\n\n\s*(.*)", after, re.M)
    again = re.search(r"^\s*(curl .*)$", after, re.M)
    return " | ".join(part[:400] for part in (" ".join(what.split()), answer and answer[1], again and again[1]) if part)


def make_cases():
    for operation in operations():
        if operation == f"GET {STREAM}":
            continue
        run = lambda operation=operation: conforms(operation)
        run.__name__ = f"{operation} is answered as documented"
        case(run)


@case
def schemathesis_leaves_a_simulator_that_serves_smpp():
    # First, as the simulator of the run is ended with this case.
    assert looked_after()
    assert schemathesis()["client"].accepted > 20, f"{schemathesis()['client'].accepted} messages were accepted meanwhile"


@case
def schemathesis_asked_every_operation_and_most_were_answered_with_success_too():
    run = schemathesis()
    equal(run["found"]["errors"], [])
    equal(run["found"]["complete"], True, "complete")
    asked = {answer["operation"] for answer in run["answered"]}
    equal(asked, set(operations()) - {f"GET {STREAM}"}, "operations")
    successes = {answer["operation"] for answer in run["answered"] if answer["status"] < 300}
    # There is nothing to sign in with where everybody is let in; WebSockets are not asked for as such; and what is made
    # up is hardly ever a PDU, or the number of one.
    hard = {"POST /api/v1/session", "GET /api/v1/live", "GET /api/v1/client", "POST /api/v1/codec/encode", "GET /api/v1/pdus/{number}"}
    # Nobody listens for an outbind, and nobody broadcasts.
    hard |= {"POST /api/v1/smscs/{smsc}/outbind", "DELETE /api/v1/smscs/{smsc}/broadcasts/{message_id}"}
    equal(asked - successes - hard, set(), "operations without any success")


@case
def no_answer_to_schemathesis_has_a_password():
    leaks = {answer["operation"] for answer in schemathesis()["answered"] if answer["has_password"]}
    equal(leaks, set())


# The stream.


class Stream:
    """The PDUs' stream, read as a browser would."""

    def __init__(self, simulator, query=""):
        self.connection = http.client.HTTPConnection(simulator.host, timeout=PATIENCE)
        self.connection.request("GET", f"{STREAM}?{query}", headers={"Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()
        equal((self.answer.status, self.answer.headers["content-type"]), (200, "text/event-stream"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def events(self, count):
        """The next events: their ids, and their data as it was JSON."""
        events, event = [], {}
        while len(events) < count:
            line = self.answer.readline().decode().rstrip("\r\n")
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(":")
                event[name] = value.removeprefix(" ")
            elif event:
                events.append((int(event["id"]), json.loads(event["data"])))
                event = {}
        return events


@case
def the_stream_has_what_comes_next_in_order_from_its_answer_on():
    simulator = Simulator()
    # Often, as one that begins a moment after its answer misses something now and then only.
    for _ in range(20):
        with Stream(simulator) as stream, Esme(simulator.ports["home"], password=PASSWORDS[0]) as esme:
            esme.submit()
            events = stream.events(2)
            commands = [pdu["command"] for _, pdu in events]
            equal(commands, ["bind_transceiver", "bind_transceiver_resp"], "the first events")
            events += stream.events(2)
        ids = [number for number, _ in events]
        equal(ids, list(range(ids[0], ids[0] + 4)), "ids")
        assert PASSWORDS[0] not in json.dumps(events), "the password is in the stream"


@case
def the_stream_goes_on_after_the_last_one_seen():
    simulator = Simulator()
    with Esme(simulator.ports["home"], password=PASSWORDS[0]) as esme:
        with Stream(simulator, "after=0") as stream:
            last = stream.events(2)[-1][0]
        esme.submit(b"while nobody listens")
        with Stream(simulator, f"after={last}") as stream:
            (number, pdu), _ = stream.events(2)
            equal((number, pdu["command"]), (last + 1, "submit_sm"))


@case
def the_stream_has_only_what_was_asked_for():
    simulator = Simulator()
    query = urllib.parse.urlencode({"after": 0, "command": "submit_sm", "destination_addr": "4477*", "text": "!hello"})
    with Stream(simulator, query) as stream, Esme(simulator.ports["home"], password=PASSWORDS[0]) as esme:
        for text, destination in ((b"hello", "447700900123"), (b"bye", "491511234567"), (b"wanted", "447700900123")):
            esme.submit(text, destination=destination)
        (_, pdu), = stream.events(1)
        equal((pdu["command"], pdu["pdu"]["destination_addr"]), ("submit_sm", "447700900123"))
        assert "wanted" in json.dumps(pdu), pdu


@case
def the_stream_ends_when_the_simulator_does():
    simulator = Simulator()
    with Stream(simulator) as stream:
        simulator.terminate()
        equal(stream.answer.readline(), b"", "what comes")
    equal(simulator.wait(), 0, "exit code")


@case
def a_stream_of_what_is_no_field_is_refused():
    problem = Simulator().problem(400, "GET", f"{STREAM}?destinationaddr=1")
    equal(problem["parameter"], "destinationaddr")


# Who may ask.


@case
def a_host_that_is_not_this_machine_is_refused():
    simulator = Simulator()
    for host in ("evil.example", "evil.example:80", "localhost.evil.example", "10.0.0.1"):
        simulator.problem(421, "GET", "/api/v1/smscs", Host=host)
        simulator.problem(421, "POST", "/api/v1/reset", Host=host)
    for host in ("localhost", "127.0.0.1:1", "[::1]"):
        equal(simulator.ask("GET", "/api/v1/smscs", Host=host)[0], 200, host)


@case
def a_page_of_another_site_is_refused():
    simulator = Simulator()
    for header in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}):
        simulator.problem(403, "POST", "/api/v1/reset", **header)
        simulator.problem(403, "GET", "/api/v1/smscs", **header)
    equal(simulator.ask("GET", "/api/v1/smscs", Origin=simulator.url)[0], 200)


@case
def a_token_is_asked_for_where_one_is_set_but_not_by_probes():
    simulator = Simulator("--admin-token", "s3cret")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
        for path in ("/api/v1/smscs", "/openapi.json", "/metrics", "/nowhere"):
            simulator.problem(401, "GET", path, **headers)
    equal(simulator.ask("GET", "/api/v1/smscs")[1]["www-authenticate"], 'Bearer realm="admin"')
    equal(simulator.ask("GET", "/api/v1/smscs", Authorization="Bearer s3cret")[0], 200)
    for probe in ("/livez", "/readyz", "/startupz"):
        equal(simulator.ask("GET", probe)[0], 200, probe)


@case
def another_address_than_loopback_needs_a_token():
    command = [os.environ["SMPPKIT"], "simulator", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    equal(ended.returncode, 2, f"exit code, with {ended.stderr!r}")
    assert "token" in ended.stderr, ended.stderr
    equal(ended.stdout, "", "what it prints")


# What is refused.


@case
def a_body_that_is_too_long_is_a_413():
    simulator = Simulator()
    limit = 1 << 20
    for path, kind in (("/api/v1/smscs/home/mo", "application/json"), ("/api/v1/smscs/home/mo/file", "text/csv")):
        problem = simulator.problem(413, "POST", path, b"a" * (limit + 1), Content_Type=kind)
        equal(problem["limit_octets"], limit)
    rows = b"447700900123,12345,hello\n" * (limit // 25 - 1)
    equal(simulator.ask("POST", "/api/v1/smscs/home/mo/file", rows, Content_Type="text/csv")[0], 202)


@case
def unknown_paths_names_and_methods_are_problem_documents():
    simulator = Simulator()
    for path in ("/nowhere", "/api/v1", "/api/v1/nowhere", "/api/v1/smscs/nobody", "/api/v1/smscs/home/accounts/nobody"):
        method = "DELETE" if path.endswith("accounts/nobody") else "GET"
        simulator.problem(404, method, path)
    simulator.problem(404, "DELETE", "/api/v1/sessions/99")
    simulator.problem(404, "POST", "/api/v1/smscs/home/dialogues/none/run")
    for method, path, allowed in (
        ("DELETE", "/api/v1/smscs", "GET"), ("GET", "/api/v1/reset", "POST"), ("PUT", "/api/v1/smscs/home", "PATCH"),
        ("POST", "/metrics", "GET"), ("POST", "/openapi.json", "GET"), ("DELETE", "/livez", "GET"),
    ):
        simulator.problem(405, method, path)
        assert allowed in simulator.ask(method, path)[1]["allow"], f"Allow of {path}"


@case
def what_is_wrong_is_named():
    simulator = Simulator()
    for body, field in (
        ({"then": {"status": "ESME_RNOTHING"}}, "then.status"),
        ({"share": "half"}, "share"),
        ({"tehn": {}}, "tehn"),
        ({"when": {"destinationaddr": "1"}}, "when"),
    ):
        problem = simulator.problem(422, "POST", "/api/v1/smscs/home/rules", body)
        equal(problem.get("field"), field, f"field of {problem}")
    equal(simulator.json("GET", "/api/v1/smscs/home/rules")[0]["from"], "file", "where the first rule is from")


# What is never said.


@case
def no_answer_has_a_password():
    simulator = Simulator()
    account = {"system_id": "guest", "password": PASSWORDS[2]}
    with Esme(simulator.ports["home"], password=PASSWORDS[0]):
        answers = [
            simulator.ask("PUT", "/api/v1/smscs/home/accounts/guest", account),
            simulator.ask("PUT", "/api/v1/smscs/home/accounts/another", account),
            simulator.ask("PUT", "/api/v1/smscs/home/accounts/guest", account | {"password": f"{PASSWORDS[2]}-and-more"}),
            simulator.ask("PUT", "/api/v1/smscs/home/accounts/guest", account | {"password": [PASSWORDS[2]]}),
            simulator.ask("PATCH", "/api/v1/smscs/home", {"dialect": "uuid"}),
            simulator.ask("PATCH", "/api/v1/smscs/home", {"account": [account]}),
        ]
        paths = ("smscs", "smscs/home", "smscs/home/accounts", "sessions", "messages", "pdus", "pdus?password=*")
        answers += [simulator.ask("GET", f"/api/v1/{path}") for path in paths]
        # Nor is it found out by asking which binds match it.
        hits = simulator.ask("GET", f"/api/v1/pdus?password={PASSWORDS[0]}")
        answers += [simulator.ask("GET", "/metrics"), simulator.ask("GET", "/openapi.json")]
    for _, _, text in answers:
        for password in PASSWORDS:
            assert password not in text, f"{password} is in {text[:300]}"
    assert "bind_transceiver" not in hits[2], "GET /api/v1/pdus?password=... says which binds match it"
    for password in PASSWORDS:
        assert password not in simulator.read_log(), f"{password} is in the log"


@case
def an_account_changed_over_rest_binds_with_its_password_and_no_other():
    simulator = Simulator()
    account = {"system_id": "guest", "password": PASSWORDS[2]}
    simulator.json("PUT", "/api/v1/smscs/home/accounts/guest", account)
    Esme(simulator.ports["home"], system_id="guest", password=PASSWORDS[2]).close()
    simulator.json("PATCH", "/api/v1/smscs/home", {"dialect": "uuid"})
    Esme(simulator.ports["home"], system_id="guest", password=PASSWORDS[2]).close()
    try:
        Esme(simulator.ports["home"], system_id="guest", password="")
    except Exception as error:
        assert "Bind" in str(error) or error.args, error
    else:
        raise AssertionError("an empty password binds")


if __name__ == "__main__":
    # smpplib has a word for each session that was ended on it.
    logging.disable()
    make_cases()
    main()
