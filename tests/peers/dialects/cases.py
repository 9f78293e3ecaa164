"""What clients must see of each dialect: what its file says, in every state, for long messages and in 3.3.

All dialects are SMSCs of one simulator. Each client goes to all of them at once and only tells what it saw;
what that has to be is decided here, out of the files alone.
"""

import copy
import datetime
import functools
import json
import logging
import os
import re
import subprocess
import tempfile

import smpplib_client
from form import DATES, FILES, STATES, Form, error_code, number, read
from kannel import TRANSCEIVER, Kannel
from peer import Child, case, equal, main, until

RECEIPT_DELAY_MS = 300
# Nothing more may come in this time after all that should.
SILENCE_MS = 600
# The ids of a seed begin with its number: these have zeros in front and letters in hexadecimal.
SEED = 0xAB
OUTCOMES = ("DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "ACCEPTED", "UNKNOWN", "REJECTED", "SKIPPED")
# A receipt that is this late does not come before the suite is over.
LATEST_S = 5
DELIVERED, TAKEN = 1, 8


@functools.cache
def listed():
    """The dialects that the simulator says it has, by name."""
    command = [os.environ["SMPPKIT"], "simulator", "--dialects"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.splitlines()
    return dict(line.split(None, 1) for line in lines)


@functools.cache
def forms():
    """What the files say, by name. Of one that is too late to wait for there is another, called `-sooner`."""
    found = {name: Form(read(name)) for name in listed()}
    for name, form in list(found.items()):
        if form.late_s > LATEST_S:
            found[f"{name}-sooner"] = sooner = copy.copy(form)
            sooner.late_s = 1
    return found


def settings():
    """A simulator's file with an SMSC for each dialect."""
    lines = [f"seed = {SEED}"]
    for name in forms():
        if name not in listed():
            original = (FILES / f"{name.removesuffix('-sooner')}.toml").read_text()
            original = re.sub(r"^\[(\w+)\]", rf"[dialect.{name}.\1]", original, flags=re.M)
            lines += [f"[dialect.{name}]", re.sub(r'^late = ".*"', 'late = "1s"', original, flags=re.M)]
    for name in forms():
        lines += [
            "[[smsc]]", f'name = "{name}"', 'listen = ["127.0.0.1:0"]', f'dialect = "{name}"',
            f'receipt_delay = "{RECEIPT_DELAY_MS}ms"',
        ]
        for state in OUTCOMES:
            lines += [
                "[[smsc.rule]]", f'when = {{ destination_addr = "{number_for(state)}" }}',
                f'then = {{ state = "{state}", error_code = {error_code(state)} }}',
            ]
    return "\n".join(lines)


class Simulators(Child):
    """One simulator with an SMSC for each dialect."""

    def __init__(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(settings())
            file.flush()
            super().__init__([os.environ["SMPPKIT"], "simulator", "--quiet", "--config", file.name])
            self.ports = {}
            while len(self.ports) < len(forms()):
                port, name = re.fullmatch(r"listening on \S+:(\d+) as (\S+)", self.read_line()).groups()
                self.ports[name] = int(port)


def number_for(state):
    return f"44770090000{STATES[state]}"


def messages(form, has_tlvs=True):
    """What is sent to an SMSC: a message for each outcome, one that asks for more, a long one in parts."""
    sent = [
        {"label": state, "state": state, "destination": number_for(state), "text": f"{state.lower()} is what it will be"}
        for state in OUTCOMES
    ]
    if has_tlvs:
        sent[0]["user_message_reference"] = 0x1234
    # A final receipt that is early or lost leaves nothing that could be told on the way there.
    if form.copies and not form.early:
        sent.append({
            "label": "on the way", "state": "DELIVERED", "destination": "447700900200",
            "text": "all states", "registered_delivery": 17,
        })
    for part in (1, 2, 3):
        sent.append({
            "label": f"part {part}", "state": "DELIVERED", "destination": "447700900300", "part": part, "of": 3,
            "text": f"part {part} of a long message", "udh": f"050003aa03{part:02x}",
        })
    for message in sent:
        udh = message.get("udh", "")
        message |= {
            "registered_delivery": message.get("registered_delivery", 1),
            "esm_class": 0x40 if udh else 0,
            "hex": udh + message["text"].encode().hex(),
            "user_message_reference": message.get("user_message_reference", 0),
        }
    return sent


def tasks(ports, names, version):
    """What the clients are to do, and how many deliveries they should wait for."""
    todo = []
    for name in names:
        sent = messages(forms()[name], has_tlvs=version >= 0x34)
        deliveries = sum(len(forms()[name].states(message)) for message in sent)
        todo.append({
            "name": name, "port": ports[name], "version": version, "messages": sent,
            "deliveries": deliveries, "silence_ms": SILENCE_MS,
        })
    return todo


# What each client saw, by dialect; asked once.


@functools.cache
def seen_by_node_smpp(version=0x50):
    return by_program(["node", "node_client.js"], forms(), version)


@functools.cache
def seen_by_net_smpp():
    return by_program(["perl", "net_smpp_client.pl"], NET_SMPP, 0x34)


@functools.cache
def seen_by_smpplib():
    return smpplib_client.observe(tasks(Simulators().ports, forms(), 0x34))


def by_program(command, names, version):
    ports = Simulators().ports
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(tasks(ports, names, version), file)
        file.flush()
        ended = subprocess.run([*command, file.name], capture_output=True, timeout=40)
    if ended.returncode:
        raise AssertionError(f"{command[0]} ended with {ended.returncode}: {ended.stderr.decode()[-500:]}")
    return json.loads(ended.stdout.decode("latin-1" if command[0] == "perl" else "utf-8"))


# What has to be.


def check(form, events, knows_vendors=True, keeps_order=False):
    """Fails unless a client saw what the file says."""
    late = [event["what"] for event in events if event["kind"] == "late"]
    sent = {message["label"]: message for message in messages(form)}
    responses = {event["label"]: event for event in events if event["kind"] == "response"}
    equal(sorted(responses), sorted(sent), "messages that were answered")
    numbers = {label: read_response(form, sent[label], event) for label, event in responses.items()}
    given = [number for number in numbers.values() if number is not None]
    equal(len(set(given)), len(given), "number of different ids")

    awaited = {label: form.states(message) for label, message in sent.items()}
    for at, event in enumerate(events):
        if event["kind"] != "receipt":
            continue
        why = f"an unexpected {event['command']} from {event['source']}: {event['text'] or event['payload']!r}"
        for label, message in sent.items():
            if message["destination"] != event["source"] or not awaited[label]:
                continue
            try:
                state, final = awaited[label][0]
                check_receipt(form, message, responses[label], event, state, final, knows_vendors, keeps_order)
            except AssertionError as error:
                why = f"{label}: {error}"
                continue
            awaited[label].pop(0)
            equal(at < events.index(responses[label]), form.early, f"{label} is told of before its response")
            break
        else:
            raise AssertionError(why)
    left = {label: states for label, states in awaited.items() if states}
    assert not left, f"these did not come: {left}; {late}"


def read_response(form, message, event):
    equal(event["status"], 0, f"command_status of {message['label']}")
    if form.first_part_only and message.get("part", 1) > 1:
        equal(event["message_id"] or "", "", f"message_id of {message['label']}")
        return None
    return number(form.ids["response"], event["message_id"])


def check_receipt(form, message, response, event, state, final, knows_vendors, keeps_order):
    equal(event["command"], form.carrier, "the PDU")
    equal(event["esm_class"], form.esm_class if final else form.intermediate_esm_class, "esm_class")
    equal(event["destination"], "1000", "destination_addr")
    apart = form.carrier == "data_sm" or form.place == "message_payload"
    text, other = (event["payload"], event["text"]) if apart else (event["text"], event["payload"])
    equal(other or "", "", "the text's other place")
    if apart and not form.text:
        equal(text, None, "message_payload")
    fields = form.read_text(text or "", message, state)
    check_dates(form, fields)
    if "id" in fields:
        check_id(form, "receipt", fields["id"], response)

    tlvs = dict(event["tlvs"])
    wanted = [tlv for tlv in form.tlvs if has_tlv(form, tlv, message, state)]
    wanted += list(form.extra_tlvs) if knows_vendors else []
    equal(sorted(tlvs), sorted(wanted), "TLVs")
    if keeps_order:
        # JavaScript has numbers before names, so those of vendors are left aside.
        named = [tlv for tlv in tlvs if tlv in form.tlvs]
        equal(named, [tlv for tlv in wanted if tlv in form.tlvs], "TLVs in their order")
    for name, value in tlvs.items():
        if name == "receipted_message_id":
            check_id(form, "tlv", value, response)
        elif name == "message_state":
            equal(value, STATES[state], name)
        elif name == "user_message_reference":
            equal(value, message["user_message_reference"], name)
        elif name == "network_error_code":
            # A network type, and the code; smpplib gives octets.
            value = value.hex() if isinstance(value, bytes) else value
            equal((len(value), value[2:]), (6, f"{error_code(state):04x}"), name)
        else:
            equal(value, form.extra_tlvs[name], name)
    if final and form.late_s:
        # From before the message was sent: a busy client sees its response later than it came.
        late_ms = event["at"] - response["sent"]
        wanted_ms = RECEIPT_DELAY_MS + 1000 * form.late_s
        assert wanted_ms - 50 <= late_ms < wanted_ms + 3000, f"it came after {late_ms} ms"


def has_tlv(form, tlv, message, state):
    return {
        "receipted_message_id": form.ids["tlv"] != "none",
        "message_state": True,
        "user_message_reference": message["user_message_reference"] != 0,
        "network_error_code": error_code(state) != 0,
    }[tlv]


def check_id(form, where, text, response):
    if form.ids[where] == "none":
        equal(text, "", f"the id as {where}")
        return
    if form.ids[where] == form.ids["response"]:
        equal(text, response["message_id"], f"the id as {where}")
    equal(number(form.ids[where], text), number(form.ids["response"], response["message_id"]), f"the id as {where}")


def check_dates(form, fields):
    dates = [fields[name] for name in ("submit_date", "done_date") if name in fields]
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    read = [datetime.datetime.strptime(date, DATES[form.date]) for date in dates]
    for date in read:
        assert datetime.timedelta() <= now - date < datetime.timedelta(minutes=3), f"{date} is not now, {now}"
    equal(read, sorted(read), "submit date and done date")


def in_33(form):
    """The same in a session of 3.3: eight hexadecimal digits, deliver_sm, no TLVs."""
    form = copy.copy(form)
    form.ids = {where: known if known == "none" else "hex" for where, known in form.ids.items()}
    form.carrier, form.place, form.tlvs, form.extra_tlvs = "deliver_sm", "short_message", [], {}
    return form


# The cases: those of one dialect are made from the list.

NET_SMPP = ("standard", "hex-to-decimal", "message-payload", "duplicate", "vendor-tlvs", "tyntec")


def named(name, run):
    run.__name__ = name.replace("-", "_")
    case(run)


@case
def every_listed_dialect_has_a_file_with_the_same_words_and_every_file_is_listed():
    equal({path.stem for path in FILES.glob("*.toml")}, set(listed()), "files")
    for name, about in listed().items():
        equal(about, read(name)["about"], name)


def make_cases():
    for name in forms():
        check_node = lambda name=name: check(forms()[name], seen_by_node_smpp()[name], keeps_order=True)
        named(f"node_smpp_sees_{name}_as_its_file_says", check_node)
    for name in forms():
        check_33 = lambda name=name: check(in_33(forms()[name]), seen_by_node_smpp(0x33)[name])
        named(f"a_33_session_sees_{name}_with_ids_of_33_and_no_tlvs", check_33)
    for name in forms():
        check_smpplib = lambda name=name: check(forms()[name], seen_by_smpplib()[name], knows_vendors=False)
        named(f"smpplib_sees_{name}_as_its_file_says", check_smpplib)
    for name in NET_SMPP:
        check_net_smpp = lambda name=name: check(forms()[name], seen_by_net_smpp()[name])
        named(f"net_smpp_sees_{name}_as_its_file_says", check_net_smpp)


# Kannel: without msg-id-type it compares ids as they are written.


def kannel_at(dialect, setting):
    smsc = tuple(f"{group}\n{setting}" for group in TRANSCEIVER)
    return Kannel(Simulators().ports[dialect], smsc).wait_online()


def kannel_matches(dialect, setting):
    kannel = kannel_at(dialect, setting)
    names = [kannel.send(f"message {n}", dlr_mask=DELIVERED) for n in range(3)]
    for name in names:
        report, = kannel.reports(name, 1)
        equal(int(report["type"]), DELIVERED)
    equal([line for line in kannel.complaints() if "DLR" in line], [])


def kannel_does_not_match(dialect):
    kannel = kannel_at(dialect, "")
    name = kannel.send("hello", dlr_mask=DELIVERED | TAKEN)
    equal(int(kannel.reports(name, 1)[0]["type"]), TAKEN)
    complaint = "got DLR but could not find message or was not interested in it"
    until(lambda: any(complaint in line for line in kannel.complaints()), "Kannel's complaint")
    equal(len(kannel.reports(name, 1)), 1, "number of reports")


@case
def kannel_does_not_find_the_message_of_vonage_without_msg_id_type():
    kannel_does_not_match("vonage")


@case
def kannel_finds_the_message_of_vonage_with_its_msg_id_type_1():
    kannel_matches("vonage", "msg-id-type = 0x01")


@case
def kannel_finds_the_message_of_hex_to_decimal_with_its_msg_id_type_1():
    kannel_matches("hex-to-decimal", "msg-id-type = 0x01")


@case
def kannel_finds_the_message_of_hex_to_decimal_by_the_tlv_even_without_msg_id_type():
    # It looks into the text only where there is no receipted_message_id, and here that is as in the response.
    kannel_matches("hex-to-decimal", "")


@case
def kannel_does_not_find_the_message_of_decimal_to_hex_without_msg_id_type():
    kannel_does_not_match("decimal-to-hex")


@case
def kannel_finds_the_message_of_decimal_to_hex_with_its_msg_id_type_2():
    kannel_matches("decimal-to-hex", "msg-id-type = 0x02")


if __name__ == "__main__":
    # smpplib has a word for each TLV that it skips.
    logging.disable()
    make_cases()
    main()
