"""A model of Stripe for one invoice: what its documentation says of keys, and nothing more.

Its first answer to a key is kept, a 500 included, and given again for as long as it remembers; a
key in flight is a conflict. It is the kind of Stripe that we fear: a charge may also happen
although the answer is lost or is a 500, or only after our time-out.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from activities.readings import StripeReading
from tests.activities.given import a_reading, usd
from workflows.facts import BankAttempt, PaymentMethod
from workflows.nouns import ChargeId, InvoiceId

Fate = Literal[
    "answers", "lost", "never arrives", "error", "error although done", "in flight", "late"
]
Bank = Literal["approves", "declines"]
LATEST = timedelta(
    seconds=30
)  # after that, a request that was on its way has arrived or never will


@dataclass
class AtVendor:
    """One charge, as the bank saw it."""

    id: str
    key: str | None
    paid: bool
    at: datetime


@dataclass
class Vendor:
    invoice: str
    amount: int = 4900
    card: str = "pm_1"
    status: str = "open"
    bank: Bank = "declines"
    fate: Fate = "answers"
    charges: list[AtVendor] = field(default_factory=list)
    answers: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    on_their_way: list[tuple[str, datetime]] = field(default_factory=list)

    # ── what customers, banks and time do ───────────────────────────────────────────────

    def is_paid_elsewhere(self, at: datetime) -> None:
        if self.status == "open":
            self._ask(None, at, paid=True)

    def forgets_keys(self) -> None:
        self.answers.clear()

    # ── what our program sees ───────────────────────────────────────────────────────────

    def pay(self, key: str, at: datetime) -> tuple[int, str | None]:
        """A status and a charge; 0 is a connection that broke."""
        fate, self.fate = self.fate, "answers"
        self._arrive(at, patience=timedelta(0))
        if fate == "late":
            self.on_their_way.append((key, at))
            return 0, None
        if fate == "never arrives":
            return 0, None
        if fate == "in flight":
            return 409, None
        if key not in self.answers:
            self.answers[key] = self._execute(key, at, fate)
        return (0, None) if fate == "lost" else self.answers[key]

    def _arrive(self, now: datetime, patience: timedelta) -> None:
        """What was on its way is executed: before the next request, or when its time has come."""
        for key, sent in list(self.on_their_way):
            if now - sent >= patience:
                self.on_their_way.remove((key, sent))
                if key not in self.answers:
                    self.answers[key] = self._execute(key, sent, "answers")

    def _execute(self, key: str, at: datetime, fate: Fate) -> tuple[int, str | None]:
        if fate == "error":
            return 500, None
        if self.status != "open":
            return 400, None
        charge = self._ask(key, at, paid=self.bank == "approves")
        if fate == "error although done":
            return 500, None
        return (200 if charge.paid else 402), charge.id

    def _ask(self, key: str | None, at: datetime, *, paid: bool) -> AtVendor:
        charge = AtVendor(f"ch_{self.invoice}_{len(self.charges) + 1}", key, paid, at)
        self.charges.append(charge)
        if paid:
            self.status = "paid"
        return charge

    def reading(self, at: datetime) -> StripeReading:
        self._arrive(at, patience=LATEST)
        attempts = tuple(
            BankAttempt(
                charge=ChargeId(charge.id), at=charge.at, amount=usd(self.amount),
                fingerprint="fp_1", succeeded=charge.paid,
                code=None if charge.paid else "insufficient_funds",
                reached_network=True, invoice=InvoiceId(self.invoice),
            )
            for charge in self.charges
        )  # fmt: skip
        plain = a_reading(self.invoice, taken_at=at)
        left = 0 if self.status == "paid" else self.amount
        changes = {"status": self.status, "remaining": usd(left)}
        return plain.model_copy(
            update={
                "invoice": plain.invoice.model_copy(update=changes),
                "attempts": attempts,
                "latest_charge": ChargeId(self.charges[-1].id) if self.charges else None,
                "payment_method": PaymentMethod(id=self.card, type="card", fingerprint="fp_1"),
            }
        )
