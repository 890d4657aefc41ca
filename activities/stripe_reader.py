"""One look at an invoice in Stripe, parsed at this edge into the words of `workflows.facts`.

The calls, and why these: an expanded path may have four levels at most, so the latest charge is
reached through the invoice's payments (call A) and not through the invoice (call C). Charges are
asked for by customer (call B), because limits of card networks count a card's attempts on all
invoices.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import stripe

from activities.errors import LONGEST_WAIT, retry_later
from activities.ledger import Clock, wall_clock
from activities.readings import StripeReading
from activities.stripe_api import API_VERSION, Gone, asking
from workflows.facts import (
    BankAttempt,
    Customer,
    Dispute,
    Failure,
    Invoice,
    OpenInvoice,
    PaymentMethod,
    Subscription,
)
from workflows.money import Money
from workflows.nouns import ChargeId, CustomerId, InvoiceId

Json = dict[str, Any]

A_PAGE = 100  # Stripe's most
MOST_PAGES = 5
CARD_WINDOW = timedelta(days=30)  # Visa and Mastercard count attempts over 30 days
MOST_DISPUTED = 5  # charges whose disputes we look up; more than one is rare
READ: stripe.RequestOptions = {"max_network_retries": 2}  # a read does nothing twice

CHARGE_EVENTS = ("charge.succeeded", "charge.pending", "charge.failed")


class Reader:
    def __init__(self, client: stripe.StripeClient, clock: Clock = wall_clock) -> None:
        self._stripe = client.v1
        self._clock = clock

    async def read(self, invoice: InvoiceId) -> StripeReading:
        """Everything the rules and the agent may know of Stripe. Four calls, five with a dispute.

        Raises `Gone` when the invoice or its customer was deleted or is of the other mode.
        """
        return await self._read(invoice, whole=True)

    async def read_light(self, invoice: InvoiceId) -> StripeReading:
        """Enough to see whether it is over, and whether a charge is permitted: three calls.

        Without other open invoices and without charges before the newest hundred;
        `completed_by` takes these from the round's own reading.
        """
        return await self._read(invoice, whole=False)

    async def _read(self, id: InvoiceId, *, whole: bool) -> StripeReading:
        with asking(id):
            found, payments = await asyncio.gather(self._invoice(id), self._payments(id))
            customer = _customer_of(found)
            charges, others = await asyncio.gather(
                self._charges(customer["id"], self._since(found) if whole else None),
                self._open_invoices(customer["id"]) if whole else _nothing(),
            )
            disputes = await self._disputes(charges)
            method = await self._method(found, customer)
        try:
            return _reading(
                found, payments, customer, charges, others, disputes, method,
                taken_at=self._clock(), whole=whole,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise retry_later(
                f"Stripe's answer about {id} is not what we know how to read ({_where(error)}). "
                f"We expect API version {API_VERSION}; `dunning doctor` shows more.",
                LONGEST_WAIT,
            ) from None

    # ── the calls ───────────────────────────────────────────────────────────────────────

    async def invoice(self, id: InvoiceId) -> Json:
        """The invoice and its subscription's state, for writing to the invoice."""
        with asking(id):
            return await self._invoice(id, expand=("parent.subscription_details.subscription",))

    async def _invoice(
        self,
        id: InvoiceId,
        expand: tuple[str, ...] = (
            "parent.subscription_details.subscription.default_payment_method",
            "customer.invoice_settings.default_payment_method",
            "default_payment_method",
        ),
    ) -> Json:
        try:
            found = await self._stripe.invoices.retrieve_async(id, {"expand": list(expand)}, READ)
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                raise Gone(
                    "INVOICE_DELETED", "Stripe has no such invoice: deleted, or of the other mode."
                ) from None
            raise
        return found.to_dict()

    async def _payments(self, id: InvoiceId) -> list[Json]:
        page = await self._stripe.invoice_payments.list_async(
            {
                "invoice": id,
                "limit": A_PAGE,
                "expand": [
                    "data.payment.payment_intent.latest_charge",
                    "data.payment.payment_intent.payment_method",
                ],
            },
            READ,
        )
        return [payment.to_dict() for payment in page.data]

    async def _charges(self, customer: str, since: datetime | None) -> list[Json]:
        """Newest first; the newest hundred, and all that are younger than `since`."""
        charges: list[Json] = []
        for _ in range(MOST_PAGES):
            wanted: Any = {"customer": customer, "limit": A_PAGE}
            if charges:
                wanted["starting_after"] = charges[-1]["id"]
            page = await self._stripe.charges.list_async(wanted, READ)
            charges += [charge.to_dict() for charge in page.data]
            if since is None or not page.has_more or _at(charges[-1]["created"]) < since:
                break
        return charges

    async def _open_invoices(self, customer: str) -> list[Json]:
        page = await self._stripe.invoices.list_async(
            {"customer": customer, "status": "open", "limit": A_PAGE}, READ
        )
        return [invoice.to_dict() for invoice in page.data]

    async def _disputes(self, charges: Iterable[Json]) -> list[Json]:
        disputed = [charge["id"] for charge in charges if charge.get("disputed")][:MOST_DISPUTED]
        pages = await asyncio.gather(
            *(self._stripe.disputes.list_async({"charge": charge}, READ) for charge in disputed)
        )
        return [dispute.to_dict() for page in pages for dispute in page.data]

    async def _method(self, invoice: Json, customer: Json) -> Json | None:
        """What Stripe would charge next. An old-style source must be asked for by its id."""
        method = _next_method(invoice, customer)
        if isinstance(method, str):
            found = await self._stripe.payment_methods.retrieve_async(method, None, READ)
            return found.to_dict()
        return method

    def _since(self, invoice: Json) -> datetime:
        return min(self._clock() - CARD_WINDOW, _at(invoice["created"]))

    async def key_of(self, charge: ChargeId, made_at: datetime) -> tuple[bool, str | None]:
        """Was the event of a charge found, and with which idempotency key was it asked for?

        A charge itself does not know. Its event may be missing: not yet written, older than 30
        days, or our key may not read events.
        """
        page: Any = None
        try:
            page = await self._stripe.events.list_async(
                {
                    "types": list(CHARGE_EVENTS),
                    "created": {"gte": int(made_at.timestamp()) - 5},
                    "limit": A_PAGE,
                },
                READ,
            )
        except stripe.PermissionError:
            return False, None
        except stripe.StripeError as error:
            with asking(charge):
                raise error
        events = [event.to_dict() for event in page.data]
        about = [event for event in events if event["data"]["object"]["id"] == charge]
        if not about:
            return False, None
        first = min(about, key=lambda event: int(event["created"]))
        return True, (first.get("request") or {}).get("idempotency_key")


async def _nothing() -> list[Json]:
    return []


def completed_by(reading: StripeReading, earlier: StripeReading | None) -> StripeReading:
    """A light reading, with what only a whole one looks for. Both on the same clock."""
    if reading.whole or earlier is None:
        return reading
    seen = {attempt.charge for attempt in reading.attempts}
    older = tuple(attempt for attempt in earlier.attempts if attempt.charge not in seen)
    return reading.model_copy(
        update={
            "other_open_invoices": earlier.other_open_invoices,
            "attempts": tuple(sorted((*older, *reading.attempts), key=lambda each: each.at)),
        }
    )


# ── Stripe's JSON, in our words ─────────────────────────────────────────────────────────


def _reading(
    invoice: Json,
    payments: list[Json],
    customer: Json,
    charges: list[Json],
    others: list[Json],
    disputes: list[Json],
    method: Json | None,
    *,
    taken_at: datetime,
    whole: bool,
) -> StripeReading:
    intent = _intent_of(payments)
    latest = (intent or {}).get("latest_charge")
    if latest and latest["id"] not in {charge["id"] for charge in charges}:
        charges = [latest, *charges]
    ours = {each["id"] for payment in payments if (each := _intent_in(payment))}
    return StripeReading(
        taken_at=taken_at,
        whole=whole,
        invoice=_invoice(invoice, intent),
        customer=_customer(customer, invoice),
        failure=_failure(invoice, intent, latest),
        payment_method=_payment_method(method, latest, taken_at) if method else None,
        subscription=_subscription(invoice),
        disputes=tuple(_dispute(dispute) for dispute in disputes),
        other_open_invoices=tuple(
            _open_invoice(other) for other in others if other["id"] != invoice["id"]
        ),
        attempts=_attempts(charges, InvoiceId(invoice["id"]), ours, intent),
        payment_intent=intent["id"] if intent else None,
        latest_charge=latest["id"] if latest else None,
        latest_charge_status=latest["status"] if latest else None,
        metadata=dict(invoice.get("metadata") or {}),
    )


def _customer_of(invoice: Json) -> Json:
    customer: Json = invoice["customer"]
    if customer.get("deleted"):
        raise Gone("CUSTOMER_DELETED", "The customer was deleted in Stripe.")
    return customer


def _intent_in(payment: Json) -> Json | None:
    intent = payment["payment"].get("payment_intent")
    return intent if isinstance(intent, dict) else None


def _intent_of(payments: list[Json]) -> Json | None:
    """The default payment's intent, else the newest; cancelled payments do not count."""
    alive = [payment for payment in payments if payment["status"] != "canceled"]
    alive.sort(key=lambda payment: (not payment["is_default"], -payment["created"]))
    return next((intent for payment in alive if (intent := _intent_in(payment))), None)


def _next_method(invoice: Json, customer: Json) -> Json | str | None:
    """What is charged next, in Stripe's own order; the invoice's own default goes first.

    https://docs.stripe.com/billing/revenue-recovery/smart-retries, "Payment method ordering".
    """
    subscription = _subscription_in(invoice) or {}
    places: tuple[Json | str | None, ...] = (
        invoice.get("default_payment_method"),
        invoice.get("default_source"),
        subscription.get("default_payment_method"),
        subscription.get("default_source"),
        (customer.get("invoice_settings") or {}).get("default_payment_method"),
        customer.get("default_source"),
    )
    return next((place for place in places if place), None)


def has_ended(invoice: Json) -> bool:
    """Is the subscription that this invoice is for cancelled? Then Stripe collects it no more."""
    status = (_subscription_in(invoice) or {}).get("status")
    return status in ("canceled", "incomplete_expired")


def _subscription_in(invoice: Json) -> Json | None:
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    subscription = details.get("subscription")
    return subscription if isinstance(subscription, dict) else None


def _invoice(invoice: Json, intent: Json | None) -> Invoice:
    currency = invoice["currency"]

    def money(field: str) -> Money:
        return Money(amount=invoice[field], currency=currency)

    return Invoice(
        id=invoice["id"],
        number=invoice.get("number"),
        status=invoice["status"],
        due=money("amount_due"),
        paid=money("amount_paid"),
        remaining=money("amount_remaining"),
        attempt_count=invoice["attempt_count"],
        billing_reason=invoice.get("billing_reason"),
        collection_method=invoice["collection_method"],
        auto_advance=bool(invoice.get("auto_advance")),
        next_payment_attempt=_maybe(invoice.get("next_payment_attempt")),
        due_date=_maybe(invoice.get("due_date")),
        created=_at(invoice["created"]),
        livemode=invoice["livemode"],
        payment_intent_status=intent["status"] if intent else None,
        period_end=_maybe(invoice.get("period_end")),
        description=invoice.get("description"),
    )


def _customer(customer: Json, invoice: Json) -> Customer:
    return Customer(
        id=CustomerId(customer["id"]),
        name=customer.get("name") or invoice.get("customer_name"),
        email=invoice.get("customer_email") or customer.get("email"),
        locale=next(iter(customer.get("preferred_locales") or ()), None),
        timezone=_known_zone((customer.get("metadata") or {}).get("timezone")),
        country=(customer.get("address") or {}).get("country"),
    )


def _known_zone(name: str | None) -> str | None:
    try:
        return ZoneInfo(name).key if name else None
    except (ValueError, OSError):  # not a zone; a path that is none of ours
        return None


def _failure(invoice: Json, intent: Json | None, latest: Json | None) -> Failure | None:
    """Why the latest attempt failed; None when it did not, or when nothing was attempted."""
    error = (intent or {}).get("last_payment_error")
    if latest is not None and latest["status"] == "failed":
        return _failed_charge(
            latest, error if error and error.get("charge") == latest["id"] else {}
        )
    if error is None or latest is not None:
        return None
    return Failure(  # refused before there was a charge, as without a card
        code=error.get("code"),
        decline_code=error.get("decline_code"),
        advice_code=error.get("advice_code"),
        network_decline_code=error.get("network_decline_code"),
        network_advice_code=error.get("network_advice_code"),
        failed_at=_at(invoice["created"]),
        payment_method=(error.get("payment_method") or {}).get("id"),
    )


def _failed_charge(charge: Json, error: Json) -> Failure:
    """`error` is the intent's own, which belongs to its latest attempt only; the charge's stays."""
    outcome = charge.get("outcome") or {}

    def either(name: str) -> str | None:
        return error.get(name) or outcome.get(name)

    return Failure(
        code=error.get("code") or charge.get("failure_code"),
        decline_code=error.get("decline_code") or _declined_as(charge),
        advice_code=either("advice_code"),
        network_decline_code=either("network_decline_code"),
        network_advice_code=either("network_advice_code"),
        failed_at=_at(charge["created"]),
        charge=ChargeId(charge["id"]),
        fingerprint=_details_of(charge).get("fingerprint"),
        payment_method=charge.get("payment_method"),
        outcome_type=outcome.get("type"),
        outcome_reason=outcome.get("reason"),
        network_status=outcome.get("network_status"),
        risk_level=outcome.get("risk_level"),
    )


def _declined_as(charge: Json) -> str | None:
    """The decline code, which a charge keeps as its outcome's reason when the issuer spoke."""
    outcome = charge.get("outcome") or {}
    return outcome.get("reason") if outcome.get("type") == "issuer_declined" else None


def _details_of(charge: Json) -> Json:
    """`payment_method_details.card` and its kin."""
    details = charge.get("payment_method_details") or {}
    found: Json = details.get(details.get("type", "")) or {}
    return found


def _payment_method(method: Json, latest: Json | None, taken_at: datetime) -> PaymentMethod:
    """`updated_at` is when this method was added, or by when we saw that its network renewed it.

    Stripe does not say when a network put a new card behind a method. It shows when the card is not
    the one that the latest charge was made to.
    """
    kind = method.get("type") or "card"
    details: Json = method.get(kind) or {}
    charged = _details_of(latest) if latest and latest.get("payment_method") == method["id"] else {}
    renewed = any(
        name in charged and charged[name] != details.get(name)
        for name in ("fingerprint", "exp_month", "exp_year", "last4")
    )
    return PaymentMethod(
        id=method["id"],
        type=kind,
        brand=details.get("brand"),
        funding=details.get("funding"),
        last4=details.get("last4"),
        exp_month=details.get("exp_month"),
        exp_year=details.get("exp_year"),
        country=details.get("country"),
        fingerprint=details.get("fingerprint"),
        updated_at=taken_at if renewed else _maybe(method.get("created")),
        updated_by="network_updater" if renewed else None,
    )


def _attempts(
    charges: list[Json], invoice: InvoiceId, intents: set[str], intent: Json | None
) -> tuple[BankAttempt, ...]:
    error = (intent or {}).get("last_payment_error") or {}
    found = [
        BankAttempt(
            charge=ChargeId(charge["id"]),
            at=_at(charge["created"]),
            amount=Money(amount=charge["amount"], currency=charge["currency"]),
            fingerprint=_details_of(charge).get("fingerprint"),
            succeeded=charge["status"] == "succeeded",
            code=_code_of(charge, error),
            reached_network=(charge.get("outcome") or {}).get("network_status")
            != "not_sent_to_network",
            invoice=invoice if charge.get("payment_intent") in intents else None,
        )
        for charge in charges
    ]
    found.reverse()  # Stripe's newest first; within one second its order is all there is
    return tuple(sorted(found, key=lambda attempt: attempt.at))


def _code_of(charge: Json, error: Json) -> str | None:
    if charge["status"] != "failed":
        return None
    told: str | None = error.get("decline_code") if error.get("charge") == charge["id"] else None
    return told or _declined_as(charge) or charge.get("failure_code")


def _subscription(invoice: Json) -> Subscription | None:
    found = _subscription_in(invoice)
    if found is None:
        return None
    items: list[Json] = (found.get("items") or {}).get("data") or []
    ends = [item["current_period_end"] for item in items if item.get("current_period_end")]
    recurring: Json = ((items[0].get("price") or {}).get("recurring") or {}) if items else {}
    pause: Json | None = found.get("pause_collection")
    return Subscription(
        id=found["id"],
        status=found["status"],
        cancel_at_period_end=bool(found.get("cancel_at_period_end")),
        canceled_at=_maybe(found.get("canceled_at")),
        collection_paused=pause is not None,
        resumes_at=_maybe((pause or {}).get("resumes_at")),
        trial_end=_maybe(found.get("trial_end")),
        current_period_end=_maybe(max(ends, default=None)),
        interval=recurring.get("interval"),
        interval_count=recurring.get("interval_count"),
    )


def _dispute(dispute: Json) -> Dispute:
    return Dispute(
        id=dispute["id"],
        status=dispute["status"],
        reason=dispute.get("reason"),
        amount=Money(amount=dispute["amount"], currency=dispute["currency"]),
        created=_at(dispute["created"]),
    )


def _open_invoice(invoice: Json) -> OpenInvoice:
    return OpenInvoice(
        id=invoice["id"],
        number=invoice.get("number"),
        remaining=Money(amount=invoice["amount_remaining"], currency=invoice["currency"]),
        created=_at(invoice["created"]),
        attempt_count=invoice["attempt_count"],
        status=invoice["status"],
    )


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _maybe(seconds: int | None) -> datetime | None:
    return None if seconds is None else _at(seconds)


def _where(error: Exception) -> str:
    """The name of the field, without its value."""
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    places = getattr(error, "errors", None)
    if places is None:
        return type(error).__name__
    return ", ".join(".".join(map(str, each["loc"])) for each in places(include_input=False))
