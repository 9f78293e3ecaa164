"""Dialects of the simulator behind a gateway, smpplib in front, and what that must be told."""

import functools
import os
import re
import subprocess
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor

from form import FILES, STATES, WORDS, Form, read
from gateway import Gateway, to
from peer import PATIENCE, equal
from sim import Configured
from smpplib_esme import Esme, read_receipt

OUTCOMES = ("DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "REJECTED")
MESSAGES = 20
ERROR = 33
# The receipts of these never come, or name no message: the gateway gives them up after a while.
SILENT = ("lost", "no-id")
LATE = "late"


@functools.cache
def forms():
    command = [os.environ["SMPPKIT"], "simulator", "--dialects"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.splitlines()
    return {line.split()[0]: Form(read(line.split()[0])) for line in lines}


def account(name):
    """The system_id for a dialect: at most 15 octets."""
    return f"esme{list(forms()).index(name)}"


def destination(number):
    return f"4477009{number:03}{STATES[OUTCOMES[number % len(OUTCOMES)]]}"


class Stand:
    """A simulator with an SMSC for each of these dialects, and one gateway to all of them."""

    def __init__(self, names, **settings):
        rules = [
            {"when": {"destination_addr": f"/{STATES[state]}$/"}, "then": {
                "state": state, "error_code": 0 if state == "DELIVERED" else ERROR}}
            for state in OUTCOMES
        ]
        smscs = [
            {"name": name, "dialect": "late-sooner" if name == LATE else name, "receipt_delay": "0ms..400ms", "rule": rules}
            for name in names
        ]
        # A minute is too long to wait for.
        late = re.sub(r'^late = ".*"', 'late = "1s"', (FILES / "late.toml").read_text(), flags=re.M)
        self.centre = Configured(*smscs, dialect={"late-sooner": tomllib.loads(late)})
        self.gateway = Gateway(
            *(to(port, name=name) for name, port in zip(names, self.centre.ports)),
            accounts=[{"system_id": account(name), "password": "secret"} for name in names],
            routes=[{"account": account(name), "to": name} for name in names],
            mo_routes=[{"connector": name, "to": account(name)} for name in names], **settings,
        ).wait_bound(len(names))


class Watching(Esme):
    """Keeps what comes, and when."""

    def __init__(self, port, system_id):
        self.receipts = []
        super().__init__(port, system_id=system_id)

    def take(self, pdu):
        super().take(pdu)
        if pdu.command == "deliver_sm":
            self.receipts.append(pdu)

    def finals(self):
        return [pdu for pdu in self.receipts if not on_the_way(pdu)]


def on_the_way(pdu):
    return pdu.message_state in (STATES["ENROUTE"], STATES["ACCEPTED"])


def observe(stand, name, patience=PATIENCE):
    """Sends the messages of one dialect and waits for what comes: ids by number, and the receipts."""
    with Watching(stand.gateway.port, account(name)) as esme:
        pdus = [
            esme.client.send_message(
                source_addr="1000", source_addr_ton=1, source_addr_npi=1, dest_addr_ton=1, dest_addr_npi=1,
                destination_addr=destination(number), registered_delivery=1, short_message=b"message %d" % number,
            )
            for number in range(MESSAGES)
        ]
        ids = [esme.answer(pdu).message_id.decode() for pdu in pdus]
        deadline = time.monotonic() + patience
        while len(esme.finals()) < MESSAGES and time.monotonic() < deadline:
            esme.read_available(0.1)
        # Nothing more may come after all that should.
        quiet = time.monotonic() + 0.5
        while time.monotonic() < quiet:
            esme.read_available(0.1)
        return ids, esme.receipts


@functools.cache
def seen():
    """What the clients of all dialects saw, asked once and at the same time."""
    names = [name for name in forms() if name not in SILENT]
    stand = Stand(names)
    with ThreadPoolExecutor(len(names)) as pool:
        found = dict(zip(names, pool.map(lambda name: observe(stand, name), names)))
    learnt = {each["name"]: each["ids"] for each in stand.gateway.rest("connectors")}
    return found, learnt, stand.gateway.rest("status")["messages"]


def as_told(form, state):
    """The states that an ESME may be told for a state: where only a word tells, several may have the same."""
    if "message_state" in form.tlvs:
        return {state}
    word = form.words[state]
    same = {other for other in OUTCOMES if form.words[other] == word}
    # FAILED is no word of the specification: it is what cannot be delivered.
    return same | ({"UNDELIVERABLE"} if word == "FAILED" else {other for other in OUTCOMES if WORDS[other] == word})


def check(name, ids, receipts):
    form = forms()[name]
    equal(len(set(ids)), MESSAGES, "number of different ids")
    came = {}
    for pdu in receipts:
        fields = read_receipt(pdu)
        equal(pdu.receipted_message_id.decode(), fields["id"], "receipted_message_id")
        assert fields["id"] in ids, f"a receipt for {fields['id']}, which nobody was told"
        number = ids.index(fields["id"])
        equal(pdu.source_addr.decode(), destination(number), f"source_addr of message {number}'s receipt")
        if on_the_way(pdu):
            assert form.buffered_first and number not in came, f"{fields['stat']} of message {number} at the wrong time"
            continue
        assert number not in came, f"a second receipt for message {number}"
        came[number] = fields
        equal(pdu.esm_class, 0x04, "esm_class")
        state = OUTCOMES[number % len(OUTCOMES)]
        allowed = as_told(form, state)
        told = {STATES[each]: each for each in allowed}.get(pdu.message_state)
        assert told, f"message {number} is {state}, its receipt says {pdu.message_state} and {fields['stat']}"
        equal((fields["stat"], fields["text"]), (WORDS[told], f"message {number}"))
        if "{err}" in form.text and form.err in ("decimal3", "decimal"):
            equal(fields["err"], "000" if state == "DELIVERED" else f"{ERROR:03}", f"err of message {number}")
    equal(sorted(came), list(range(MESSAGES)), "messages with a receipt")


def form_of_ids(form):
    """How the receipts' ids are written, if that is one of the ways with a name."""
    base = lambda kind: "decimal" if kind.startswith(("decimal", "padded")) else "hex" if kind.startswith("hex") else kind
    response, receipts = base(form.ids["response"]), {base(form.ids[where]) for where in ("receipt", "tlv")} - {"none"}
    if response in receipts or response == "none":
        return "same"
    return {("hex", "decimal"): "hex_then_decimal", ("decimal", "hex"): "decimal_then_hex"}[response, receipts.pop()]
