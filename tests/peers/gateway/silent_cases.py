"""Message centres that report nothing, or not of what: the gateway looks for messages without a receipt once a minute,
so these have a file of their own that waits."""

import logging
from concurrent.futures import ThreadPoolExecutor

from dialects import SILENT, Stand, observe
from peer import case, equal, main
from smpplib_esme import read_receipt

# A minute, and what a busy machine takes.
MINUTE = 90


@case
def messages_without_a_receipt_expire_and_receipts_without_an_id_are_nobody_s():
    """Both wait for the same minute. A receipt without an id might be found by its number; it is not today, and
    its message expires like one without a receipt."""
    stand = Stand(SILENT, life={"receipt": "3s"})
    with ThreadPoolExecutor() as pool:
        lost, no_id = pool.map(lambda name: observe(stand, name, MINUTE), SILENT)
    for ids, receipts in (lost, no_id):
        told = [(read_receipt(pdu)["id"], read_receipt(pdu)["stat"]) for pdu in receipts]
        equal(sorted(told), sorted((message_id, "EXPIRED") for message_id in ids))


logging.disable()
main()
