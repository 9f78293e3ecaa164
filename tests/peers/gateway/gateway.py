"""`smppkit gateway` as a child process that can be killed and started again, and what stands behind it."""

import json
import os
import re
import tempfile
import urllib.parse
import urllib.request

from peer import PATIENCE, Child, equal, until
from sim import Configured, toml

APP = {"system_id": "app", "password": "secret"}
# Short, so that what is tried again is so within a test.
RETRY = {"first": "200ms", "longest": "1s", "busy": "100ms"}


class Gateway(Child):
    """A gateway to message centres on these ports, or with these settings of theirs."""

    def __init__(self, *connectors, accounts=(APP,), routes=None, mo_routes=({"to": "app"},), listen=0, **top):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "gateway.toml")
        settings = {
            "data": os.path.join(self.folder.name, "data"), "admin": {"listen": "127.0.0.1:0"}, "retry": RETRY,
            "tls_listen": ["127.0.0.1:0"],
        }
        connectors = [connector(each, number) for number, each in enumerate(connectors, 1)]
        routes = [{"to": [each["name"] for each in connectors]}] if routes is None else routes
        self.tables = settings | top
        self.lists = {"account": accounts, "connector": connectors, "route": routes, "mo_route": mo_routes}
        self.port = listen
        self.start()

    def start(self):
        """Starts it, again on the same port if it had one."""
        lines = [f"{name} = {toml(value)}" for name, value in self.tables.items()]
        lines.append(f"listen = {toml([f'127.0.0.1:{self.port}'])}")
        for name, items in self.lists.items():
            for item in items:
                lines += [f"[[{name}]]"] + [f"{key} = {toml(value)}" for key, value in item.items()]
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        super().__init__([os.environ["SMPPKIT"], "gateway", "--config", self.path])
        self.port, self.tls_port = (int(re.search(r":(\d+)", self.read_line())[1]) for _ in range(2))
        self.url = self.read_line().split()[-1]

    def kill(self):
        """As with kill -9."""
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill()
        self.start()

    def end(self):
        super().end()
        self.folder.cleanup()

    def rest(self, path, **query):
        """What its REST interface says."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return json.load(response)

    def binds(self):
        """How many binds it has to each message centre, by name."""
        return {each["name"]: each["binds"] for each in self.rest("connectors")}

    def wait_bound(self, count=1):
        """Waits until it has that many binds in all."""
        until(lambda: sum(self.binds().values()) == count, f"{count} binds to message centres")
        return self

    def message(self, message_id):
        """What it knows of a message that an ESME was told this id of."""
        return self.rest(f"messages/{message_id}")

    def check_conserved(self, open_messages=0):
        """Fails unless all that it took has ended, or is still there."""
        status = lambda: self.rest("status")["messages"]
        until(lambda: status()["open"] == open_messages, f"{open_messages} open messages: {status()}")
        assert status()["is_conserved"], f"it does not add up: {status()}"


def connector(given, number):
    """A connector with what these tests want of all."""
    given = {"address": f"127.0.0.1:{given}"} if isinstance(given, int) else given
    usual = {"name": f"up{number}", "system_id": "gateway", "password": "secret", "reconnect": "1s"}
    return usual | given


def to(port, **settings):
    """The settings of a connector to that port."""
    return {"address": f"127.0.0.1:{port}"} | settings


def behind(*rules, gateway=None, **smsc):
    """A simulator and a gateway before it, bound."""
    centre = Configured({"rule": [*rules, *OUTCOMES], "mo_numbers": ["12345"]} | smsc)
    gateway = dict(gateway or {})
    settings = gateway.pop("connector", {})
    binds = len(settings.get("bind_modes", ["transceiver"])) * settings.get("binds", 1)
    return centre, Gateway(to(centre.port, **settings), **gateway).wait_bound(binds)


def arrived(centre, count=None, **conditions):
    """The submit_sm that the simulator read, oldest first; waits for so many."""
    found = lambda: centre.pdus(command="submit_sm", direction="in", **conditions)
    if count is not None:
        until(lambda: len(found()) >= count, f"{count} submit_sm at the simulator, not {len(found())}")
        equal(len(found()), count, "number of submit_sm at the simulator")
    return found()


# What becomes of messages, by the digit that their destination ends with.
STATES = {"2": "DELIVERED", "3": "EXPIRED", "4": "DELETED", "5": "UNDELIVERABLE", "8": "REJECTED"}
WORDS = {"2": "DELIVRD", "3": "EXPIRED", "4": "DELETED", "5": "UNDELIV", "8": "REJECTD"}
ERRORS = {"2": 0, "3": 33, "4": 33, "5": 33, "8": 33}
OUTCOMES = [
    {"when": {"destination_addr": f"/^44.*{digit}$/"}, "then": {"state": state, "error_code": ERRORS[digit]}}
    for digit, state in STATES.items()
]
