"""Tests of app.py against `smppkit simulator`."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SMPPKIT = os.environ.get("SMPPKIT", "smppkit")


class Simulator:
    """`smppkit simulator` on free ports."""

    def __init__(self):
        command = [SMPPKIT, "simulator", "--config", str(HERE.parent / "simulator.toml")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.smpp = self.url = None
        while not self.url:
            line = self.process.stdout.readline()
            assert line, "the simulator did not start"
            if match := re.search(r"listening on (\S+)", line):
                self.smpp = match[1]
            elif match := re.search(r"http://\S+", line):
                self.url = match[0]

    def ask(self, method, path, body=None, **query):
        """Asks the REST interface; an answer that is a problem fails the test with what it says."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            pytest.fail(f"{method} {path}: {json.loads(error.read())}", pytrace=False)

    def wait(self, **conditions):
        """The messages that match, as soon as there are `count` of them."""
        return self.ask("GET", "messages/wait", **{"timeout": "5s"} | conditions)["items"]


@pytest.fixture(scope="session")
def running():
    simulator = Simulator()
    yield simulator
    simulator.process.terminate()
    simulator.process.wait(timeout=10)


@pytest.fixture
def smsc(running):
    """The simulator with nothing left of the test before, and an application bound to it."""
    running.ask("POST", "reset")
    app = subprocess.Popen([sys.executable, str(HERE / "app.py"), running.smpp], stdout=subprocess.PIPE, text=True)
    assert app.stdout.readline().strip() == "bound"
    yield running
    app.kill()
    app.wait()


def login(smsc, subscriber="447700900123"):
    smsc.ask("POST", "smscs/smsc/mo", {"source_addr": subscriber, "destination_addr": "12345", "text": "login"})


def test_a_code_is_sent_and_delivered(smsc):
    login(smsc)
    code, = smsc.wait(text="Your code is*", message_state="DELIVERED")
    assert re.fullmatch(r"Your code is \d{6}", code["text"])
    assert (code["source_addr"], code["destination_addr"]) == ("12345", "447700900123")


def test_the_dialogue_goes_as_it_should(smsc):
    outcome = smsc.ask("POST", "smscs/smsc/dialogues/login/run")
    assert [said["by"] for said in outcome["said"]] == ["subscriber", "application"]


def test_the_welcome_arrives_whole(smsc):
    login(smsc)
    welcome, = smsc.wait(text="Welcome*")
    assert welcome["text"].endswith("👋") and "欢迎" in welcome["text"]
    assert (welcome["parts"], welcome["data_coding"]) == (2, 8)


def test_a_throttled_code_is_sent_again(smsc):
    rule = {"on": "submit_sm", "times": 1, "then": {"status": "ESME_RTHROTTLED"}}
    smsc.ask("POST", "smscs/smsc/rules", rule)
    login(smsc)
    smsc.wait(text="Your code is*")
    assert smsc.ask("GET", "smscs/smsc/rules")[0]["taken"] == 1


def test_other_texts_are_not_answered(smsc):
    mo = {"source_addr": "447700900123", "destination_addr": "12345", "text": "hello"}
    smsc.ask("POST", "smscs/smsc/mo", mo)
    smsc.wait(count=0, timeout="300ms")
