"""How letters say things: money, dates, plain reasons. Nothing here decides anything.

A bank's reason has three readers. The CSM gets it in plain words, the customer gets only what helps
them, and for a card that may be lost, stolen or misused nobody gets any reason at all.
"""

import re
import unicodedata
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

from workflows.facts import Facts
from workflows.money import Money, exponent
from workflows.playbook import DeclineRule, Playbook

# Never named to anyone, whatever the playbook says (Stripe: present them as a generic decline).
FRAUD_SENSITIVE = frozenset(
    {
        "lost_card", "stolen_card", "pickup_card", "restricted_card", "fraudulent",
        "merchant_blacklist", "security_violation", "lost_or_stolen_card",
        "partner_high_risk_customer",
    }
)  # fmt: skip
REVEALING = re.compile(
    r"(?<![a-z])(lost|stolen|theft|pick[-_ ]?up|restricted|fraud[a-z]*|blacklist[a-z]*"
    r"|security[-_ ]violation|risk[-_ ](score|level)|high(est)?[-_ ]risk|suspicious[a-z]*|radar)"
    r"(?![a-z])",
    re.IGNORECASE,
)
REVOKED = frozenset(
    {
        "revocation_of_authorization", "revocation_of_all_authorizations", "stop_payment_order",
        "debit_not_authorized", "invalid_authorization",
    }
)  # fmt: skip
LIMITS = frozenset(
    {
        "card_velocity_exceeded", "withdrawal_count_limit_exceeded", "payment_limit_exceeded",
        "invalid_amount",
    }
)  # fmt: skip
FUNDS = frozenset(
    {
        "insufficient_funds", "partner_insufficient_funds", "refer_to_customer",
    }
)  # fmt: skip
EXPIRED = frozenset(
    {
        "expired_card", "invalid_expiry_month", "invalid_expiry_year", "partner_expired_card",
        "expired_payment_information", "new_account_information_available", "incorrect_cvc",
        "invalid_cvc", "incorrect_number", "invalid_number",
    }
)  # fmt: skip
TECHNICAL = frozenset(
    {
        "processing_error", "issuer_not_available", "reenter_transaction", "try_again_later",
        "payment_method_provider_timeout", "partner_processing_error", "lock_timeout",
    }
)  # fmt: skip
DEBITS = frozenset({"us_bank_account", "sepa_debit", "bacs_debit", "au_becs_debit", "acss_debit"})


class Family(StrEnum):
    """Reasons that are told in the same words."""

    EXPIRED = "expired"
    AUTHENTICATION = "authentication"
    FUNDS = "funds"
    LIMIT = "limit"
    TECHNICAL = "technical"
    REFUSED = "refused"  # the bank said no and gave no reason that helps
    UNNAMED = "unnamed"  # fraud-sensitive: no reason, to nobody
    REVOKED = "revoked"
    DEBIT = "debit"  # a bank debit came back
    INVOICE = "invoice"  # sent for payment, nothing was charged automatically
    NO_METHOD = "no_method"


def decline_code(facts: Facts) -> str | None:
    """The most telling code of the latest failure."""
    failure = facts.failure
    return (failure.decline_code or failure.code) if failure else None


def rule_for(code: str | None, playbook: Playbook) -> DeclineRule | None:
    return next((rule for rule in playbook.declines if rule.code == code), None)


def is_fraud_sensitive(facts: Facts, playbook: Playbook) -> bool:
    """Is this a decline whose reason must stay unsaid?"""
    failure = facts.failure
    if failure is None:
        return False
    codes = {failure.code, failure.decline_code, failure.outcome_reason} - {None}
    by_table = any(
        (rule := rule_for(code, playbook)) and rule.category == "fraud_sensitive" for code in codes
    )
    return bool(
        codes & FRAUD_SENSITIVE
        or by_table
        or failure.outcome_type == "blocked"
        or failure.risk_level == "highest"
    )


def family(facts: Facts, playbook: Playbook) -> Family:
    """Which words fit this failure."""
    code = decline_code(facts)
    if is_fraud_sensitive(facts, playbook):
        return Family.UNNAMED
    if code in REVOKED:
        return Family.REVOKED
    if facts.invoice.collection_method == "send_invoice":
        return Family.INVOICE
    if facts.payment_method is None and code is None:
        return Family.NO_METHOD
    rule = rule_for(code, playbook)
    if (rule and rule.category == "authentication") or (code and "authentication" in code):
        return Family.AUTHENTICATION
    if facts.payment_method and facts.payment_method.type in DEBITS:
        return Family.DEBIT
    by_code = (
        (EXPIRED, Family.EXPIRED),
        (FUNDS, Family.FUNDS),
        (LIMITS, Family.LIMIT),
        (TECHNICAL, Family.TECHNICAL),
    )
    return next((kind for codes, kind in by_code if code in codes), Family.REFUSED)


IN_BRIEF = {
    Family.EXPIRED: "card expired",
    Family.AUTHENTICATION: "bank asks for authentication",
    Family.FUNDS: "balance too low",
    Family.LIMIT: "card limit reached",
    Family.TECHNICAL: "processing error",
    Family.REFUSED: "bank declined",
    Family.UNNAMED: "bank declined",
    Family.REVOKED: "payment permission withdrawn",
    Family.DEBIT: "bank debit returned",
    Family.INVOICE: "not paid yet",
    Family.NO_METHOD: "no payment method",
}

EXPLAINED = {
    Family.EXPIRED: "the card details are out of date",
    Family.AUTHENTICATION: "the bank wants the customer to confirm it (3D Secure authentication)",
    Family.FUNDS: "the bank says the balance was too low at that moment",
    Family.LIMIT: "it went over a limit of the card",
    Family.TECHNICAL: "a processing error between the banks, nobody's fault",
    Family.REFUSED: "the bank did not approve it and gave no reason",
    Family.UNNAMED: "the bank will not approve this card; ask for another payment method",
    Family.REVOKED: "the customer told the bank to stop these payments",
    Family.DEBIT: "the bank debit came back unpaid",
    Family.INVOICE: "sent for payment and still open",
    Family.NO_METHOD: "there is no payment method to charge",
}

DEBIT_DETAILS = {
    "account_closed": "the bank account is closed",
    "no_account": "the bank does not find the account",
    "bank_account_restricted": "the bank account cannot be debited",
    "bank_account_unusable": "the bank account cannot be debited",
    "insufficient_funds": "the debit came back: balance too low at that moment",
}


def in_brief(facts: Facts, playbook: Playbook) -> str:
    """The reason in two or three words, for a subject line."""
    kind, code = family(facts, playbook), decline_code(facts)
    if kind is Family.DEBIT and code == "account_closed":
        return "bank account closed"
    if kind is Family.EXPIRED and code not in {"expired_card", "partner_expired_card"}:
        return "card details out of date"
    if kind is Family.INVOICE and facts.invoice.due_date and facts.invoice.due_date < facts.now:
        return "past due"
    return IN_BRIEF[kind]


def explained(facts: Facts, playbook: Playbook) -> str:
    """The reason in a clause, for the CSM."""
    kind, code = family(facts, playbook), decline_code(facts)
    card = facts.payment_method
    if kind is Family.DEBIT and code in DEBIT_DETAILS:
        return DEBIT_DETAILS[code]
    if kind is Family.EXPIRED and code == "expired_card":
        when = f" in {card.exp_month:02d}/{card.exp_year}" if _expiry_passed(facts) and card else ""
        return f"the card expired{when}"
    if kind is Family.REFUSED and code == "transaction_not_allowed":
        return "the bank does not allow this kind of purchase on this card"
    return EXPLAINED[kind]


def _expiry_passed(facts: Facts) -> bool:
    card = facts.payment_method
    if card is None or not card.exp_month or not card.exp_year:
        return False
    return (card.exp_year, card.exp_month) < (facts.now.year, facts.now.month)


BRANDS = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay"}
METHODS = {
    "us_bank_account": "US bank account",
    "sepa_debit": "SEPA bank account",
    "bacs_debit": "UK bank account",
}


def method_name(facts: Facts) -> str | None:
    """`Visa ending 5896`; None when nothing is on file."""
    method = facts.payment_method
    if method is None:
        return None
    brand = method.brand and tidy(BRANDS.get(method.brand, method.brand.title()), 20)
    name = brand or METHODS.get(method.type, "bank account" if method.type in DEBITS else "card")
    return f"{name} ending {tidy(method.last4, 4)}" if method.last4 else name


# ── money ───────────────────────────────────────────────────────────────────────────────


def money(amount: Money, locale: str = "en") -> str:
    """`$12,400.00` or `12.400,00 €`: as people of that language write it, with the currency's
    decimals.
    """
    number = Decimal(amount.amount).scaleb(-exponent(amount.currency))
    text: str = format_currency(
        number,
        amount.currency.upper(),
        locale=Locale.parse(locale),
        currency_digits=False,
        format=_pattern(amount.currency, locale),
    )
    text = text.replace("\u200e", "").replace("\u200f", "")
    return re.sub(r"(?<=[A-Z])(?=\d)", "\u00a0", text)  # `CHF 349.00`, as Unicode's own rule says


def _pattern(currency: str, locale: str) -> str:
    """The locale's own pattern with Stripe's number of decimals in place of its two."""
    pattern = str(Locale.parse(locale).currency_formats["standard"].pattern)
    decimals = exponent(currency)
    return pattern.replace(".00", "." + "0" * decimals if decimals else "")


def money_twice(amount: Money) -> str:
    """`CA$5,200.00 (5,200.00 CAD)` where the sign alone could be misread, else `$29.00`."""
    sign, code = money(amount), amount.currency.upper()
    return sign if code in {"USD", "EUR", "GBP"} or code in sign else f"{sign} ({amount.plain})"


# ── languages ───────────────────────────────────────────────────────────────────────────


def language_of(locale: str | None) -> str:
    """`de` from `de-AT` or `de_CH`; `en` from nothing or nonsense."""
    return (locale or "en").replace("_", "-").split("-")[0].lower() or "en"


def babel_locale(language: str, locale: str | None) -> str:
    """The locale for numbers: the customer's own if it is of the letter's language, else the
    language's.
    """
    for name in ((locale or "").replace("-", "_"), language):
        try:
            parsed = Locale.parse(name)
        except (UnknownLocaleError, ValueError, TypeError):
            continue
        if parsed.language == language:
            return str(parsed)
    return "en"


# ── dates ───────────────────────────────────────────────────────────────────────────────

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def zone(name: str | None) -> ZoneInfo:
    """The zone of that IANA name, or UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def day(at: datetime, tz: ZoneInfo) -> str:
    """`Thu 5 Dec`."""
    local = at.astimezone(tz)
    return f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"


def date(at: datetime, tz: ZoneInfo) -> str:
    """`5 Dec 2026`."""
    local = at.astimezone(tz)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def moment(at: datetime, tz: ZoneInfo) -> str:
    """`Thu 5 Dec 2026, 17:00 EST`."""
    local = at.astimezone(tz)
    name = local.tzname() or "UTC"
    if name[0] in "+-":
        name = f"UTC{name}"
    return f"{DAYS[local.weekday()]} {date(at, tz)}, {local:%H:%M} {name}"


def working_day(at: datetime, tz: ZoneInfo) -> datetime:
    """The same hour, moved out of a weekend."""
    while at.astimezone(tz).weekday() >= 5:
        at += timedelta(days=1)
    return at


def months(days: int) -> str:
    """`14 months`, `3 years`, `9 days`: a tenure as people say it."""
    if days >= 2 * 365:
        return f"{days // 365} years"
    if days >= 60:
        return f"{days // 30} months"
    return f"{days} day{'' if days == 1 else 's'}"


# ── words of other people ───────────────────────────────────────────────────────────────


def tidy(text: str | None, limit: int) -> str:
    """One line without control, invisible or direction-changing characters, cut at a word."""
    clean = "".join(
        " " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
        for char in text or ""
        if unicodedata.category(char) not in {"Cf", "Co", "Cs", "Cn"}
    )
    clean = " ".join(clean.split())
    if len(clean) <= limit:
        return clean
    return clean[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:-") + "…"


def plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
