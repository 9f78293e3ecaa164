"""Kannel as two child processes, and the web server that it calls."""

import http.server
import socket
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

from peer import Child, until

CORE = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = admin
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal
sms-resend-freq = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {boxes}
sendsms-port = {http}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = user
password = pass
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
accept-x-kannel-headers = true
get-url = "{sink}/mo?text=%b&from=%p&to=%P&coding=%c&charset=%C&udh=%u"
max-messages = 0
"""

# One for each connection to the simulator. They share a name, so that each knows the other's reports.
SMSC = """
group = smsc
smsc = smpp
smsc-id = simulator
host = 127.0.0.1
smsc-username = app
smsc-password = {password}
system-type = kannel
reconnect-delay = 1
{more}
"""

TRANSCEIVER = ("port = {port}\ntransceiver-mode = true\ninterface-version = 34",)
TWO_SESSIONS = ("port = {port}\ninterface-version = 34", "receive-port = {port}\ninterface-version = 34")


class Kannel:
    """A running bearerbox and smsbox, and what they were called back with."""

    def __init__(self, port, smsc=TRANSCEIVER, password="secret"):
        self.sink = Sink()
        self.sent = 0
        self.reserved = _reserved_ports(3)
        self.admin, boxes, self.http = (each.getsockname()[1] for each in self.reserved)
        config = CORE.format(
            admin=self.admin, boxes=boxes, http=self.http, sink=self.sink.url
        )
        for more in smsc:
            config += SMSC.format(password=password, more=more.format(port=port))
        self.file = tempfile.NamedTemporaryFile("w", suffix=".conf")
        self.file.write(config)
        self.file.flush()
        # It leaves files where it is started. Of its log, warnings and worse.
        self.bearerbox = Child(["bearerbox", "-v", "2", self.file.name], cwd=tempfile.gettempdir())
        until(lambda: self.status() is not None, "bearerbox")
        self.smsbox = Child(["smsbox", "-v", "2", self.file.name], cwd=tempfile.gettempdir())
        # A message that smsbox takes before it is connected to bearerbox makes it panic.
        until(lambda: "smsbox:" in self.status(), "smsbox")
        until(lambda: self._get(self.http, "/", {})[0] != 0, "smsbox's HTTP side")

    def status(self):
        """What bearerbox says of its connections; None while it is not there."""
        code, text = self._get(self.admin, "/status.txt", {"password": "admin"})
        return text if code == 200 else None

    def wait_online(self, count=1):
        """Waits until that many connections to the simulator are bound."""
        until(lambda: self.status().count("(online") == count, f"{count} bound connections")
        return self

    def send(self, text, to="447700900123", dlr_mask=31, **fields):
        """Sends a message; returns the name under which its reports come back."""
        self.sent += 1
        name = f"m{self.sent}"
        url = f"{self.sink.url}/dlr?name={name}&type=%d&id=%F&text=%A"
        fields = {"text": text, "to": to, "from": "1000", "dlr-mask": dlr_mask, "dlr-url": url} | fields
        fields |= {"username": "user", "password": "pass"}
        code, answer = self._get(self.http, "/cgi-bin/sendsms", fields)
        if code != 202:
            raise AssertionError(f"sendsms said {code} {answer}")
        return name

    def reports(self, name, count):
        """The delivery reports of a message, once there are so many."""
        found = lambda: [call for call in self.sink.of("/dlr") if call["name"] == name]
        until(lambda: len(found()) >= count, f"{count} delivery reports of {name}: {self.sink.calls}")
        return found()

    def received(self, count=1):
        """Takes so many mobile-originated messages, or waits for them."""
        until(lambda: len(self.sink.of("/mo")) >= count, f"{count} messages")
        messages = self.sink.of("/mo")
        self.sink.calls[:] = self.sink.of("/dlr")
        return messages

    def complaints(self):
        """What bearerbox finds wrong with what the simulator says."""
        return [line for line in self.bearerbox.read_log().splitlines() if "SMPP" in line]

    @staticmethod
    def _get(port, path, fields):
        """Status and text of an answer; status 0 and why if there is none."""
        query = urllib.parse.urlencode(fields, encoding="utf-8")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}?{query}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, repr(error)


class Sink:
    """A web server that says yes to everything and keeps what it was asked."""

    def __init__(self):
        calls = self.calls = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path, _, query = self.path.partition("?")
                # Octets of messages are not always text, so the values are Latin-1.
                fields = urllib.parse.parse_qs(query, keep_blank_values=True, encoding="latin-1")
                calls.append({"path": path} | {name: values[0] for name, values in fields.items()})
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            # Kannel reports of a hundred messages at once. A full queue drops connections, which the
            # system tries again after 1, 3, 7 and 15 s.
            request_queue_size = 512

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, path):
        return [call for call in self.calls if call["path"] == path]


def _reserved_ports(count):
    """Sockets with ports that the system picked. Kannel cannot take port 0, and may bind these while
    they are held, as it reuses addresses; nobody else can get them meanwhile."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.bind(("127.0.0.1", 0))
    return sockets
