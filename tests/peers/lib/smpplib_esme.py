"""An ESME made of python-smpplib's client, which leaves most of the reading to its user."""

import re
import select
import time

import smpplib.client
from smpplib import consts, smpp

from peer import PATIENCE, until


class Esme:
    """A bound client. Keeps what it is sent; answers what must be answered."""

    def __init__(self, port, mode="transceiver", system_id="app", password="secret", **fields):
        # Unknown TLVs end in an exception: the simulator must not send any to a 3.4 client.
        self.client = smpplib.client.Client(
            "127.0.0.1", port, timeout=PATIENCE, allow_unknown_opt_params=False
        )
        self.answers = {}
        self.delivered = []
        self.unbinds = 0
        self.enquiries = 0
        self.deliver_status = consts.SMPP_ESME_ROK
        # What it does with deliver_sm: answer, or keep silent.
        self.answers_deliveries = True
        self.client.connect()
        bind = getattr(self.client, f"bind_{mode}")
        try:
            self.bind_resp = bind(system_id=system_id, password=password, **fields)
        except Exception:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the connection without a word."""
        if self.client._socket is not None:
            self.client._socket.close()
            self.client._socket = None

    def request(self, command, **fields):
        """Sends a request and returns its response, whatever the status."""
        pdu = smpp.make_pdu(command, client=self.client, **fields)
        self.client.send_pdu(pdu)
        return self.answer(pdu)

    def answer(self, pdu):
        self.read_until(lambda: pdu.sequence in self.answers, f"the answer to {pdu.command}")
        return self.answers.pop(pdu.sequence)

    def submit(self, text=b"hello", source="1000", destination="447700900123", **fields):
        """submit_sm; returns the message_id."""
        response = self.submit_resp(text, source, destination, **fields)
        if response.status:
            raise AssertionError(f"submit_sm_resp has status {response.status:#x}")
        return response.message_id.decode()

    def submit_resp(self, text=b"hello", source="1000", destination="447700900123", **fields):
        """submit_sm; returns the whole response."""
        fields = {"source_addr_ton": 1, "source_addr_npi": 1, "dest_addr_ton": 1} | fields
        return self.request(
            "submit_sm",
            short_message=text,
            source_addr=source,
            destination_addr=destination,
            dest_addr_npi=1,
            **fields,
        )

    def state(self, message_id, source="1000"):
        """The message_state that query_sm gives."""
        return self.query(message_id, source).message_state

    def query(self, message_id, source="1000"):
        return self.request(
            "query_sm", message_id=message_id, source_addr_ton=1, source_addr_npi=1, source_addr=source
        )

    def read_delivered(self, count=1):
        """Waits for so many deliver_sm, and takes them."""
        self.read_until(lambda: len(self.delivered) >= count, f"{count} deliver_sm")
        taken, self.delivered = self.delivered[:count], self.delivered[count:]
        return taken

    def expect_silence(self, seconds):
        """Fails when a deliver_sm comes within that time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read_available(deadline - time.monotonic())
        if self.delivered:
            raise AssertionError(f"an unexpected deliver_sm: {self.delivered[0].short_message!r}")

    def read_until(self, condition, what):
        def look():
            if not condition():
                self.read_available(0.05)
            return condition()

        until(look, what)

    def read_available(self, patience):
        """Reads PDUs until none comes for that time."""
        while select.select([self.client._socket], [], [], max(patience, 0))[0]:
            self.take(self.client.read_pdu())
            patience = 0

    def take(self, pdu):
        if pdu.is_response():
            self.answers[pdu.sequence] = pdu
        elif pdu.command == "deliver_sm":
            self.delivered.append(pdu)
            if self.answers_deliveries:
                self.respond(pdu, self.deliver_status)
        elif pdu.command == "enquire_link":
            self.enquiries += 1
            self.respond(pdu)
        elif pdu.command == "unbind":
            self.unbinds += 1
        else:
            raise AssertionError(f"an unexpected {pdu.command}")

    def respond(self, pdu, status=consts.SMPP_ESME_ROK):
        response = smpp.make_pdu(pdu.command + "_resp", client=self.client, status=status)
        response.sequence = pdu.sequence
        self.client.send_pdu(response)

    def read_end(self):
        """Waits until the simulator closes the connection."""
        self.client._socket.settimeout(PATIENCE)
        octets = self.client._socket.recv(1)
        if octets:
            raise AssertionError("octets came where the connection should have ended")


# SMPP 3.4, Appendix B; here with an err of three and a text of at most 20 characters.
RECEIPT = re.compile(
    rb"id:(?P<id>\S{1,64}) sub:(?P<sub>\d{3}) dlvrd:(?P<dlvrd>\d{3}) "
    rb"submit date:(?P<submit>\d{10}) done date:(?P<done>\d{10}) "
    rb"stat:(?P<stat>[A-Z]{7}) err:(?P<err>\d{3}) [Tt]ext:(?P<text>.{0,20})",
    re.DOTALL,
)


def read_receipt(pdu):
    """The fields of a receipt's text, by name."""
    match = RECEIPT.fullmatch(pdu.short_message)
    if match is None:
        raise AssertionError(f"not the text of a receipt: {pdu.short_message!r}")
    return {name: value.decode() for name, value in match.groupdict().items()}
