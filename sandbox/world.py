"""The state of the sandbox: small classes, one per thing that exists in the real world.

Nothing here knows HTTP or a vendor's JSON. Money is integer minor units; times are unix seconds
where Stripe has them and aware datetimes elsewhere.
"""

import random
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

from sandbox.accounts import Approve, Decline, MethodType, Outcome, Processing
from sandbox.effects import ChargeEffect, DeliveryLine, Effects, MailEffect, NoteEffect, RequestLine

DAY = 86_400
SMART_RETRY_DAYS = (2, 3, 3, 2, 2, 1, 1)
"""Days between Stripe's own attempts: eight tries in two weeks, as its default schedule has."""

CRM_KINDS = ("companies", "contacts", "notes", "tasks", "tickets", "deals")


class Clock:
    """The sandbox's time: the machine's, or one that was set and runs on from there."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def stamp(self) -> int:
        return int(self.now().timestamp())

    def set(self, at: datetime | None) -> None:
        self._ahead = timedelta() if at is None else at.astimezone(UTC) - datetime.now(UTC)


class Ids:
    """Ids that look like the vendors'. Random, unless a seed asks for the same ones every time."""

    _LETTERS = string.ascii_letters + string.digits

    def __init__(self, seed: str | None = None) -> None:
        self._random = random.Random(seed)
        self._number = self._random.randrange(10**9, 9 * 10**9)

    def new(self, prefix: str, length: int = 24) -> str:
        return prefix + "".join(self._random.choices(self._LETTERS, k=length))

    def number(self) -> str:
        """HubSpot's ids are numbers that only grow."""
        self._number += self._random.randrange(1, 40)
        return str(self._number)


# --- Stripe -------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Customer:
    id: str
    created: int
    livemode: bool
    name: str
    email: str | None
    locale: str
    country: str
    currency: str
    timezone: str = "UTC"
    default_payment_method: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    deleted: bool = False


@dataclass(kw_only=True)
class PaymentMethod:
    id: str
    created: int
    livemode: bool
    customer: str
    type: MethodType
    brand: str
    funding: str
    last4: str
    exp_month: int
    exp_year: int
    country: str
    fingerprint: str
    bank_name: str
    outcomes: tuple[Outcome, ...]
    asked: int = 0
    """How often the bank was asked about it."""

    def next_outcome(self) -> Outcome:
        """What the bank says now; the last line of the script repeats."""
        outcome = self._coming()
        self.asked += 1
        return outcome

    def would_pay(self) -> bool:
        """Whether the next attempt would end in money."""
        outcome = self._coming()
        return isinstance(outcome.then if isinstance(outcome, Processing) else outcome, Approve)

    def _coming(self) -> Outcome:
        return self.outcomes[min(self.asked, len(self.outcomes) - 1)]


@dataclass(kw_only=True)
class PauseCollection:
    behavior: Literal["keep_as_draft", "mark_uncollectible", "void"]
    resumes_at: int | None = None


@dataclass(kw_only=True)
class Subscription:
    id: str
    created: int
    livemode: bool
    customer: str
    status: str
    currency: str
    amount: int
    plan_name: str
    plan_tier: str
    price: str
    product: str
    item: str
    interval: str
    interval_count: int
    period_start: int
    period_end: int
    collection_method: str
    trial_end: int | None = None
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    pause: PauseCollection | None = None
    default_payment_method: str | None = None
    latest_invoice: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Invoice:
    id: str
    number: str
    created: int
    livemode: bool
    customer: str
    subscription: str | None
    currency: str
    amount_due: int
    description: str
    period_start: int
    period_end: int
    billing_reason: str
    collection_method: str
    auto_advance: bool
    hosted_invoice_url: str
    status: str = "open"
    amount_paid: int = 0
    attempt_count: int = 0
    attempted: bool = False
    next_payment_attempt: int | None = None
    due_date: int | None = None
    default_payment_method: str | None = None
    paid_at: int | None = None
    voided_at: int | None = None
    marked_uncollectible_at: int | None = None
    uncollectible_reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def amount_remaining(self) -> int:
        return self.amount_due - self.amount_paid

    @property
    def collectable(self) -> bool:
        """Uncollectible invoices can still be paid."""
        return self.status in ("open", "uncollectible")


@dataclass(kw_only=True)
class PaymentIntent:
    id: str
    created: int
    livemode: bool
    customer: str
    invoice: str
    amount: int
    currency: str
    status: str = "requires_payment_method"
    payment_method: str | None = None
    last_decline: Decline | None = None
    latest_charge: str | None = None
    settles_as: Approve | Decline | None = None
    """What the bank will say once an asynchronous payment settles."""


@dataclass(kw_only=True)
class InvoicePayment:
    """The link between an invoice and the payment intent that pays it."""

    id: str
    created: int
    livemode: bool
    invoice: str
    payment_intent: str
    amount_requested: int
    currency: str
    amount_paid: int | None = None
    is_default: bool = True
    status: Literal["open", "paid", "canceled"] = "open"
    paid_at: int | None = None
    canceled_at: int | None = None


@dataclass(kw_only=True)
class Charge:
    id: str
    created: int
    livemode: bool
    customer: str
    payment_intent: str
    payment_method: str
    method: PaymentMethod
    """The payment method as it was when the bank was asked."""
    amount: int
    currency: str
    status: Literal["succeeded", "pending", "failed"]
    decline: Decline | None = None
    disputed: bool = False


@dataclass(kw_only=True)
class Dispute:
    id: str
    created: int
    livemode: bool
    charge: str
    payment_intent: str
    amount: int
    currency: str
    reason: str
    status: str


@dataclass(kw_only=True)
class Event:
    id: str
    created: int
    livemode: bool
    type: str
    object: dict[str, Any]
    """The snapshot: what the thing looked like when the event was made."""
    previous_attributes: dict[str, Any] | None
    api_version: str
    request_id: str | None = None
    idempotency_key: str | None = None
    delivered: bool = False
    undelivered_reason: str | None = None


# --- HubSpot ------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class CrmRecord:
    """A company, contact, note, task, ticket or deal: HubSpot keeps them all as properties."""

    kind: str
    id: str
    created_at: datetime
    updated_at: datetime
    properties: dict[str, str]
    archived: bool = False
    searchable_at: float = 0.0
    """Monotonic instant from which the search index knows it."""


@dataclass(kw_only=True)
class Owner:
    id: str
    user_id: int
    email: str
    first_name: str
    last_name: str
    created_at: datetime
    archived: bool = False


@dataclass(kw_only=True)
class PropertyDefinition:
    """One property of a kind of CRM record. Only `unique` ones can identify a record."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = "information"
    unique: bool = False
    hubspot_defined: bool = True
    description: str = ""
    created_at: datetime | None = None


# --- Graph --------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Message:
    """An item in a mailbox. Sending one makes a new item with the same internet message id."""

    id: str
    mailbox: str
    folder: Literal["drafts", "sentitems"]
    is_draft: bool
    content: dict[str, Any]
    """What the client wrote, in Graph's words."""
    internet_message_id: str
    conversation_id: str
    created_at: datetime
    changed_at: datetime
    sent_at: datetime | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    visible_at: float = 0.0
    """Monotonic instant from which it can be read (a sent copy may lag)."""
    gone_at: float | None = None
    """Monotonic instant from which it is gone (a sent draft may linger)."""


# --- everything ---------------------------------------------------------------------------------


Thing = TypeVar("Thing")


class Table(dict[str, Thing]):
    """Things by their id, quickly found by what they refer to as well.

    What a thing refers to (its customer, its invoice) never changes while it exists.
    """

    def __init__(self, *references: str) -> None:
        super().__init__()
        self._index: dict[tuple[str, str | None], dict[str, Thing]] = {}
        self._references = references

    def __setitem__(self, id: str, thing: Thing) -> None:
        super().__setitem__(id, thing)
        for name in self._references:
            self._index.setdefault((name, getattr(thing, name)), {})[id] = thing

    def __delitem__(self, id: str) -> None:
        for name in self._references:
            del self._index[name, getattr(self[id], name)][id]
        super().__delitem__(id)

    def of(self, **reference: str | None) -> list[Thing]:
        """The things that refer to something, oldest first: `charges.of(customer="cus_1")`."""
        ((name, id),) = reference.items()
        assert name in self._references, f"no index on {name}"
        return list(self._index.get((name, id), {}).values())


class World:
    """Everything that exists, and everything that happened to it."""

    def __init__(self, seed: str | None = None, *, clock: Clock | None = None) -> None:
        self.ids = Ids(seed)
        self.clock = clock or Clock()
        self.origin = "http://127.0.0.1"
        """Where the sandbox's own pages are reachable."""
        self.clear()

    def clear(self) -> None:
        """Forget everything. Ids go on, so that nothing old is ever met again."""
        self.customers: Table[Customer] = Table()
        self.payment_methods: Table[PaymentMethod] = Table("customer")
        self.subscriptions: Table[Subscription] = Table("customer")
        self.invoices: Table[Invoice] = Table("customer", "subscription")
        self.invoice_payments: Table[InvoicePayment] = Table("invoice", "payment_intent")
        self.payment_intents: Table[PaymentIntent] = Table()
        self.charges: Table[Charge] = Table("customer", "payment_intent")
        self.disputes: Table[Dispute] = Table("charge", "payment_intent")
        self.events: Table[Event] = Table()

        self.crm: dict[str, dict[str, CrmRecord]] = {kind: {} for kind in CRM_KINDS}
        self.owners: dict[str, Owner] = {}
        self.links: dict[tuple[str, str, str], set[str]] = {}
        """Associations: (kind, id, other kind) to the other ids, kept in both directions."""
        self.properties: dict[str, dict[str, PropertyDefinition]] = {kind: {} for kind in CRM_KINDS}

        self.messages: dict[str, Message] = {}

        self.effects = Effects()
        self.requests: list[RequestLine] = []
        self.deliveries: list[DeliveryLine] = []
        self.contract_breaches: list[str] = []

    # Stripe's relations

    def intent_of(self, invoice: Invoice) -> PaymentIntent:
        return self.payment_intents[self.payment_of(invoice).payment_intent]

    def payment_of(self, invoice: Invoice) -> InvoicePayment:
        return next(p for p in self.invoice_payments.of(invoice=invoice.id) if p.is_default)

    def method_for(self, invoice: Invoice) -> PaymentMethod | None:
        """The card that Stripe would charge: invoice, then subscription, then customer."""
        subscription = self.subscriptions.get(invoice.subscription or "")
        for candidate in (
            invoice.default_payment_method,
            subscription.default_payment_method if subscription else None,
            self.customers[invoice.customer].default_payment_method,
        ):
            method = self.payment_methods.get(candidate or "")
            if method and method.customer == invoice.customer:
                return method
        return None

    # HubSpot's relations

    def link(self, kind: str, id: str, other_kind: str, other_id: str) -> None:
        self.links.setdefault((kind, id, other_kind), set()).add(other_id)
        self.links.setdefault((other_kind, other_id, kind), set()).add(id)

    def linked(self, kind: str, id: str, other_kind: str) -> list[str]:
        return sorted(self.links.get((kind, id, other_kind), ()), key=int)

    def record_by(self, kind: str, property_name: str, value: str) -> CrmRecord | None:
        wanted = value.casefold()
        for record in self.crm[kind].values():
            if record.properties.get(property_name, "").casefold() == wanted:
                return record
        return None

    # The log of effects

    def saw_charge(self, effect: ChargeEffect) -> None:
        self.effects.charges.append(effect)

    def saw_mail(self, effect: MailEffect) -> None:
        self.effects.mails.append(effect)

    def saw_note(self, effect: NoteEffect) -> None:
        self.effects.notes.append(effect)

    def saw_note_again(self, note: str, body: str, properties: dict[str, str]) -> None:
        for index, effect in enumerate(self.effects.notes):
            if effect.note == note:
                self.effects.notes[index] = effect.model_copy(
                    update={
                        "body": body,
                        "properties": properties,
                        "updates": effect.updates + 1,
                    }
                )

    def note_linked(self, note: str) -> None:
        """The note's companies changed: the effect follows."""
        companies = tuple(self.linked("notes", note, "companies"))
        for index, effect in enumerate(self.effects.notes):
            if effect.note == note:
                self.effects.notes[index] = effect.model_copy(update={"companies": companies})


def newest_first(
    things: Iterable[Thing], created: Callable[[Thing], int] | None = None
) -> list[Thing]:
    """In the order Stripe lists them; within one second the later one comes first."""
    rows = list(things)[::-1]
    return sorted(rows, key=created, reverse=True) if created else rows
