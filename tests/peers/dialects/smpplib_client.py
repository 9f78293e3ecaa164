"""smpplib as the client: does what the tasks say, and returns what it saw."""

import time
from concurrent.futures import ThreadPoolExecutor

from peer import PATIENCE
from smpplib_esme import Esme

NAMED = ("receipted_message_id", "message_state", "user_message_reference", "network_error_code")


class Watching(Esme):
    """Keeps what comes in one list, in its order; smpplib knows no TLVs of vendors, and skips them here."""

    def __init__(self, port):
        self.events, self.asked = [], {}
        super().__init__(port)
        self.client.allow_unknown_opt_params = True

    def take(self, pdu):
        now = {"at": int(time.time() * 1000)}
        if pdu.command == "submit_sm_resp":
            label, now["sent"] = self.asked[pdu.sequence]
            message_id = (pdu.message_id or b"").decode()
            self.events.append(
                now | {"kind": "response", "label": label, "status": pdu.status, "message_id": message_id}
            )
        elif pdu.command in ("deliver_sm", "data_sm"):
            self.events.append(now | {"kind": "receipt", "command": pdu.command} | seen(pdu))
            self.respond(pdu)
        else:
            super().take(pdu)

    def count(self, kind):
        return sum(event["kind"] == kind for event in self.events)


def run(task):
    with Watching(task["port"]) as esme:
        for message in task["messages"]:
            sent = int(time.time() * 1000)
            pdu = esme.client.send_message(
                source_addr="1000", source_addr_ton=1, source_addr_npi=1,
                dest_addr_ton=1, dest_addr_npi=1, destination_addr=message["destination"],
                esm_class=message["esm_class"], registered_delivery=message["registered_delivery"],
                short_message=bytes.fromhex(message["hex"]),
                **({"user_message_reference": message["user_message_reference"]}
                   if message["user_message_reference"] else {}),
            )
            esme.asked[pdu.sequence] = message["label"], sent
        deadline = time.monotonic() + PATIENCE
        done = lambda: (
            esme.count("response") >= len(task["messages"]) and esme.count("receipt") >= task["deliveries"]
        )
        while not done() and time.monotonic() < deadline:
            esme.read_available(0.05)
        if not done():
            esme.events.append({"kind": "late", "what": f"{esme.count('receipt')} of {task['deliveries']} came"})
        quiet = time.monotonic() + task["silence_ms"] / 1000
        while time.monotonic() < quiet:
            esme.read_available(0.05)
        return task["name"], esme.events


def seen(pdu):
    text = lambda octets: None if octets is None else octets.decode("latin-1")
    tlvs = {name: getattr(pdu, name, None) for name in NAMED}
    tlvs["receipted_message_id"] = text(tlvs["receipted_message_id"])
    return {
        "esm_class": pdu.esm_class,
        "source": text(pdu.source_addr),
        "destination": text(pdu.destination_addr),
        "text": text(getattr(pdu, "short_message", None)) or "",
        "payload": text(pdu.message_payload),
        "tlvs": {name: value for name, value in tlvs.items() if value is not None},
    }


def observe(tasks):
    with ThreadPoolExecutor(len(tasks)) as pool:
        return dict(pool.map(run, tasks))
