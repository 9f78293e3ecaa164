"""Steers Schemathesis: enough requests have to be about what is there, and none may wait long.

Which way a request goes is made from what was generated, so that a seed gives the same requests.
"""

import json
import os
import re
import zlib

import schemathesis

SMSCS = ("home", "partner")
DIALOGUES = ("nothing is expected", "more is expected")
SETTINGS = (
    {"receipt_delay": "10ms..20ms"},
    {"dialect": "uuid", "loopback": False},
    {"presets": []},
    {"dialect": "none of that name"},
    {"listen": []},
    {"throughput": "many"},
)
ACCOUNT = {"system_id": "guest", "password": "gu3stpwd", "bind_modes": ["receiver"]}


RULE = {"name": "busy", "when": {"destination_addr": "4477*"}, "share": "50%", "then": {"status": "ESME_RTHROTTLED"}}
MO = {"source_addr": "447700900123", "destination_addr": "12345", "text": "hello"}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Comes before each request, wherever it is from: the document's examples, its bounds, or chance."""
    path, method = case.operation.path, case.operation.method.upper()
    salt = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode())

    def chosen(value, choices):
        """One of these for three requests of four; the fourth goes as it was generated."""
        return value if salt % 4 == 3 else choices[salt // 4 % len(choices)]

    there = {"smsc": SMSCS, "id": range(1, 9), "place": (0, 1, 2)}
    if path.endswith("/run"):
        there |= {"name": DIALOGUES, "smsc": ("home",)}
    elif path.endswith("/accounts/{system_id}"):
        there |= {"system_id": (ACCOUNT["system_id"],)}
    for name, value in (case.path_parameters or {}).items():
        if name in there:
            case.path_parameters[name] = chosen(value, there[name])
    # Of the bodies every second one stays, or its faults would never be seen.
    if case.method == method and salt // 16 % 2:
        if method == "PUT":
            case.body = chosen(case.body, (ACCOUNT,) if "accounts" in path else ([], [RULE]))
        elif method == "PATCH":
            case.body = chosen(case.body, SETTINGS)
        elif path.endswith("/mo"):
            case.body = chosen(case.body, (MO,))
    # No name is looked up, which may take long, and nobody is called who then says nothing.
    if path.endswith("/outbind") and isinstance(case.body, dict) and ":" in str(case.body.get("address")):
        case.body["address"] = chosen("127.0.0.1:1", ("127.0.0.1:1", "192.0.2.1:1"))
    # Whatever could be a time is a short one; what could not is to be refused.
    if path.endswith("/wait") and re.match(r"\s*\+?[0-9.]", str(case.query.get("timeout", "0"))):
        case.query["timeout"] = "20ms"


@schemathesis.hook
def after_call(context, case, response):
    """Counts what was asked and answered, for the suite to look at."""
    line = {
        "path": case.formatted_path,
        "operation": f"{case.operation.method.upper()} {case.operation.path}",
        "status": response.status_code,
        "type": response.headers.get("content-type", [""])[0],
        "has_password": any(word in response.content for word in (b"pa55w0rd", b"0th3rpwd", b"gu3stpwd")),
    }
    with open(os.environ["SMPPKIT_ANSWERS"], "a") as file:
        file.write(json.dumps(line) + "\n")
