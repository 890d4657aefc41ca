"""How we speak to Stripe: one client a process, no unseen retry of a write, errors in our words.

The SDK makes a fresh random idempotency key for each POST that has none, so a repeated activity
would be a new payment. Every POST of ours carries a key of the ledger.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import stripe
from temporalio.exceptions import ApplicationError

from activities.errors import invalid_request, refused, retry_later
from workflows.case import Ending, Outcome

API_VERSION = "2026-10-28.endive"  # of requests and answers; pin webhook endpoints to the same
PUBLIC_API = "https://api.stripe.com"
HTTP_TIMEOUT = 20  # seconds; the SDK's own 80 would outlive our activities


def connect(api_key: str, api_base: str = PUBLIC_API) -> stripe.StripeClient:
    """A client for this event loop. Building one costs milliseconds: make one, and keep it."""
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        api_key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base.rstrip("/")},
        max_network_retries=0,  # of a write; Temporal retries it, where people can see it
        http_client=stripe.HTTPXClient(timeout=HTTP_TIMEOUT),
    )


async def disconnect(client: stripe.StripeClient) -> None:
    """Give the connections back; the SDK has no public way to say it."""
    http = client._requestor._client
    if http is not None:
        await http.close_async()  # type: ignore[no-untyped-call]


class Gone(Exception):  # noqa: N818 - it is news, not an error
    """The invoice is not there to be collected; `ending` is how its case ends."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.ending = Ending(outcome=Outcome.NOT_COLLECTIBLE, code=code, text=text)


@contextmanager
def asking(about: str) -> Iterator[None]:
    """Turns Stripe's errors into ours.

    The vendor's own text stays out: it would be kept in history.
    """
    try:
        yield
    except stripe.StripeError as error:
        raise in_our_words(error, about) from None


def in_our_words(error: stripe.StripeError, about: str) -> ApplicationError:
    status = error.http_status
    if status is None:
        return retry_later(f"Stripe could not be reached about {about}. We try again by ourselves.")
    if status == 429 or status == 409 or status >= 500:
        return retry_later(
            f"Stripe answered {status} ({code_of(error)}) about {about}. We try again ourselves.",
            retry_after(error),
        )
    if status in (401, 403):
        return refused(
            f"Stripe refuses our API key for {about} (HTTP {status}). Check STRIPE_API_KEY and its "
            "permissions; `dunning doctor` names the missing one. We look again every five "
            "minutes.",
            everything=status == 401,
        )
    return invalid_request(
        f"Stripe does not accept our request about {about} (HTTP {status}, {code_of(error)})."
    )


def code_of(error: stripe.StripeError) -> str:
    """The code in the body. `error.code` is None for some classes although the body has one."""
    body = error.error
    code = getattr(body, "code", None) or getattr(body, "type", None) or "no code"
    return str(code)


def retry_after(error: stripe.StripeError) -> timedelta | None:
    """Stripe's own wish, which the SDK never reads."""
    headers = {str(name).lower(): value for name, value in (error.headers or {}).items()}
    try:
        return timedelta(seconds=max(float(headers["retry-after"]), 0))
    except (KeyError, ValueError):
        return None
