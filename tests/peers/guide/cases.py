"""What docs/guide/testing.md shows is so: its two test suites pass, and its commands do what it says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from peer import Child, case, equal, main, until

GUIDE = Path(__file__).parents[3] / "docs/guide/testing.md"
EXAMPLE = GUIDE.with_suffix("")
LIMIT_SECONDS = 50
TEXT = GUIDE.read_text()
# The guide's ports are fixed, as a reader's are; a test must not need them.
SMPP_THERE, REST_THERE = "127.0.0.1:2775", "127.0.0.1:2780"


def blocks(kind):
    """The guide's blocks of code of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.M | re.S)


def block(kind, part):
    """The one that has something in it."""
    found, = [block for block in blocks(kind) if part in block]
    return found


def without_remarks(block):
    return "\n".join(re.sub(r"\s+#.*$", "", line) for line in block.splitlines())


def run(*command, **environment):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS)


class Simulator(Child):
    """`smppkit simulator` as a block of the guide starts it, with free ports in place of the guide's."""

    def __init__(self, command):
        words = command.replace(SMPP_THERE, "127.0.0.1:0").replace(REST_THERE, "127.0.0.1:0").split()
        equal(words[:2], ["smppkit", "simulator"], "how the command begins")
        super().__init__([os.environ["SMPPKIT"], *words[1:]], cwd=GUIDE.parents[2])
        self.lines = []
        while not self.lines or not self.lines[-1].startswith("console"):
            self.lines.append(self.read_line())
        self.smpp = self.lines[0].split()[2]
        self.rest = self.lines[-2].rpartition("http://")[2]

    def shell(self, block):
        """Runs a block of the guide against it; returns what each line's command printed."""
        script = f"url=http://{REST_THERE}/api/v1\n{without_remarks(block)}"
        script = re.sub(r"^(curl .*?[^\\])$", r"\1; echo", script, flags=re.M)
        script = re.sub(r"^(  -d .*)$", r"\1; echo", script, flags=re.M)
        ended = run("bash", "-euo", "pipefail", "-c", script.replace(REST_THERE, self.rest))
        equal(ended.returncode, 0, f"exit code: {ended.stderr}")
        return [json.loads(line) for line in ended.stdout.splitlines() if line.strip()]


class App(Child):
    """The application in Python, bound."""

    def __init__(self, smpp):
        super().__init__([sys.executable, str(EXAMPLE / "python/app.py"), smpp])
        equal(self.read_line(), "bound")


def by_flags():
    simulator = Simulator(block("sh", "--admin 127.0.0.1:2780"))
    return simulator, App(simulator.smpp)


@case
def the_tests_in_python_pass():
    ended = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "python"))
    equal(ended.returncode, 0, ended.stdout[-1500:])
    tests = (EXAMPLE / "python/test_app.py").read_text().count("\ndef test_")
    assert f"{tests} passed" in ended.stdout, ended.stdout


@case
def the_tests_in_node_pass():
    ended = run("node", "--test", str(EXAMPLE / "node"))
    equal(ended.returncode, 0, ended.stdout[-1500:])
    tests = len(re.findall(r"^test\(", (EXAMPLE / "node/app.test.js").read_text(), re.M))
    assert re.search(rf"pass {tests}$", ended.stdout, re.M), ended.stdout


@case
def the_applications_are_short():
    for path in ("python/app.py", "node/app.js"):
        lines = len((EXAMPLE / path).read_text().splitlines())
        assert lines < 80, f"{path} has {lines} lines"
    lines = len(TEXT.splitlines())
    assert lines < 250, f"the guide has {lines} lines"


@case
def the_example_s_file_starts_a_simulator_that_says_what_the_guide_shows():
    simulator = Simulator(blocks("sh")[0])
    shown = [re.sub(r":\d{5}\b", ":0", line) for line in block("text", "listening on").splitlines()]
    said = [re.sub(r":\d{4,5}\b", ":0", line) for line in simulator.lines]
    equal(said, shown, "lines")


@case
def each_line_of_curl_does_what_its_remark_says():
    simulator, _ = by_flags()
    smscs, sessions, sent, waited, messages, pdus = simulator.shell(block("sh", "curl -s $url/smscs  "))
    equal((smscs[0]["name"], smscs[0]["bound"]), ("smsc", 1))
    equal([session["system_id"] for session in sessions], ["app"])
    equal(sent, {"system_id": "app", "parts": 1})
    assert re.fullmatch(r"Your code is \d{6}", waited["items"][0]["text"]), waited
    equal({message["destination_addr"] for message in messages["items"]}, {"447700900123"})
    equal(pdus["items"][0]["command"], "submit_sm")


@case
def a_wait_that_fails_says_what_came_instead():
    simulator, _ = by_flags()
    simulator.shell(block("sh", "curl -s $url/smscs  ").replace("curl -s -X POST $url/reset", "true"))
    problem, = simulator.shell(block("sh", "Your+number+is"))
    equal((problem["status"], problem["matching"]), (409, 0))
    assert any("Your code is" in other for other in problem["others"]), problem


@case
def the_rule_throttles_one_message():
    simulator, _ = by_flags()
    added, rules = simulator.shell(block("sh", '"times": 1'))
    equal((added[0]["taken"], rules[0]["rule"]["then"]), (0, {"status": "ESME_RTHROTTLED"}))
    simulator.shell(block("sh", "curl -s $url/smscs  ").replace("curl -s -X POST $url/reset", "true"))
    counted = lambda: simulator.shell("curl -s $url/smscs/smsc/rules")[0][0]["taken"] == 1
    until(counted, "the rule to be taken")


@case
def each_thing_of_the_table_of_rules_is_taken():
    simulator, _ = by_flags()
    cells = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `{")]
    thens = [json.loads(then) for cell in cells for then in re.findall(r"`(\{.*?\})`(?=[, ])", cell)]
    fates = re.findall(r'`("\w+")`', " ".join(cells))
    thens += [{"connection": json.loads(fate)} for fate in fates]
    equal(len(thens), 11, "number of things")
    for then in thens:
        body = json.dumps({"on": "submit_sm", "then": then})
        added, = simulator.shell(f"curl -s -X POST $url/smscs/smsc/rules -H 'Content-Type: application/json' -d '{body}'")
        assert isinstance(added, list), f"{then}: {added}"


@case
def the_dialect_changes():
    simulator, _ = by_flags()
    changed, = simulator.shell(block("sh", "-X PATCH"))
    equal(changed["dialect"], "vonage")


@case
def the_same_seed_gives_the_same_ids():
    def ids():
        simulator, _ = by_flags()
        shown = simulator.shell(block("sh", "curl -s $url/smscs  "))
        simulator.end()
        return shown[3]["items"][0]["message_ids"]

    equal(ids(), ids())


@case
def what_the_guide_shows_of_files_is_in_them():
    dialogue, = blocks("toml")
    assert dialogue in (EXAMPLE / "simulator.toml").read_text(), "the dialogue is another"
    for python in blocks("python"):
        assert python in (EXAMPLE / "python/test_app.py").read_text(), "the test is another"
    for path in re.findall(r"\]\(([\w/.]+)\)", TEXT):
        assert (GUIDE.parent / path).exists(), f"there is no {path}"


@case
def what_is_installed_is_what_is_tested_with():
    ours = (GUIDE.parents[2] / "tests/peers/requirements.txt").read_text().split()
    for name in re.findall(r"[a-z]+==[\d.]+", TEXT):
        assert name in ours, f"{name} is not in requirements.txt"
    package = json.loads((GUIDE.parents[2] / "tests/peers/package.json").read_text())
    version, = re.findall(r"smpp@([\d.]+)", TEXT)
    equal(package["dependencies"]["smpp"], version)


main()
