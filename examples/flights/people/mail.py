"""Mail sent after the answer: how long a page takes must not tell whether an address has an account."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection

log = logging.getLogger(__name__)
# Its thread starts with the first mail, so importing this before a fork is safe; a normal exit sends what is queued.
_outbox = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def later(write: Callable[[], object]) -> None:
    """Call `write`, which looks up the person and sends the mail, outside of the request."""
    _outbox.submit(_run, write).add_done_callback(_report)


def wait() -> None:
    """Return when everything handed over so far has been sent."""
    _outbox.submit(int).result()


def _run(write: Callable[[], object]) -> None:
    try:
        write()
    finally:
        connection.close()


def _report(sent: "Future[None]") -> None:
    if error := sent.exception():
        log.error("A mail was not sent", exc_info=error)
