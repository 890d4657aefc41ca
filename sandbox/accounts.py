"""The script of one account: who the customer is, what its bank says, what the CRM knows.

A script is plain data, so that a story can be read at a glance and sent over the control API.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MethodType = Literal["card", "us_bank_account", "sepa_debit"]
CollectionMethod = Literal["charge_automatically", "send_invoice"]


class Script(BaseModel):
    """Base of everything scripted: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- what the bank says -------------------------------------------------------------------------


class Approve(Script):
    """The bank pays."""

    kind: Literal["approve"] = "approve"


class Decline(Script):
    """The bank, the network or Stripe itself says no, in the vendor's own codes.

    For bank debits `code` is the charge's failure code and `decline_code` is None.
    """

    kind: Literal["decline"] = "decline"
    code: str = "card_declined"
    decline_code: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    outcome_type: Literal["issuer_declined", "blocked", "invalid"] = "issuer_declined"
    network_status: str = "declined_by_network"
    reason: str | None = None
    """`charge.outcome.reason`; for issuer declines Stripe repeats the decline code there."""
    risk_level: str | None = "normal"
    message: str | None = None
    """The text for the cardholder; a plausible one is made when left out."""


class RequiresAction(Script):
    """The bank wants the cardholder present (3-D Secure)."""

    kind: Literal["requires_action"] = "requires_action"


class Processing(Script):
    """An asynchronous method took the order; `then` is what the bank says when asked to settle."""

    kind: Literal["processing"] = "processing"
    then: Annotated[Approve | Decline, Field(discriminator="kind")] = Approve()


Outcome = Annotated[Approve | Decline | RequiresAction | Processing, Field(discriminator="kind")]


class CardScript(Script):
    """A payment method and what its bank answers on each successive attempt (the last repeats)."""

    type: MethodType = "card"
    brand: str = "visa"
    funding: Literal["credit", "debit", "prepaid", "unknown"] = "credit"
    last4: str = "0341"
    exp_month: int = 12
    exp_year: int = 2031
    country: str = "US"
    fingerprint: str | None = None
    """Same fingerprint means same card. A random one by default."""
    bank_name: str = "STRIPE TEST BANK"
    outcomes: tuple[Outcome, ...] = (
        Decline(
            decline_code="insufficient_funds",
            advice_code="try_again_later",
            network_decline_code="51",
        ),
    )

    @model_validator(mode="after")
    def _has_an_answer(self) -> Self:
        if not self.outcomes:
            raise ValueError("outcomes: a bank that says nothing cannot be played; add one outcome")
        return self


def good_card(last4: str = "4242", brand: str = "visa") -> CardScript:
    """A card that the bank always pays."""
    return CardScript(brand=brand, last4=last4, outcomes=(Approve(),))


# --- what the CRM knows -------------------------------------------------------------------------


class OwnerScript(Script):
    """A HubSpot owner: the customer success manager. Same e-mail means same owner."""

    name: str
    email: str
    archived: bool = False


class NoteScript(Script):
    """A note on the company. `author_type` is stored as the custom property of that name."""

    body: str
    created_at: datetime | None = None
    author_type: Literal["internal", "customer"] = "internal"


class TicketScript(Script):
    """A support ticket of the company."""

    subject: str
    body: str = ""
    status: Literal["new", "open", "waiting", "closed"] = "open"
    priority: Literal["LOW", "MEDIUM", "HIGH", "URGENT"] = "MEDIUM"
    created_at: datetime | None = None


class DealScript(Script):
    """A deal of the company. `type` and `stage` are HubSpot's own values."""

    name: str
    type: str = "existingbusiness"
    stage: str = "contractsent"
    amount_minor: int = 0
    currency: str | None = None
    close_date: datetime | None = None


class DisputeScript(Script):
    """A chargeback on an earlier, successful charge of this customer."""

    reason: str = "fraudulent"
    status: str = "needs_response"
    amount_minor: int | None = None


class PastInvoice(Script):
    """An earlier invoice of this customer, so that Stripe has a history too."""

    amount_minor: int
    created: datetime
    paid_at: datetime | None = None
    """None leaves it open."""


# --- the account --------------------------------------------------------------------------------


class AccountScript(Script):
    """One customer with one unpaid invoice, and all that surrounds it.

    Nothing happens when it is added; `Sandbox.fail` then plays Stripe's first attempt.
    """

    name: str = "Acme GmbH"
    email: str | None = "billing@acme.example"
    locale: str = "en-US"
    timezone: str = "UTC"
    country: str = "US"

    currency: str = "usd"
    amount_minor: int = 4900
    description: str | None = None
    plan_tier: Literal["starter", "growth", "business", "enterprise"] = "growth"
    plan_name: str = "Growth"
    subscription: bool = True
    subscription_status: str | None = None
    """None lets it follow the invoice: active, then past_due."""
    interval: Literal["day", "week", "month", "year"] = "month"
    interval_count: int = 1
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_end: datetime | None = None
    cancel_at_period_end: bool = False
    collection_method: CollectionMethod = "charge_automatically"
    billing_reason: str = "subscription_cycle"
    livemode: bool = False
    auto_advance: bool = True
    created: datetime | None = None
    due_date: datetime | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    """The invoice's metadata."""

    card: CardScript | None = CardScript()
    default_on: Literal["customer", "subscription", "invoice"] = "customer"
    """Where the card is the default; the inner one outranks the outer one."""
    history: tuple[PastInvoice, ...] = ()
    disputes: tuple[DisputeScript, ...] = ()

    crm: bool = True
    company_name: str | None = None
    """Defaults to `name`."""
    domain: str | None = None
    """Defaults to the domain of `email`."""
    owner: OwnerScript | None = OwnerScript(name="Dana Owner", email="dana@ourcompany.example")
    vip: bool = False
    do_not_contact: bool = False
    marketing_opt_out: bool = False
    health_score: int | None = None
    lifecycle: str = "customer"
    properties: dict[str, str] = Field(default_factory=dict)
    """Further company properties; unknown ones are defined on the way."""
    linked: bool = True
    """Whether the company carries `stripe_customer_id`; else only domain and contact find it."""
    notes: tuple[NoteScript, ...] = ()
    tickets: tuple[TicketScript, ...] = ()
    deals: tuple[DealScript, ...] = ()


class Account(BaseModel):
    """The ids of what a script became."""

    model_config = ConfigDict(frozen=True)

    customer: str
    invoice: str
    invoice_number: str
    subscription: str | None
    payment_method: str | None
    payment_intent: str
    company: str | None
    contact: str | None
    owner: str | None
    email: str | None
    hosted_invoice_url: str
