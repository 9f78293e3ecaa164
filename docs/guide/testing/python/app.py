"""A login code service: a subscriber sends LOGIN to 12345 and gets a code. See docs/guide/testing.md."""

import secrets
import sys
import time

from smpplib import consts, gsm
from smpplib.client import Client

NUMBER = "12345"
WELCOME = "Welcome! 欢迎! Добро пожаловать! Your number is known to us now; send LOGIN whenever you need a code. 👋"
RETRY_AFTER_SECONDS = 0.2
THROTTLED = (consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RMSGQFUL)


class App:
    def __init__(self, host, port, system_id="app", password="secret"):
        self.client = Client(host, port, timeout=10)
        self.unanswered, self.known = {}, set()
        self.client.set_message_received_handler(self.receive)
        self.client.set_message_sent_handler(self.answered)
        self.client.connect()
        self.client.bind_transceiver(system_id=system_id, password=password)

    def receive(self, pdu):
        """deliver_sm: a receipt, or a message of a subscriber."""
        if pdu.esm_class & consts.SMPP_MSGTYPE_DELIVERYACK:
            return
        subscriber, text = pdu.source_addr.decode(), pdu.short_message.decode("ascii", "replace")
        if text.strip().upper() != "LOGIN":
            return
        self.send(subscriber, f"Your code is {secrets.randbelow(900_000) + 100_000}")
        if subscriber not in self.known:
            self.known.add(subscriber)
            self.send(subscriber, WELCOME)

    def send(self, to, text):
        """Sends a text in as many parts as it needs."""
        parts, data_coding, esm_class = gsm.make_parts(text)
        for part in parts:
            self.submit(to, part, data_coding, esm_class)

    def submit(self, to, part, data_coding, esm_class):
        pdu = self.client.send_message(
            source_addr=NUMBER, destination_addr=to, short_message=part, data_coding=data_coding,
            esm_class=esm_class, registered_delivery=1,
            source_addr_ton=consts.SMPP_TON_UNK, dest_addr_ton=consts.SMPP_TON_INTL,
            source_addr_npi=consts.SMPP_NPI_UNK, dest_addr_npi=consts.SMPP_NPI_ISDN,
        )
        self.unanswered[pdu.sequence] = (to, part, data_coding, esm_class)

    def answered(self, pdu):
        """submit_sm_resp: what was throttled is sent again."""
        message = self.unanswered.pop(pdu.sequence, None)
        if message and pdu.status in THROTTLED:
            time.sleep(RETRY_AFTER_SECONDS)
            self.submit(*message)

    def run(self):
        print("bound", flush=True)
        # smpplib raises what is refused unless it has a handler for it.
        self.client.set_error_pdu_handler(lambda pdu: None)
        while True:
            self.client.read_once()


if __name__ == "__main__":
    host, port = sys.argv[1].rsplit(":", 1)
    App(host, int(port)).run()
