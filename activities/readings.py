"""What one look at Stripe showed, in our own words, and when that was on the case's clock."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import Field

from workflows.facts import (
    BankAttempt,
    Billing,
    Crm,
    Customer,
    Dispute,
    Facts,
    Failure,
    Invoice,
    OpenInvoice,
    OurMail,
    PaymentMethod,
    Source,
    Subscription,
)
from workflows.nouns import ChargeId, Noun, Utc


class CaseClock:
    """Turns instants of the world's clock into instants of the case's clock.

    A case may run faster than the world (`speed`), and then a card added "a second ago" was added a
    day ago on the case's clock. `moments` are pairs (world, case) that we know; between two of them
    time is taken to run evenly, before the first the clocks agree. At speed 1 nothing is
    translated, but the charges that we made ourselves: their case time is the ledger's.
    """

    def __init__(
        self,
        moments: Iterable[tuple[datetime, datetime]] = (),
        *,
        charges: Mapping[ChargeId, datetime] | None = None,
        speed: float = 1.0,
    ) -> None:
        self._moments = sorted(moments) if speed != 1.0 else []
        self._charges = dict(charges or {})

    def at(self, instant: datetime) -> datetime:
        """World to case. Never goes backwards."""
        after = bisect_right(self._moments, instant, key=lambda moment: moment[0])
        if after == 0:
            return instant
        world, case = self._moments[after - 1]
        if after == len(self._moments):
            return case + (instant - world)
        world_next, case_next = self._moments[after]
        share = (instant - world) / (world_next - world)
        return case + max(case_next - case, timedelta(0)) * share

    def of_charge(self, charge: ChargeId | None, instant: datetime) -> datetime:
        if charge is not None and charge in self._charges:
            return self._charges[charge]
        return self.at(instant)


class StripeReading(Noun):
    """The Stripe part of `Facts`, from a few calls made within a second of `taken_at`."""

    taken_at: Utc  # the world's clock
    whole: bool  # False: read_light; other open invoices and older charges were not looked for
    invoice: Invoice
    customer: Customer
    failure: Failure | None
    payment_method: PaymentMethod | None  # what would be charged next
    subscription: Subscription | None
    disputes: tuple[Dispute, ...] = ()
    other_open_invoices: tuple[OpenInvoice, ...] = ()
    attempts: tuple[
        BankAttempt, ...
    ] = ()  # every charge of this customer we could see, oldest first
    payment_intent: str | None = None
    latest_charge: ChargeId | None = None
    latest_charge_status: str | None = None  # succeeded | pending | failed
    metadata: dict[str, str] = Field(default_factory=dict)

    @property
    def card(self) -> str | None:
        """Opaque; changes whenever what would be charged next changes."""
        method = self.payment_method
        if method is None:
            return None
        parts = (method.id, method.fingerprint, method.exp_month, method.exp_year)
        return sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def disputed(self) -> bool:
        """An open dispute; one that was won, lost or only asked about and closed is over."""
        return any(dispute.status not in CLOSED_DISPUTE for dispute in self.disputes)

    def on(self, clock: CaseClock, now: datetime) -> "StripeReading":
        """The same on the case's clock. What is later than `now`, as clocks differ, is at `now`."""

        def at(instant: datetime) -> datetime:
            return min(clock.at(instant), now)

        def made(charge: ChargeId | None, instant: datetime) -> datetime:
            return min(clock.of_charge(charge, instant), now)

        return self.model_copy(
            update={
                "invoice": self.invoice.model_copy(update={"created": at(self.invoice.created)}),
                "failure": self.failure
                and self.failure.model_copy(
                    update={"failed_at": made(self.failure.charge, self.failure.failed_at)}
                ),
                "payment_method": self.payment_method
                and self.payment_method.model_copy(
                    update={
                        "updated_at": self.payment_method.updated_at
                        and at(self.payment_method.updated_at)
                    }
                ),
                "disputes": tuple(
                    dispute.model_copy(update={"created": at(dispute.created)})
                    for dispute in self.disputes
                ),
                "other_open_invoices": tuple(
                    other.model_copy(update={"created": at(other.created)})
                    for other in self.other_open_invoices
                ),
                "attempts": tuple(
                    sorted(
                        (
                            attempt.model_copy(update={"at": made(attempt.charge, attempt.at)})
                            for attempt in self.attempts
                        ),
                        key=lambda attempt: attempt.at,
                    )
                ),
            }
        )

    def as_facts(
        self,
        now: datetime,
        *,
        live: bool,
        billing: Billing | None = None,
        crm: Crm | None = None,
        customer_mails: tuple[OurMail, ...] = (),
        our_attempts: int = 0,
        missing: tuple[Source, ...] = (),
    ) -> Facts:
        return Facts(
            now=now,
            live=live,
            invoice=self.invoice,
            customer=self.customer,
            failure=self.failure,
            payment_method=self.payment_method,
            subscription=self.subscription,
            disputes=self.disputes,
            other_open_invoices=self.other_open_invoices,
            attempts=self.attempts,
            billing=billing,
            crm=crm,
            customer_mails=customer_mails,
            our_attempts=our_attempts,
            missing=missing,
        )


CLOSED_DISPUTE = frozenset({"won", "lost", "warning_closed", "prevented"})
"""https://docs.stripe.com/api/disputes/object#dispute_object-status: the statuses that need
nothing more.
"""
