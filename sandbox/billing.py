"""What Stripe and the banks do: attempts, settlements, and the events that tell of them."""

from copy import copy
from typing import Literal

from sandbox.accounts import Approve, Decline, Outcome, Processing, RequiresAction
from sandbox.effects import ChargeEffect, Payer
from sandbox.stripe_objects import StripeObjects
from sandbox.webhooks import BY_ITSELF, Cause, Webhooks
from sandbox.world import (
    DAY,
    SMART_RETRY_DAYS,
    Charge,
    Dispute,
    Event,
    Invoice,
    PauseCollection,
    PaymentMethod,
    Subscription,
    World,
)

Verdict = Literal["paid", "declined", "requires_action", "processing"]
PauseBehavior = Literal["keep_as_draft", "mark_uncollectible", "void"]
HANDBACK_DELAY = 3600
"""Stripe gives no figure for when a schedule resumes; an hour keeps the danger visible."""


class Billing:
    """Moves money in one world."""

    def __init__(self, world: World, webhooks: Webhooks, objects: StripeObjects) -> None:
        self.world = world
        self.webhooks = webhooks
        self.objects = objects

    # --- attempts -----------------------------------------------------------------------------

    def attempt(
        self,
        invoice: Invoice,
        method: PaymentMethod,
        *,
        who: Payer,
        cause: Cause = BY_ITSELF,
        outcome: Outcome | None = None,
    ) -> Verdict:
        """Ask the bank once. `outcome` overrides what the card's script says."""
        said = outcome if outcome is not None else method.next_outcome()
        intent = self.world.intent_of(invoice)
        intent.payment_method = method.id
        intent.amount = invoice.amount_remaining
        invoice.attempted = True
        if who == "stripe" or invoice.attempt_count == 0:
            invoice.attempt_count += 1
        match said:
            case Approve():
                self._approve(invoice, method, cause)
                verdict: Verdict = "paid"
            case Decline():
                self._decline(invoice, method, said, who, cause)
                verdict = "declined"
            case RequiresAction():
                self._require_action(invoice, who, cause)
                verdict = "requires_action"
            case Processing():
                self._start_processing(invoice, method, said, cause)
                verdict = "processing"
        self._log(invoice, method, said, verdict, who, cause)
        return verdict

    def settle(self, invoice: Invoice) -> Verdict:
        """An asynchronous payment comes back from the bank, days later."""
        intent = self.world.intent_of(invoice)
        charge = self.world.charges.get(intent.latest_charge or "")
        if intent.status != "processing" or charge is None:
            raise ValueError(f"{invoice.id}: no payment is processing")
        said = intent.settles_as or Approve()
        intent.settles_as = None
        if isinstance(said, Approve):
            charge.status = "succeeded"
            self._paid(invoice, charge, BY_ITSELF)
            return "paid"
        charge.status, charge.decline = "failed", said
        self._failed(invoice, said, "stripe", BY_ITSELF)
        return "declined"

    def fail_without_method(self, invoice: Invoice) -> Event:
        """The first attempt of an invoice whose customer has no payment method."""
        invoice.attempted = True
        invoice.attempt_count += 1
        return self._tell_failure(invoice, BY_ITSELF)

    def _approve(self, invoice: Invoice, method: PaymentMethod, cause: Cause) -> None:
        self._paid(invoice, self._charge(invoice, method, "succeeded"), cause)

    def _decline(
        self, invoice: Invoice, method: PaymentMethod, said: Decline, who: Payer, cause: Cause
    ) -> None:
        self._charge(invoice, method, "failed", said)
        self._failed(invoice, said, who, cause)

    def _require_action(self, invoice: Invoice, who: Payer, cause: Cause) -> None:
        intent = self.world.intent_of(invoice)
        intent.status, intent.last_decline = "requires_action", None
        self._plan_next_attempt(invoice, who)
        self._past_due(invoice, cause)
        rendered = self.objects.payment_intent(intent)
        self.webhooks.publish("payment_intent.requires_action", rendered, cause=cause)
        self._tell_invoice("invoice.payment_action_required", invoice, cause)
        self._tell_invoice("invoice.payment_failed", invoice, cause)

    def _start_processing(
        self, invoice: Invoice, method: PaymentMethod, said: Processing, cause: Cause
    ) -> None:
        charge = self._charge(invoice, method, "pending")
        intent = self.world.intent_of(invoice)
        intent.status, intent.settles_as = "processing", said.then
        invoice.next_payment_attempt = None
        self.webhooks.publish("charge.pending", self.objects.charge(charge), cause=cause)
        rendered = self.objects.payment_intent(intent)
        self.webhooks.publish("payment_intent.processing", rendered, cause=cause)

    def _charge(
        self,
        invoice: Invoice,
        method: PaymentMethod,
        status: Literal["succeeded", "pending", "failed"],
        decline: Decline | None = None,
    ) -> Charge:
        intent = self.world.intent_of(invoice)
        charge = Charge(
            id=self.world.ids.new("ch_3" if method.type == "card" else "py_3"),
            created=self.world.clock.stamp(),
            livemode=invoice.livemode,
            customer=invoice.customer,
            payment_intent=intent.id,
            payment_method=method.id,
            method=copy(method),
            amount=invoice.amount_remaining,
            currency=invoice.currency,
            status=status,
            decline=decline,
        )
        self.world.charges[charge.id] = charge
        intent.latest_charge = charge.id
        return charge

    def _paid(self, invoice: Invoice, charge: Charge, cause: Cause) -> None:
        now = self.world.clock.stamp()
        intent = self.world.intent_of(invoice)
        intent.status, intent.last_decline = "succeeded", None
        payment = self.world.payment_of(invoice)
        payment.status, payment.paid_at, payment.amount_paid = "paid", now, charge.amount
        invoice.amount_paid += charge.amount
        invoice.status, invoice.paid_at = "paid", now
        invoice.next_payment_attempt = None
        self.webhooks.publish("charge.succeeded", self.objects.charge(charge), cause=cause)
        rendered = self.objects.payment_intent(intent)
        self.webhooks.publish("payment_intent.succeeded", rendered, cause=cause)
        rendered = self.objects.invoice_payment(payment)
        self.webhooks.publish("invoice_payment.paid", rendered, cause=cause)
        self._tell_invoice("invoice.paid", invoice, cause)
        self._tell_invoice("invoice.payment_succeeded", invoice, cause)
        self._cured(invoice, cause)

    def _failed(self, invoice: Invoice, said: Decline, who: Payer, cause: Cause) -> None:
        intent = self.world.intent_of(invoice)
        intent.status, intent.last_decline = "requires_payment_method", said
        charge = self.world.charges[intent.latest_charge or ""]
        self._plan_next_attempt(invoice, who)
        self._past_due(invoice, cause)
        self.webhooks.publish("charge.failed", self.objects.charge(charge), cause=cause)
        rendered = self.objects.payment_intent(intent)
        self.webhooks.publish("payment_intent.payment_failed", rendered, cause=cause)
        self._tell_invoice("invoice.payment_failed", invoice, cause)

    def _tell_failure(self, invoice: Invoice, cause: Cause) -> Event:
        self._plan_next_attempt(invoice, "stripe")
        self._past_due(invoice, cause)
        return self._tell_invoice("invoice.payment_failed", invoice, cause)

    def _tell_invoice(self, type: str, invoice: Invoice, cause: Cause) -> Event:
        return self.webhooks.publish(type, self.objects.invoice(invoice), cause=cause)

    def _plan_next_attempt(self, invoice: Invoice, who: Payer) -> None:
        """Only Stripe's own attempts move its schedule; a manual one leaves it alone."""
        if not invoice.auto_advance or invoice.collection_method == "send_invoice":
            invoice.next_payment_attempt = None
        elif who == "stripe" or invoice.next_payment_attempt is None:
            done = invoice.attempt_count - 1
            invoice.next_payment_attempt = (
                self.world.clock.stamp() + SMART_RETRY_DAYS[done] * DAY
                if done < len(SMART_RETRY_DAYS)
                else None
            )

    def _past_due(self, invoice: Invoice, cause: Cause) -> None:
        subscription = self.world.subscriptions.get(invoice.subscription or "")
        if subscription is not None and subscription.status in ("active", "trialing"):
            first = invoice.billing_reason == "subscription_create"
            self._move(subscription, "incomplete" if first else "past_due", cause)

    def _cured(self, invoice: Invoice, cause: Cause) -> None:
        """Paying the latest invoice brings the subscription back; an older one does not."""
        subscription = self.world.subscriptions.get(invoice.subscription or "")
        if (
            subscription is not None
            and subscription.latest_invoice == invoice.id
            and subscription.status in ("past_due", "incomplete", "unpaid")
        ):
            self._move(subscription, "active", cause)

    def _move(self, subscription: Subscription, status: str, cause: Cause) -> None:
        previous = {"status": subscription.status}
        subscription.status = status
        self.webhooks.publish(
            "customer.subscription.updated",
            self.objects.subscription(subscription),
            cause=cause,
            previous=previous,
        )

    def _log(
        self,
        invoice: Invoice,
        method: PaymentMethod,
        said: Outcome,
        verdict: Verdict,
        who: Payer,
        cause: Cause,
    ) -> None:
        intent = self.world.intent_of(invoice)
        decline = said if isinstance(said, Decline) else None
        self.world.saw_charge(
            ChargeEffect(
                at=self.world.clock.now(),
                invoice=invoice.id,
                customer=invoice.customer,
                charge=None if verdict == "requires_action" else intent.latest_charge,
                payment_intent=intent.id,
                payment_method=method.id,
                amount=intent.amount,
                currency=invoice.currency,
                outcome=verdict,
                code=decline.code if decline else None,
                decline_code=decline.decline_code if decline else None,
                who=who,
                idempotency_key=cause.idempotency_key,
            )
        )

    # --- what people do in the Dashboard, and customers in their portal -------------------------

    def set_auto_advance(self, invoice: Invoice, on: bool) -> None:
        """Switch Stripe's own collection of this invoice on or off."""
        if invoice.auto_advance == on:
            return
        invoice.auto_advance = on
        scheduled = on and invoice.attempted and invoice.collection_method != "send_invoice"
        invoice.next_payment_attempt = (
            self.world.clock.stamp() + HANDBACK_DELAY if scheduled else None
        )

    def void(self, invoice: Invoice) -> None:
        invoice.status, invoice.voided_at = "void", self.world.clock.stamp()
        invoice.next_payment_attempt = None
        self._tell_invoice("invoice.voided", invoice, BY_ITSELF)
        self._cured(invoice, BY_ITSELF)

    def mark_uncollectible(self, invoice: Invoice, reason: str) -> None:
        invoice.status = "uncollectible"
        invoice.marked_uncollectible_at = self.world.clock.stamp()
        invoice.uncollectible_reason = reason
        invoice.next_payment_attempt = None
        self._tell_invoice("invoice.marked_uncollectible", invoice, BY_ITSELF)
        self._cured(invoice, BY_ITSELF)

    def cancel(self, subscription: Subscription, *, at_period_end: bool) -> None:
        """Cancelling at once also stops the automatic collection of the customer's invoices."""
        now = self.world.clock.stamp()
        if at_period_end:
            subscription.cancel_at_period_end, subscription.canceled_at = True, now
            self.webhooks.publish(
                "customer.subscription.updated",
                self.objects.subscription(subscription),
                previous={"cancel_at_period_end": False},
            )
            return
        subscription.status, subscription.canceled_at = "canceled", now
        for invoice in self.world.invoices.of(customer=subscription.customer):
            if invoice.status == "open":
                self.set_auto_advance(invoice, on=False)
        rendered = self.objects.subscription(subscription)
        self.webhooks.publish("customer.subscription.deleted", rendered)

    def pause(
        self, subscription: Subscription, behavior: PauseBehavior, resumes_at: int | None
    ) -> None:
        subscription.pause = PauseCollection(behavior=behavior, resumes_at=resumes_at)
        self.webhooks.publish(
            "customer.subscription.updated",
            self.objects.subscription(subscription),
            previous={"pause_collection": None},
        )

    def dispute(
        self, charge: Charge, *, reason: str, status: str, amount: int | None = None
    ) -> Dispute:
        charge.disputed = True
        dispute = Dispute(
            id=self.world.ids.new("du_1"),
            created=self.world.clock.stamp(),
            livemode=charge.livemode,
            charge=charge.id,
            payment_intent=charge.payment_intent,
            amount=charge.amount if amount is None else amount,
            currency=charge.currency,
            reason=reason,
            status=status,
        )
        self.world.disputes[dispute.id] = dispute
        self.webhooks.publish("charge.dispute.created", self.objects.dispute(dispute))
        return dispute
