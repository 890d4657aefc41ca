"""What can be made to happen in the sandbox: by customers, by the bank, by Stripe, by chance.

The control API exposes exactly these methods; `sandbox.control.Sandbox` is the client to them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, TypeVar

from sandbox.accounts import (
    Account,
    AccountScript,
    Approve,
    CardScript,
    DealScript,
    Decline,
    NoteScript,
    TicketScript,
    good_card,
)
from sandbox.billing import Billing, PauseBehavior, Verdict
from sandbox.build import Builder
from sandbox.crm import define_standard_properties
from sandbox.effects import DeliveryLine, Effects, RequestLine
from sandbox.faults import Fault, Faults
from sandbox.hubspot import HubSpotApp
from sandbox.knobs import Knobs
from sandbox.stripe import StripeApp
from sandbox.stripe_objects import Json, StripeObjects
from sandbox.webhooks import Endpoint, Webhooks, as_json
from sandbox.world import Customer, Event, Invoice, Subscription, World

Order = Literal["kept", "reversed", "dropped"]


class ImpossibleError(Exception):
    """What was asked for cannot happen to that thing in its present state."""


class Director:
    """Makes things happen in one world."""

    def __init__(
        self,
        world: World,
        *,
        billing: Billing,
        webhooks: Webhooks,
        faults: Faults,
        knobs: Knobs,
        stripe: StripeApp,
        hubspot: HubSpotApp,
    ) -> None:
        self.world = world
        self.billing = billing
        self.webhooks = webhooks
        self.faults = faults
        self.knobs = knobs
        self.stripe = stripe
        self.hubspot = hubspot
        self.objects: StripeObjects = billing.objects
        self.builder = Builder(world, billing)

    # --- accounts -----------------------------------------------------------------------------

    def add_account(self, script: AccountScript) -> Account:
        with self._telling(False):
            return self.builder.account(script)

    def fail(self, invoice: str, tell_us: bool = True) -> str:
        """Stripe's first attempt, as the card's script has it. Answers the event's id."""
        due = self._open(invoice)
        with self._telling(tell_us):
            method = self.world.method_for(due)
            if method is None:
                return self.billing.fail_without_method(due).id
            if method.would_pay():
                raise ImpossibleError(f"{invoice}: the card's script approves, nothing would fail")
            who: Literal["customer", "stripe"] = (
                "customer" if due.collection_method == "send_invoice" else "stripe"
            )
            if self.billing.attempt(due, method, who=who) == "processing":
                self.billing.settle(due)
        return self._latest("invoice.payment_failed").id

    def stripe_retries(self, invoice: str, tell_us: bool = True) -> Verdict | None:
        """Stripe's own schedule strikes. None when it would not touch this invoice."""
        due = self._invoice(invoice)
        method = self.world.method_for(due)
        if due.status != "open" or due.next_payment_attempt is None or method is None:
            return None
        with self._telling(tell_us):
            return self.billing.attempt(due, method, who="stripe")

    def customer_pays(
        self, invoice: str, tell_us: bool = True, card: CardScript | None = None
    ) -> None:
        """The customer pays on the hosted page, with another card unless one is given."""
        due = self._open(invoice)
        if self.world.intent_of(due).status == "processing":
            raise ImpossibleError(f"{invoice}: a payment is processing, the page offers no button")
        with self._telling(tell_us):
            customer = self.world.customers[due.customer]
            method = self.builder.payment_method(customer, card or good_card())
            self.billing.attempt(due, method, who="customer", outcome=Approve())

    def customer_is_declined(
        self, invoice: str, decline: Decline | None = None, tell_us: bool = True
    ) -> None:
        """The customer tries on the hosted page, and the bank says no."""
        due = self._open(invoice)
        with self._telling(tell_us):
            customer = self.world.customers[due.customer]
            method = self.builder.payment_method(customer, good_card())
            said = decline or Decline(decline_code="generic_decline")
            self.billing.attempt(due, method, who="customer", outcome=said)

    def settle(self, invoice: str, tell_us: bool = True) -> Verdict:
        """An asynchronous payment comes back from the bank."""
        with self._telling(tell_us), _possible():
            return self.billing.settle(self._invoice(invoice))

    def replace_card(
        self,
        customer: str,
        card: CardScript,
        tell_us: bool = True,
        automatic: bool = False,
        on: Literal["customer", "subscription"] = "customer",
    ) -> str:
        """A new card. The portal sets the customer's default only; the network's updater
        (`automatic`) renews the card behind the same payment method. Answers the method's id."""
        owner = self._customer(customer)
        with self._telling(tell_us):
            if automatic:
                return self._renew(owner, card)
            method = self.builder.payment_method(owner, card)
            rendered = self.objects.payment_method(method)
            self.webhooks.publish("payment_method.attached", rendered)
            if on == "subscription":
                for subscription in self.world.subscriptions.of(customer=owner.id):
                    previous = subscription.default_payment_method
                    subscription.default_payment_method = method.id
                    self.webhooks.publish(
                        "customer.subscription.updated",
                        self.objects.subscription(subscription),
                        previous={"default_payment_method": previous},
                    )
                return method.id
            before = owner.default_payment_method
            owner.default_payment_method = method.id
            self.webhooks.publish(
                "customer.updated",
                self.objects.customer(owner),
                previous={"invoice_settings": {"default_payment_method": before}},
            )
            return method.id

    def _renew(self, owner: Customer, card: CardScript) -> str:
        method = next(iter(self.world.payment_methods.of(customer=owner.id)), None)
        if method is None:
            raise ImpossibleError(f"{owner.id} has no card that the network could renew")
        before = {"exp_month": method.exp_month, "exp_year": method.exp_year}
        method.exp_month, method.exp_year, method.last4 = card.exp_month, card.exp_year, card.last4
        method.fingerprint = card.fingerprint or self.world.ids.new("", 16)
        method.outcomes, method.asked = card.outcomes, 0
        self.webhooks.publish(
            "payment_method.automatically_updated",
            self.objects.payment_method(method),
            previous={method.type: before},
        )
        return method.id

    def cancel_subscription(
        self, subscription: str, at_period_end: bool = False, tell_us: bool = True
    ) -> None:
        with self._telling(tell_us):
            self.billing.cancel(self._subscription(subscription), at_period_end=at_period_end)

    def pause_collection(
        self,
        subscription: str,
        behavior: PauseBehavior = "void",
        resumes_at: datetime | None = None,
        tell_us: bool = True,
    ) -> None:
        stamp = None if resumes_at is None else int(resumes_at.timestamp())
        with self._telling(tell_us):
            self.billing.pause(self._subscription(subscription), behavior, stamp)

    def open_dispute(
        self,
        customer: str,
        reason: str = "fraudulent",
        status: str = "needs_response",
        amount: int | None = None,
        tell_us: bool = True,
    ) -> str:
        """The customer disputes their latest paid charge. Answers the dispute's id."""
        charge = self.builder.paid_charge(self._customer(customer))
        if charge is None:
            raise ImpossibleError(
                f"{customer} has paid nothing that could be disputed; give it history"
            )
        with self._telling(tell_us):
            dispute = self.billing.dispute(charge, reason=reason, status=status, amount=amount)
        return dispute.id

    def close_dispute(
        self, dispute: str, status: Literal["won", "lost", "warning_closed"], tell_us: bool = True
    ) -> None:
        found = _known(self.world.disputes.get(dispute), dispute)
        found.status = status
        with self._telling(tell_us):
            self.webhooks.publish("charge.dispute.closed", self.objects.dispute(found))

    def void(self, invoice: str, tell_us: bool = True) -> None:
        with self._telling(tell_us):
            self.billing.void(self._open(invoice))

    def mark_uncollectible(
        self, invoice: str, reason: str = "user_forgiven", tell_us: bool = True
    ) -> None:
        with self._telling(tell_us):
            self.billing.mark_uncollectible(self._open(invoice), reason)

    def delete_invoice(self, invoice: str, tell_us: bool = True) -> None:
        gone = self._invoice(invoice)
        rendered = self.objects.invoice(gone)
        del self.world.invoices[invoice]
        with self._telling(tell_us):
            self.webhooks.publish("invoice.deleted", rendered)

    def delete_customer(self, customer: str, tell_us: bool = True) -> None:
        gone = self._customer(customer)
        with self._telling(tell_us):
            for subscription in self.world.subscriptions.of(customer=customer):
                if subscription.status != "canceled":
                    self.billing.cancel(subscription, at_period_end=False)
            rendered = self.objects.customer(gone)
            gone.deleted = True
            self.webhooks.publish("customer.deleted", rendered)

    def credit(self, invoice: str, amount: int, tell_us: bool = True) -> None:
        """A credit note makes the open invoice smaller."""
        due = self._open(invoice)
        if not 0 < amount < due.amount_remaining:
            raise ImpossibleError(f"{invoice}: only part of what remains can be credited")
        before = due.amount_remaining
        due.amount_due -= amount
        self.world.payment_of(due).amount_requested = due.amount_remaining
        with self._telling(tell_us):
            self.webhooks.publish(
                "invoice.updated",
                self.objects.invoice(due),
                previous={"amount_remaining": before},
            )

    def set_auto_advance(self, invoice: str, on: bool, tell_us: bool = True) -> None:
        """Somebody flips automatic collection in the Dashboard."""
        due = self._open(invoice)
        before = due.auto_advance
        self.billing.set_auto_advance(due, on)
        with self._telling(tell_us):
            self.webhooks.publish(
                "invoice.updated", self.objects.invoice(due), previous={"auto_advance": before}
            )

    # --- the CRM ------------------------------------------------------------------------------

    def add_note(self, company: str, note: NoteScript) -> str:
        """Somebody writes a note on the company. Answers its id."""
        self.company(company)
        return self.builder.note(company, note).id

    def add_ticket(self, company: str, ticket: TicketScript) -> str:
        self.company(company)
        return self.builder.ticket(company, ticket).id

    def add_deal(self, company: str, deal: DealScript, currency: str = "usd") -> str:
        self.company(company)
        return self.builder.deal(company, deal, currency).id

    def set_company(self, company: str, properties: dict[str, str]) -> None:
        """Somebody edits the company in HubSpot."""
        record = _known(self.world.crm["companies"].get(company), company)
        record.properties |= properties
        record.updated_at = self.world.clock.now()

    def company(self, company: str) -> dict[str, str]:
        """The company's properties."""
        return dict(_known(self.world.crm["companies"].get(company), company).properties)

    # --- events -------------------------------------------------------------------------------

    def set_webhook(self, url: str, secret: str, events: list[str] | None = None) -> None:
        """Where Stripe delivers from now on."""
        wanted = None if events is None else frozenset(events)
        self.webhooks.endpoint = Endpoint(url, secret, wanted)

    def send_event(
        self,
        type: str,
        object_id: str,
        times: int = 1,
        api_version: str | None = None,
        overrides: dict[str, Any] | None = None,
    ) -> str:
        """An event about an existing thing, told `times` times. `overrides` falsify the snapshot:
        a stale status, say. Answers the event's id."""
        rendered = self.objects.by_id(object_id)
        if rendered is None and object_id in self.world.disputes:
            rendered = self.objects.dispute(self.world.disputes[object_id])
        snapshot = {**_known(rendered, object_id), **(overrides or {})}
        event = self.webhooks.publish(type, snapshot, api_version=api_version)
        self.deliver(event.id, times - 1)
        return event.id

    def deliver(self, event: str, times: int = 1) -> None:
        """Deliver an event (again), as often as told."""
        _known(self.world.events.get(event), event)
        for _ in range(times):
            self.webhooks.post(event)

    def hold_events(self) -> None:
        """From now on events are made but not delivered, until they are released."""
        self.webhooks.holding = True

    def release_events(self, order: Order | list[str] = "kept") -> list[str]:
        """Deliver what was held: as it came, reversed, not at all, or the ids given, in that order.
        Answers the ids that go out."""
        held = list(self.webhooks.held)
        match order:
            case "kept":
                chosen: Sequence[str] = held
            case "reversed":
                chosen = held[::-1]
            case "dropped":
                chosen = []
            case _:
                chosen = order
        for event in chosen:
            _known(self.world.events.get(event), event)
        self.webhooks.release(chosen)
        return list(chosen)

    async def idle(self) -> None:
        """Until every delivery under way has ended, well or badly."""
        await self.webhooks.idle()

    # --- looking ------------------------------------------------------------------------------

    def effects(self) -> Effects:
        return self.world.effects

    def requests(self, vendor: str | None = None) -> list[RequestLine]:
        return [line for line in self.world.requests if vendor in (None, line.vendor)]

    def deliveries(self) -> list[DeliveryLine]:
        return self.world.deliveries

    def events(self, type: str | None = None) -> list[Json]:
        """Every event made so far, oldest first."""
        return [as_json(e) for e in self.world.events.values() if type in (None, e.type)]

    def invoice(self, invoice: str) -> Json:
        """The invoice as Stripe shows it, with its payments."""
        return self.stripe.expander.expand(
            self.objects.invoice(self._invoice(invoice)), ["payments.data.payment.payment_intent"]
        )

    def drafts(self) -> list[Json]:
        """Mails that were written and not sent."""
        return [
            {"id": m.id, "mailbox": m.mailbox, **m.content}
            for m in self.world.messages.values()
            if m.is_draft
        ]

    def contract_breaches(self) -> list[str]:
        """Answers of the sandbox itself that did not fit the vendors' types."""
        return self.world.contract_breaches

    # --- chance and settings --------------------------------------------------------------------

    def set_faults(self, faults: list[Fault], seed: int | None = None) -> None:
        """Replace the armed faults; an empty list calms everything."""
        self.faults.arm(faults, seed)

    def set_knobs(self, **settings: Any) -> Knobs:
        for name, value in settings.items():
            if name not in Knobs.model_fields:
                raise ImpossibleError(
                    f"no knob {name!r}; there are {', '.join(Knobs.model_fields)}"
                )
            setattr(self.knobs, name, value)
        return self.knobs

    def set_clock(self, at: datetime | None) -> datetime:
        """Set the sandbox's clock; None brings it back to now. With `smart_retries` on, Stripe
        makes the attempts that fell due meanwhile."""
        self.world.clock.set(at)
        if self.knobs.smart_retries:
            for invoice in list(self.world.invoices.values()):
                if (invoice.next_payment_attempt or 0) > self.world.clock.stamp():
                    continue
                self.stripe_retries(invoice.id)
        return self.world.clock.now()

    def forget_idempotency_keys(self) -> None:
        """As if a day had passed at Stripe."""
        self.stripe.keys.forget()

    async def reset(self) -> None:
        """An empty world: no accounts, effects or faults, friendly knobs. The endpoint stays."""
        await self.webhooks.forget()
        self.world.clear()
        self.world.clock.set(None)
        define_standard_properties(self.world)
        self.stripe.keys.forget()
        self.faults.arm([])
        self.set_knobs(**Knobs().model_dump())

    # --- helpers ------------------------------------------------------------------------------

    @contextmanager
    def _telling(self, tell_us: bool) -> Iterator[None]:
        before = self.webhooks.mute
        self.webhooks.mute = before or not tell_us
        try:
            yield
        finally:
            self.webhooks.mute = before

    def _latest(self, type: str) -> Event:
        return next(e for e in reversed(self.world.events.values()) if e.type == type)

    def _invoice(self, id: str) -> Invoice:
        return _known(self.world.invoices.get(id), id)

    def _open(self, id: str) -> Invoice:
        invoice = self._invoice(id)
        if not invoice.collectable:
            raise ImpossibleError(f"{id} is {invoice.status}")
        return invoice

    def _customer(self, id: str) -> Customer:
        return _known(self.world.customers.get(id), id)

    def _subscription(self, id: str) -> Subscription:
        return _known(self.world.subscriptions.get(id), id)


T = TypeVar("T")


def _known(thing: T | None, name: str) -> T:
    if thing is None:
        raise ImpossibleError(f"there is no {name}")
    return thing


@contextmanager
def _possible() -> Iterator[None]:
    try:
        yield
    except ValueError as problem:
        raise ImpossibleError(str(problem)) from problem
