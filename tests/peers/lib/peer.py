"""What the Python suites share: the simulator as a child process, and counting what passed."""

import atexit
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback

# Longest wait for anything that is expected to happen; nothing waits that long when all is well.
PATIENCE = 30.0
# A whole suite, so that a hanging peer ends with a report.
SUITE_LIMIT_SECONDS = 300

_cases = []


def case(function):
    """Marks a function as a test; its name is what must hold."""
    _cases.append(function)
    return function


def main():
    """Runs all cases, or those with one of the arguments in their names, and ends the process."""
    for name in ("SMPPKIT", "PEERS"):
        if name not in os.environ:
            sys.exit(f"{name} is not set: run this through `./x test --only peers`")
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SUITE_LIMIT_SECONDS)
    # However it ends, nothing that it started is left.
    atexit.register(Child.end_all)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wanted, passed, failed = sys.argv[1:], 0, 0
    for function in _cases:
        if wanted and not any(part in function.__name__ for part in wanted):
            continue
        try:
            function()
            print(f"ok {function.__name__}", flush=True)
            passed += 1
        except Exception as error:
            # The line of the case itself: that is where a reader looks first.
            frames = traceback.extract_tb(error.__traceback__)
            line = next((frame.lineno for frame in frames if frame.name == function.__name__), 0)
            why = f"{type(error).__name__}: {error} (line {line})"
            print(f"not ok {function.__name__}: {why}", flush=True)
            failed += 1
        finally:
            Child.end_all()
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


def _too_long(_signal, _frame):
    raise TimeoutError(f"the suite took longer than {SUITE_LIMIT_SECONDS} s")


def equal(got, wanted, what=""):
    """Fails unless both are the same."""
    if got != wanted:
        raise AssertionError(f"{what or 'value'} is {got!r}, not {wanted!r}")


def until(condition, what, patience=PATIENCE):
    """Waits until a condition gives something true, and returns that."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise TimeoutError(f"waited {patience:.0f} s for {what}")


class Child:
    """A program started by a test. All are ended, by their own id, when the test is over."""

    _all = []

    def __init__(self, command, **options):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, bufsize=0, **options
        )
        Child._all.append(self)

    def read_line(self):
        """The next line that it prints."""
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if readable else ""
        if not line:
            raise AssertionError(f"{self.process.args[0]} said nothing; its log: {self.read_log()}")
        return line.strip()

    def read_log(self):
        """What it wrote to its standard error so far."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def terminate(self):
        """Sends SIGTERM and returns at once."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """Its exit code."""
        return self.process.wait(timeout=PATIENCE)

    def end(self):
        """Ends it, in whatever state it is."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    @classmethod
    def end_all(cls):
        while cls._all:
            cls._all.pop().end()


class Simulator(Child):
    """`smppkit simulator` on a free port of loopback. Ports are in the order of the listeners."""

    def __init__(self, *options, receipt_delay="200ms"):
        command = [os.environ["SMPPKIT"], "simulator", "--listen", "127.0.0.1:0"]
        super().__init__([*command, "--receipt-delay", receipt_delay, *options])
        line = self.read_line()
        if not line.startswith("listening on "):
            raise AssertionError(f"the simulator began with {line!r}")
        self.port = int(line.split()[2].rpartition(":")[2])
