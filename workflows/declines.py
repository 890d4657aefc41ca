"""What a decline means, and whether this bank may be asked again for this charge.

Read in the order of strength: block → advice code → the network's advice → Visa's categories → our
table (`playbook/declines.csv`). A network code means what its *brand* says it means, so each table
here has one brand.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from workflows.facts import Failure, PaymentMethod
from workflows.playbook import DeclineRule, Playbook


class Family(StrEnum):
    """Declines that are treated alike."""

    TECHNICAL = "technical"  # nobody's fault, over in hours
    FUNDS = "funds"  # over by payday
    LIMIT = "limit"  # over when the limit's window ends
    REFUSED = "refused"  # the bank gave no reason: soft, low yield
    AUTHENTICATION = "authentication"  # only the cardholder can confirm
    CREDENTIAL = "credential"  # the card or account on file is no longer good
    SENSITIVE = "sensitive"  # the reason is named to nobody
    REVOKED = "revoked"  # the payer told the bank to stop us
    CONFIG = "config"  # our side or a misunderstanding: a person looks
    UNKNOWN = "unknown"  # a code we have never seen: soft, once


FUNDS_CODES = frozenset(
    ["insufficient_funds", "partner_insufficient_funds", "refer_to_customer", "R01", "R09", "AM04"]
)
LIMIT_CODES = frozenset(
    ["card_velocity_exceeded", "withdrawal_count_limit_exceeded", "payment_limit_exceeded"]
)
REVOKED_CODES = frozenset(
    [
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "stop_payment_order",
        "debit_not_authorized",
        "invalid_authorization",
        "invalid_billing_agreement",
        "R05",
        "R07",
        "R08",
        "R10",
        "R29",
        "MD01",
    ]
)
EXPIRED_CODES = frozenset(
    [
        "expired_card",
        "partner_expired_card",
        "expired_payment_information",
        "invalid_expiry_month",
        "invalid_expiry_year",
    ]
)
# A person must look before anyone is asked to pay: https://docs.stripe.com/declines/codes
DANGER_CODES = frozenset(
    [
        "fraudulent",
        "merchant_blacklist",
        "partner_high_risk_customer",
        "highest_risk_level",
        "elevated_risk_level",
        "compliance_violation",
    ]
)
DANGER_LEVELS = frozenset({"elevated", "highest"})
DANGER_REASONS = frozenset({"highest_risk_level", "elevated_risk_level", "rule"})

BANK_DEBITS = frozenset(
    [
        "us_bank_account",
        "ach_debit",
        "sepa_debit",
        "bacs_debit",
        "acss_debit",
        "au_becs_debit",
        "nz_bank_account",
    ]
)

GENERAL_CODES = frozenset({"card_declined", None})  # says only that there was a decline
# Nothing was charged: another request held the object. https://docs.stripe.com/rate-limits#object-lock-timeouts
NOT_CHARGED_CODES = frozenset({"lock_timeout", "idempotency_key_in_use"})
# Card-present codes that make no sense on an invoice: the customer uses another card.
PIN_CODES = frozenset(
    ["incorrect_pin", "invalid_pin", "offline_pin_required", "online_or_offline_pin_required"]
)

FINAL_ADVICE = frozenset({"do_not_try_again", "confirm_card_data"})

TECHNICAL_WAIT_HOURS = 1  # a row that may be asked again this soon is a technical one


@dataclass(frozen=True)
class Advice:
    """What a card network says about asking again. Without a `wait`, the table's counts."""

    meaning: str
    again: bool
    wait: timedelta | None = None
    revoked: bool = False
    person: bool = False


# Mastercard merchant advice codes; everonet, Cybersource, Heartland, Rapyd agree (read 2026-11-22).
# Rapyd and others renumber some of them: only Stripe's own `network_advice_code` is read with this.
MASTERCARD_ADVICE: dict[str, Advice] = {
    "01": Advice("new account information is available", again=False),
    "02": Advice("cannot approve now, try later", again=True, wait=timedelta(hours=72)),
    "03": Advice("do not try again", again=False),
    "04": Advice("the token's requirements are not met", again=False),
    "21": Advice("the cardholder cancelled the agreement", again=False, revoked=True),
    "22": Advice("the merchant does not qualify for this product", again=False),
    "24": Advice("retry after one hour", again=True, wait=timedelta(hours=1)),
    "25": Advice("retry after 24 hours", again=True, wait=timedelta(hours=24)),
    "26": Advice("retry after two days", again=True, wait=timedelta(days=2)),
    "27": Advice("retry after four days", again=True, wait=timedelta(days=4)),
    "28": Advice("retry after six days", again=True, wait=timedelta(days=6)),
    "29": Advice("retry after eight days", again=True, wait=timedelta(days=8)),
    "30": Advice("retry after ten days", again=True, wait=timedelta(days=10)),
    "40": Advice("prepaid card that cannot be reloaded", again=False),
    "41": Advice("virtual card for a single use", again=False),
    "42": Advice("the network asks for a review", again=False, person=True),
    "43": Advice("no source found", again=False),
    "99": Advice("do not try again", again=False),
}

# Visa category 1, "the issuer will never approve": the union of TabaPay's list (2026) and an older
# one (bill1st, 2021), because the Visa document itself was not read. Never ask the same card again.
VISA_NEVER = frozenset(
    ["03", "04", "07", "12", "14", "15", "41", "43", "46", "57", "62", "78", "93", "R0", "R1", "R3"]
)
VISA_REVOKED = frozenset({"R0", "R1", "R3"})


def decline_code(failure: Failure | None) -> str | None:
    """The most telling code there is: a decline code, else the error's (all a debit has)."""
    if failure is None:
        return None
    return failure.decline_code or failure.code


def row_for(failure: Failure | None, playbook: Playbook) -> DeclineRule | None:
    """The table's row. Stripe dresses its blocks as `generic_decline`: their reason goes first."""
    rows = {row.code: row for row in playbook.declines}
    if failure is None:
        return None
    if blocked(failure) and failure.outcome_reason in rows:
        return rows[failure.outcome_reason]
    if failure.decline_code and failure.code in GENERAL_CODES:
        return rows.get(failure.decline_code)  # a code we have never seen stays unknown
    return rows.get(failure.decline_code or "") or rows.get(failure.code or "")


def blocked(failure: Failure | None) -> bool:
    """Stripe did not ask the bank at all, whatever the decline code says.

    https://support.stripe.com/questions/payment-blocked-due-to-excessive-retries
    """
    if failure is None:
        return False
    return failure.outcome_type == "blocked" or failure.network_status == "not_sent_to_network"


def mastercard_advice(failure: Failure | None, method: PaymentMethod | None) -> Advice | None:
    """The network's advice, when the card is a Mastercard. An unlisted code is no advice."""
    if failure is None or method is None or (method.brand or "").lower() != "mastercard":
        return None
    return MASTERCARD_ADVICE.get((failure.network_advice_code or "").zfill(2))


def visa_code(failure: Failure | None, method: PaymentMethod | None) -> str | None:
    """Visa's own response code, when the card is a Visa.

    A card that is no longer on file has no brand; that its holder told the bank to stop us (a code
    that only Visa has) stays true.
    """
    if failure is None:
        return None
    code = (failure.network_decline_code or "").upper()
    if method is None:
        return code if code in VISA_REVOKED else None
    if (method.brand or "").lower() != "visa":
        return None
    return code.zfill(2) if code else None


def family(failure: Failure | None, playbook: Playbook) -> Family:
    """How this decline is treated, by code and table row; blocks and advice are separate rules."""
    code = decline_code(failure)
    row = row_for(failure, playbook)
    if code in FUNDS_CODES:
        return Family.FUNDS
    if code in LIMIT_CODES:
        return Family.LIMIT
    if code in REVOKED_CODES:
        return Family.REVOKED
    if code in PIN_CODES:
        return Family.CREDENTIAL
    if code in NOT_CHARGED_CODES:
        return Family.TECHNICAL
    if code is None:
        return Family.REFUSED
    return Family.UNKNOWN if row is None else _family_of(row)


def _family_of(row: DeclineRule) -> Family:
    match row.category:
        case "authentication":
            return Family.AUTHENTICATION
        case "fraud_sensitive":
            return Family.SENSITIVE
        case "config":
            return Family.CONFIG
        case "needs_customer" | "hard":
            return Family.CREDENTIAL
        case "soft":
            pass
    soon = row.min_wait_hours is not None and row.min_wait_hours <= TECHNICAL_WAIT_HOURS
    return Family.TECHNICAL if soon else Family.REFUSED
