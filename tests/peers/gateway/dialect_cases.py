"""Each dialect of the simulator behind the gateway: whatever form its ids and receipts have, smpplib in front must
be told what became of each of its messages, once, under the id that it knows. Nothing is set for any of them."""

import logging

from dialects import MESSAGES, SILENT, check, form_of_ids, forms, seen
from gateway import Gateway, to
from peer import case, equal, main
from sim import Configured
from smpplib_esme import Esme, read_receipt

LONG = "The quick brown fox jumps over the lazy dog. " * 8


def named(name, run):
    run.__name__ = name.replace("-", "_")
    case(run)


def make_cases():
    for name in forms():
        if name in SILENT:
            continue
        named(f"every_receipt_of_{name}_reaches_its_message", lambda name=name: check(name, *seen()[0][name]))


@case
def the_forms_of_ids_are_learnt():
    _, learnt, _ = seen()
    wrong = {name: ids for name, ids in learnt.items() if ids["form"] != form_of_ids(forms()[name])}
    equal(wrong, {}, "forms that were not learnt")


@case
def it_adds_up_after_all_dialects():
    _, learnt, status = seen()
    equal((status["open"], status["is_conserved"]), (0, True), "open messages, and whether it adds up")
    # Those that ended another way than delivered are failed or expired; each receipt is a message that is delivered.
    equal(status["failed"] + status["expired"], len(learnt) * MESSAGES * 4 // 5)


@case
def a_long_message_that_is_cut_has_one_receipt_even_if_only_one_part_gets_one():
    for dialect in ("telesign", "last-part-only"):
        centre = Configured({"dialect": dialect})
        gateway = Gateway(to(centre.port, long="udh"), life={"part": "1s"}).wait_bound()
        with Esme(gateway.port) as esme:
            message_id = esme.submit(b"", message_payload=LONG.encode(), registered_delivery=1)
            fields = read_receipt(esme.read_delivered()[0])
            equal((fields["id"], fields["stat"]), (message_id, "DELIVRD"), dialect)


# smpplib has a word for each TLV that it skips.
logging.disable()
make_cases()
main()
