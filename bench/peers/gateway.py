"""What the scripts here have in common.

`smppkit-bench gateway` calls a script with the sink's address and an empty directory. The script starts a gateway
that takes bind_transceiver as `bench` with `secret` and sends everything to the sink. It says on standard output
`process PID` for each process that counts and then `listening on ADDRESS`, or `unavailable: WHY`, and ends what it
has started at SIGTERM.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time


def arguments():
    """The sink's port, and the directory."""
    return int(sys.argv[1].rpartition(":")[2]), sys.argv[2]


def unavailable(why):
    print(f"unavailable: {why}", flush=True)
    sys.exit(0)


def free_ports(count):
    """Ports that were free a moment ago: programs that take no port 0 have to do with them."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(port, seconds=60):
    """Until somebody listens there."""
    until = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


class Children:
    """Processes that end with the script."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.started = []

    def start(self, command, counts=True, **more):
        log = (self.folder / f"child-{len(self.started)}.log").open("w")
        # A group each: RabbitMQ's script starts what it does not end.
        more |= {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
        child = subprocess.Popen(command, cwd=self.folder, **more)
        self.started.append((child, counts))
        return child

    def serve(self, port):
        """Says that all is there, then waits to be ended."""
        for child, counts in self.started:
            if counts:
                print(f"process {child.pid}")
        print(f"listening on 127.0.0.1:{port}", flush=True)
        while True:
            signal.pause()

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        return self

    def __exit__(self, *_):
        for child, _counts in reversed(self.started):
            signal_group(child, signal.SIGTERM)
        # Whoever has started the script waits ten seconds for it.
        until = time.monotonic() + 7
        for child, _counts in reversed(self.started):
            try:
                child.wait(timeout=max(0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            signal_group(child, signal.SIGKILL)
            child.wait()


def signal_group(child, number):
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass
