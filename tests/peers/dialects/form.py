"""What a dialect's file says, read on its own: nothing here comes from the simulator's code.

The defaults are those of SMPP 3.4, Appendix B, and 5.0, 4.3.5: a file names what differs only.
"""

import re
import tomllib
from pathlib import Path

FILES = Path(__file__).parents[3] / "apps/simulator/dialects"
STATES = {
    "SCHEDULED": 0, "ENROUTE": 1, "DELIVERED": 2, "EXPIRED": 3, "DELETED": 4,
    "UNDELIVERABLE": 5, "ACCEPTED": 6, "UNKNOWN": 7, "REJECTED": 8, "SKIPPED": 9,
}
# SMPP 3.4, Appendix B; the last of 5.0's.
WORDS = {
    "ENROUTE": "ENROUTE", "DELIVERED": "DELIVRD", "EXPIRED": "EXPIRED", "DELETED": "DELETED",
    "UNDELIVERABLE": "UNDELIV", "ACCEPTED": "ACCEPTD", "UNKNOWN": "UNKNOWN", "REJECTED": "REJECTD",
    "SKIPPED": "SKIPPED",
}
TEXT = (
    "id:{id} sub:{sub} dlvrd:{dlvrd} submit date:{submit_date} done date:{done_date} "
    "stat:{stat} err:{err} text:{text}"
)
TLVS = ["receipted_message_id", "message_state", "user_message_reference", "network_error_code"]
DATES = {
    "YYMMDDhhmm": "%y%m%d%H%M",
    "YYMMDDhhmmss": "%y%m%d%H%M%S",
    "YYYYMMDDhhmm": "%Y%m%d%H%M",
    "YYYYMMDDhhmmss": "%Y%m%d%H%M%S",
    "YYYY-MM-DD hh:mm:ss": "%Y-%m-%d %H:%M:%S",
}
ERRORS = {
    "decimal3": lambda code: f"{code:03}",
    "decimal": str,
    "hex": lambda code: f"{code:03X}",
    "alphanumeric": lambda code: f"{code:02x}b",
    "none": lambda code: "",
}
# What follows the number in the long forms is made up, so only its shape is known.
UUID = r"[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


class Form:
    """A dialect, with the defaults where its file says nothing."""

    def __init__(self, file):
        unknown = set(file) - {"about", "seen", "message_id", "receipt", "timing"}
        assert not unknown, f"this suite does not know {unknown}"
        ids, receipt, timing = (dict(file.get(name, {})) for name in ("message_id", "receipt", "timing"))
        self.ids = {where: ids.pop(where, "decimal") for where in ("response", "receipt", "tlv")}
        self.text = receipt.pop("text", TEXT)
        self.date = receipt.pop("date", "YYMMDDhhmm")
        self.words = WORDS | receipt.pop("words", {})
        self.sub = receipt.pop("sub", "001")
        self.dlvrd = receipt.pop("dlvrd", None)
        self.err = receipt.pop("err", "decimal3")
        self.quote = receipt.pop("quote", 20)
        self.nul_terminated = receipt.pop("nul_terminated", False)
        self.esm_class = receipt.pop("esm_class", 0x04)
        self.intermediate_esm_class = receipt.pop("intermediate_esm_class", 0x20)
        self.tlvs = receipt.pop("tlvs", TLVS)
        self.extra_tlvs = {f"0x{tlv['tag']:04x}": tlv["hex"] for tlv in receipt.pop("extra_tlvs", [])}
        self.carrier = receipt.pop("carrier", "deliver_sm")
        self.place = receipt.pop("place", "short_message")
        self.copies = timing.pop("copies", 1)
        self.early = timing.pop("early", False)
        self.buffered_first = timing.pop("buffered_first", False)
        self.buffered_state = timing.pop("buffered_state", "ENROUTE")
        self.late_s = seconds(timing.pop("late", "0s"))
        self.first_part_only = timing.pop("first_part_only", False)
        self.parts = timing.pop("parts", "all")
        left = {**ids, **receipt, **timing}
        assert not left, f"this suite does not know {list(left)}"

    def states(self, message):
        """The states that are told of a message, in their order, and whether each is the last word."""
        if "part" in message and self.parts != "all":
            if message["part"] != {"first": 1, "last": message["of"]}[self.parts]:
                return []
        finals = [(message["state"], True)] * self.copies
        buffered = [(self.buffered_state, False)] if self.buffered_first and finals else []
        asked = [("ENROUTE", False)] if message["registered_delivery"] & 16 else []
        # A receipt that is very late comes after the suite has ended.
        return asked + buffered + ([] if self.late_s > 5 else finals)

    def read_text(self, text, message, state):
        """The id, submit_date and done_date in a receipt's text, all the rest of which must be as written."""
        delivered = state == "DELIVERED"
        dates = {"submit_date", "done_date"}
        values = {
            "sub": self.sub,
            "dlvrd": self.dlvrd or ("001" if delivered else "000"),
            "stat": self.words[state],
            "state": str(STATES[state]),
            "err": ERRORS[self.err](error_code(state)),
            "text": message["text"][: self.quote],
        }
        wanted = ""
        for plain, name in re.findall(r"([^{]*)(?:\{(\w+)\})?", self.text):
            wanted += re.escape(plain)
            if name == "id":
                wanted += r"(?P<id>\S*)"
            elif name in dates:
                digits = re.sub("[YMDhms]", "0", self.date)
                wanted += f"(?P<{name}>{re.escape(digits).replace('0', '[0-9]')})"
            elif name:
                wanted += re.escape(values[name])
        if self.nul_terminated:
            wanted += "\0"
        match = re.fullmatch(wanted, text, re.DOTALL)
        assert match, f"the text is {text!r}, not {wanted!r}"
        return match.groupdict()


def error_code(state):
    """What the suite's rules give each state; 33 is 021 in hexadecimal and 21b with a letter."""
    return 0 if state in ("DELIVERED", "ENROUTE", "ACCEPTED") else 33


def seconds(span):
    count, unit = re.fullmatch(r"(\d+)(ms|s|m)", span).groups()
    return int(count) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def shape(form):
    """The pattern of an id, with its number in groups called `decimal` or `hexadecimal`."""
    width = re.fullmatch(r"(padded|hex)-(\d+)", form)
    if width and width[1] == "padded":
        # Wider numbers keep all their digits.
        return r"(?P<decimal>(?=[0-9]{%s}|[1-9])[0-9]{%s,})" % (width[2], width[2])
    if width:
        return r"(?P<hexadecimal>[0-9a-f]{8})[0-9a-f]{%d}" % (int(width[2]) - 8)
    if form.startswith("prefixed-"):
        return re.escape(form.removeprefix("prefixed-")) + r"(?P<decimal>[0-9]{10})"
    return {
        "decimal": r"(?P<decimal>[0-9]{10})",
        "decimal-bare": r"(?P<decimal>[1-9][0-9]*)",
        "hex": r"(?P<hexadecimal>[0-9A-F]{8})",
        "hex-lower": r"(?P<hexadecimal>[0-9a-f]{8})",
        "hex-bare": r"(?P<hexadecimal>[1-9A-F][0-9A-F]*)",
        "hex-lower-bare": r"(?P<hexadecimal>[1-9a-f][0-9a-f]*)",
        "uuid": rf"(?P<hexadecimal>[0-9a-f]{{8}})-{UUID}",
    }[form]


def number(form, message_id):
    """The number that an id stands for, which must be written in that form."""
    match = re.fullmatch(shape(form), message_id)
    assert match, f"the message_id is {message_id!r}, not of the form {form}"
    groups = match.groupdict()
    return int(groups["decimal"]) if "decimal" in groups else int(groups["hexadecimal"], 16)


def read(name):
    """The file of a dialect."""
    return tomllib.loads((FILES / f"{name}.toml").read_text())
