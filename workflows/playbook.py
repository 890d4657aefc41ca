"""What its users tune, as types. `activities/playbook.py` reads and checks the folder `playbook/`.

Every field has the default that the shipped playbook states, so a shorter file is a valid file.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Retries(Section):
    owner: Literal["ours", "stripe"] = "ours"
    max_attempts_per_invoice: int = Field(8, ge=0, le=8)  # Stripe's own advice: at most 8
    max_our_attempts: int = Field(4, ge=0, le=8)
    max_attempts_per_card_30_days: int = Field(10, ge=0, le=15)  # Visa: 15; stay below
    min_gap_hours: int = Field(24, ge=24)
    technical_gap_hours: int = Field(1, ge=1)
    debit_gap_bank_days: int = Field(2, ge=1)
    ach_representments: int = Field(2, ge=0, le=2)  # Nacha: original + 2
    sepa_representments: int = Field(1, ge=0, le=2)
    horizon_days: int = Field(30, ge=1, le=30)
    new_card_wait_minutes: int = Field(15, ge=0)


class Approval(Section):
    amount_usd: int = Field(10_000, ge=0)  # whole dollars; a charge at or above waits for a person
    tiers: tuple[str, ...] = (
        "enterprise",
    )  # customer mail to these (and to VIPs) waits for a person
    renewal_days: int = Field(45, ge=0)
    expires_days: int = Field(3, ge=1, le=30)


class HighValue(Section):
    mrr_usd: int = Field(1_000, ge=0)
    tiers: tuple[str, ...] = ("enterprise",)
    unread_note_days: int = Field(14, ge=0)
    unread_note_amount_usd: int = Field(500, ge=0)


class Contact(Section):
    hours: tuple[int, int] = (8, 18)  # local time of the customer, from (inclusive) to (exclusive)
    min_gap_days: int = Field(3, ge=0)
    max_per_invoice: int = Field(4, ge=0)
    link_deadline_days: int = Field(5, ge=1)
    link_valid_days: int = Field(14, ge=1, le=60)


class Handoff(Section):
    when: Literal["always", "high_value"] = "always"
    after_days: int = Field(3, ge=0)
    fallback_owner: str = ""
    domains: tuple[str, ...] = ()
    reminder_days: tuple[int, ...] = (3, 7)
    deadline_days: int = Field(14, ge=1)
    snooze_days: int = Field(3, ge=1, le=30)


class HubspotFields(Section):
    """Which HubSpot properties hold what. An empty name switches that field off."""

    portal: str = (
        ""  # the account's number in HubSpot's own links; empty: letters name records unlinked
    )
    stripe_customer_id: str = "stripe_customer_id"
    vip: str = "vip"
    do_not_contact: str = "do_not_contact"
    marketing_opt_out: str = "hs_email_optout"
    health_score: str = "health_score"
    max_notes: int = Field(10, ge=0, le=50)
    max_tickets: int = Field(5, ge=0, le=50)
    notes_days: int = Field(90, ge=1)


class Filters(Section):
    """Which invoices are worth a case at all."""

    min_amount_usd: float = Field(0, ge=0)
    skip_plan_tiers: tuple[str, ...] = ()


class ModelChoice(Section):
    """A litellm model string and its fallbacks. Empty: no model, the rule table decides."""

    model: str = ""
    fallbacks: tuple[str, ...] = ()
    api_base: str = ""
    timeout_seconds: float = Field(
        28, ge=1, le=100
    )  # of one question, fallbacks and repair included
    max_output_tokens: int = Field(1_400, ge=100)
    # US dollars per million tokens, for models that litellm has no price for.
    input_price: float | None = None
    output_price: float | None = None


class Agent(Section):
    decide: ModelChoice = ModelChoice()
    draft: ModelChoice = ModelChoice()
    per_case_usd: float = Field(0.15, ge=0)
    per_day_usd: float = Field(20.0, ge=0)
    skip_below_usd: float = Field(20.0, ge=0)  # a plain soft decline below this asks no model
    follow_up_rounds: int = Field(2, ge=0, le=2)
    look_ups: int = Field(4, ge=0, le=4)


class Sweep(Section):
    lookback_days: int = Field(30, ge=1)
    max_starts: int = Field(50, ge=1)
    every_minutes: int = Field(15, ge=1)
    grace_hours: int = Field(1, ge=0)


class Company(Section):
    """Us, as the customer knows us."""

    name: str = "Our company"
    signature: str = "The billing team"
    reply_to: str = ""
    timezone: str = "UTC"
    languages: tuple[str, ...] = ("en",)


class Playbook(Section):
    company: Company = Company()
    filters: Filters = Filters()
    retries: Retries = Retries()
    approval: Approval = Approval()
    high_value: HighValue = HighValue()
    contact: Contact = Contact()
    handoff: Handoff = Handoff()
    hubspot: HubspotFields = HubspotFields()
    agent: Agent = Agent()
    sweep: Sweep = Sweep()
    usd_per: dict[str, float] = Field(
        default_factory=dict
    )  # rough rates for thresholds only, dated in the file
    declines: tuple["DeclineRule", ...] = ()  # from declines.csv, in its order
    words: dict[str, dict[str, tuple[str, ...]]] = Field(
        default_factory=dict
    )  # topic -> language -> phrases
    prompts: dict[str, str] = Field(default_factory=dict)  # name -> text, from prompts/*.md
    billing_sql: str = ""
    letters: dict[str, str] = Field(default_factory=dict)  # customer letters by "lang/name"

    hash: str = ""  # of everything above; filled by the loader, stored with each decision


class DeclineRule(Section):
    """One row of `declines.csv`: what a code means and whether the bank may be asked again."""

    code: str
    category: Literal[
        "soft", "hard", "needs_customer", "authentication", "fraud_sensitive", "config"
    ]
    retry_off_session: Literal["yes", "once", "no"]
    min_wait_hours: int | None
    max_attempts: int
    tell_customer: str
    notes: str
    source: str


Playbook.model_rebuild()
