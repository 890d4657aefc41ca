"""What we take from a Stripe event: its id, its kind, and whom it concerns. Nothing more is kept.

The body is only a hint. A case reads the invoice afresh before it believes anything.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from starter.temporal import INVOICE, LARGEST_INT, Hint

DEEPEST = 64

STARTS = "invoice.payment_failed"
ABOUT_AN_INVOICE = frozenset(
    {
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.voided",
        "invoice.marked_uncollectible",
        "invoice.payment_action_required",
        "invoice.updated",
    }
)
ABOUT_A_CUSTOMER = frozenset(
    {
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "payment_method.attached",
        "payment_method.updated",
        "payment_method.automatically_updated",
    }
)
DISPUTE = "charge.dispute.created"
CUSTOMER_UPDATED = "customer.updated"
WAKES = ABOUT_AN_INVOICE | ABOUT_A_CUSTOMER | {DISPUTE, CUSTOMER_UPDATED}

_EVENT = re.compile(r"evt_[A-Za-z0-9_]{1,200}")
_KIND = re.compile(r"[A-Za-z0-9_.]{1,100}")
_ID = re.compile(r"[A-Za-z0-9_]{1,200}")
_CUSTOMER = re.compile(r"cus_[A-Za-z0-9_]{1,200}")
_CURRENCY = re.compile(r"[a-z]{3}")


class NotAnEventError(ValueError):
    """The bytes are genuine, but no event of this installation that we could read."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Concerns:
    """The ids by which open cases are found."""

    invoice: str | None = None
    customer: str | None = None
    payment_intent: str | None = None
    charge: str | None = None

    def __bool__(self) -> bool:
        return any((self.invoice, self.customer, self.payment_intent, self.charge))


@dataclass(frozen=True)
class StripeEvent:
    id: str
    kind: str
    concerns: Concerns
    hint: Hint

    @property
    def message(self) -> dict[str, str]:
        """What a running case is told."""
        return {"event_id": self.id, "type": self.kind}


def read(body: bytes, *, live: bool) -> StripeEvent:
    """Parse strictly. Any flaw, a wrong mode or another account's event is a `NotAnEventError`."""
    event = _parsed(body)
    kind = _matching(event.get("type"), _KIND)
    event_id = _matching(event.get("id"), _EVENT)
    if kind is None or event_id is None:
        raise NotAnEventError("no_id_or_type")
    if event.get("livemode") is not live:
        raise NotAnEventError("wrong_mode")
    if event.get("account"):
        raise NotAnEventError("another_account")
    thing = _object(event)
    concerns = _concerns(kind, thing)
    if kind == STARTS and concerns.invoice is None:
        raise NotAnEventError("no_invoice")
    return StripeEvent(event_id, kind, concerns, _hint(thing) if kind == STARTS else Hint())


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise NotAnEventError("not_json") from error
    if not isinstance(event, dict) or _deeper_than(event, DEEPEST):
        raise NotAnEventError("not_an_object")
    return event


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _deeper_than(value: Any, limit: int) -> bool:
    """Level by level, without recursion: a hostile body must not exhaust the stack."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _object(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    return thing if isinstance(thing, dict) else {}


def _concerns(kind: str, thing: dict[str, Any]) -> Concerns:
    if kind == STARTS or kind in ABOUT_AN_INVOICE:
        return Concerns(invoice=_matching(thing.get("id"), INVOICE))
    if kind in ABOUT_A_CUSTOMER:
        return Concerns(customer=_reference(thing.get("customer")))
    if kind == CUSTOMER_UPDATED:
        return Concerns(customer=_matching(thing.get("id"), _ID))
    if kind == DISPUTE:
        return Concerns(
            charge=_reference(thing.get("charge")),
            payment_intent=_reference(thing.get("payment_intent")),
        )
    return Concerns()


def _hint(invoice: dict[str, Any]) -> Hint:
    amount = invoice.get("amount_remaining")
    fits = type(amount) is int and 0 <= amount <= LARGEST_INT
    return Hint(
        customer=_matching(_reference(invoice.get("customer")), _CUSTOMER),
        amount=amount if fits else None,
        currency=_matching(invoice.get("currency"), _CURRENCY),
    )


def _reference(value: Any) -> str | None:
    """An id, or the id of an object that was expanded in its place."""
    if isinstance(value, dict):
        value = value.get("id")
    return _matching(value, _ID)


def _matching(value: Any, shape: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and shape.fullmatch(value) else None
