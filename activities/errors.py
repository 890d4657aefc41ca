"""How a failed step tells Temporal what to do next, in words for the person who reads the Web UI.

    ApplicationError
    ├── RetryLater       slow, limiting or down: Temporal calls again, after a wait
    ├── Refused          our credentials or permissions fail: people must act, and are told once
    ├── InvalidRequest   the system says our request is wrong: no retry can mend it
    └── Bug              something that must never happen, happened: stop and look

Messages name the invoice and what to do. They never carry a vendor's body, a secret or personal
data, because failures are kept in Temporal's history.
"""

from datetime import timedelta

from temporalio.exceptions import ApplicationError

LONGEST_WAIT = timedelta(minutes=30)  # a vendor's Retry-After beyond this is clamped, never dropped

RETRY_LATER = "RetryLater"
REFUSED = "Refused"
LOOK_AGAIN = timedelta(minutes=5)


def retry_later(message: str, after: timedelta | None = None) -> ApplicationError:
    wait = min(after, LONGEST_WAIT) if after is not None else None
    return ApplicationError(message, type=RETRY_LATER, next_retry_delay=wait)


def invalid_request(message: str) -> ApplicationError:
    return ApplicationError(message, type="InvalidRequest", non_retryable=True)


def refused(message: str, *, everything: bool = False) -> ApplicationError:
    """`everything`: the vendor refuses whatever we ask (the key), not only this (a permission).
    `activities/circuit.py` keeps other cases from asking the same.
    """
    return ApplicationError(message, everything, type=REFUSED, next_retry_delay=LOOK_AGAIN)


def bug(message: str) -> ApplicationError:
    return ApplicationError(message, type="Bug", non_retryable=True)
