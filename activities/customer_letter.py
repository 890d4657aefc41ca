"""The words a customer reads: which of the playbook's letters fits, in which language, and filled
with what.

Letters are plain text with `{{name}}` placeholders, one folder a language, so that their owners can
tune them without knowing a template language. A value is filled in once and never read as a letter
itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_date

from activities import quotes, words
from activities.words import Family
from workflows.case import Action, Verdict
from workflows.facts import Facts
from workflows.playbook import Playbook
from workflows.redaction import redact

PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
PHRASES = "phrases"
FALLBACK_LANGUAGE = "en"
PERSONAL_TIERS = frozenset({"business", "enterprise"})

LETTER_OF = {
    Family.EXPIRED: "update_card",
    Family.AUTHENTICATION: "confirm_payment",
    Family.DEBIT: "bank_debit",
    Family.INVOICE: "open_invoice",
    Family.REVOKED: "still_with_us",
    Family.LIMIT: "large_payment",
}
NAMES = frozenset({*LETTER_OF.values(), "other_method", "we_try_again", "payment_sent", PHRASES})

# For a playbook without letters: neutral, so that it is never wrong.
BUILT_IN = {
    "other_method": """\
Subject: Your payment to {{our_company}}

{{greeting}}

The payment of {{amount}} for {{invoice}} ({{company}}) did not go through. \
These things happen, and it is usually settled in a minute. Please check the payment method \
on file, or choose another one.

{{pay}}

{{closing}}

{{signature}}
{{our_company}}
""",
    PHRASES: """\
greeting: Hello,
greeting_named: Hello {{first_name}},
invoice: your latest invoice
invoice_named: invoice {{number}}
pay: Here is a secure page where you can do it:
button: Open the secure page
pay_by_reply: Please reply to this mail and we will send you a secure payment page.
closing_starter: Any question? Just reply to this mail.
closing_growth: If anything is unclear, just reply to this mail; a person reads it.
closing_personal: If a bank transfer or another contact suits you better, just reply to this mail.
""",
}


class BadLetter(ValueError):  # noqa: N818
    """A letter of the playbook cannot be used; the text names the file and the flaw."""


@dataclass(frozen=True)
class CustomerLetter:
    """A filled letter, still in paragraphs. `pay` stands where the paragraph is None."""

    language: str
    subject: str
    paragraphs: tuple[str | None, ...]
    pay: str
    button: str
    link: str | None

    @property
    def text(self) -> str:
        """The plain text, the link on a line of its own."""
        pay = f"{self.pay}\n{self.link}" if self.link else self.pay
        return "\n\n".join(pay if part is None else part for part in self.paragraphs)


def company_name(facts: Facts, playbook: Playbook) -> str:
    """The account's name for people. A name that gives instructions is not a name."""
    candidates = (facts.crm.company_name if facts.crm else None, facts.customer.name)
    for candidate in candidates:
        name = words.tidy(redact(candidate or ""), 80)
        if name and not quotes.instructs(name, playbook) and "[" not in name:
            return name
    return f"customer {facts.customer.id}"


def first_name(facts: Facts) -> str | None:
    """The contact's first name, if it looks like one."""
    name = words.tidy(facts.crm.contact_first_name if facts.crm else None, 40)
    plausible = bool(name) and all(char.isalpha() or char in " -'’." for char in name)
    return name if plausible and len(name) <= 30 else None


def choose_letter(facts: Facts, verdict: Verdict, playbook: Playbook) -> str:
    """The letter's name for this reason and this plan."""
    codes = {reason.code for reason in verdict.reasons}
    if "ESC_PAYMENT_CLAIM_UNVERIFIED" in codes:
        return "payment_sent"
    kind = words.family(facts, playbook)
    if kind is not Family.UNNAMED:
        if "ESC_AUTH_REVOKED" in codes:  # a network may say so where the bank's code does not
            return "still_with_us"
        if kind is Family.REFUSED and _needs_new_details(facts):
            return "update_card"
    if verdict.action is Action.SCHEDULE_RETRY and verdict.at is not None:
        return "we_try_again"
    return LETTER_OF.get(kind, "other_method")


# Refusals that end with new card details, and not with a call to the bank.
NEW_DETAILS = frozenset({"invalid_account", "incorrect_zip", "incorrect_address"})


def _needs_new_details(facts: Facts) -> bool:
    failure, method = facts.failure, facts.payment_method
    if failure is None:
        return False
    changed = method is not None and method.brand == "mastercard"
    return (
        words.decline_code(facts) in NEW_DETAILS
        or failure.advice_code == "confirm_card_data"
        or (changed and failure.network_advice_code == "01")
    )


def write(
    facts: Facts,
    verdict: Verdict,
    playbook: Playbook,
    *,
    link: str | None,
    signature: str | None = None,
) -> CustomerLetter:
    """The letter that fits, in the customer's language. `signature`: a person's name in place of
    the team's.
    """
    language = language_for(facts, playbook)
    name = choose_letter(facts, verdict, playbook)
    raw = _letter(playbook, language, name)
    phrases = _phrases(playbook, language)
    values = _values(facts, verdict, playbook, language, phrases, signature)
    subject, _, body = raw.partition("\n")
    if not link and "{{pay}}" in body and _closing(facts) == "closing_starter":
        body = body.replace("{{closing}}", "")  # it would ask for the same reply twice
    return CustomerLetter(
        language=language,
        subject=words.tidy(fill(subject.removeprefix("Subject:"), values), 120),
        paragraphs=tuple(
            None if part.strip() == "{{pay}}" else fill(part.strip(), values)
            for part in re.split(r"\n\s*\n", body.strip())
            if part.strip()
        ),
        pay=phrases["pay"] if link else phrases["pay_by_reply"],
        button=phrases["button"],
        link=link,
    )


def language_for(facts: Facts, playbook: Playbook) -> str:
    """The customer's language, if we can answer in it and have letters in it."""
    ours = playbook.company.languages or (FALLBACK_LANGUAGE,)
    wanted = words.language_of(facts.customer.locale)
    for language in (wanted if wanted in ours else ours[0], ours[0]):
        if f"{language}/{PHRASES}" in playbook.letters:
            return language
    return FALLBACK_LANGUAGE


def _letter(playbook: Playbook, language: str, name: str) -> str:
    for key in (f"{language}/{name}", f"{language}/other_method"):
        if key in playbook.letters:
            return playbook.letters[key].replace("\r\n", "\n").strip() + "\n"
    return BUILT_IN["other_method"]


def _phrases(playbook: Playbook, language: str) -> dict[str, str]:
    """`name: text` lines; what a playbook leaves out comes from the built-in ones."""
    text = BUILT_IN[PHRASES] + playbook.letters.get(f"{language}/{PHRASES}", "")
    pairs = (line.partition(":") for line in text.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _, value in pairs if not name.startswith("#")}


def _values(
    facts: Facts,
    verdict: Verdict,
    playbook: Playbook,
    language: str,
    phrases: Mapping[str, str],
    signature: str | None,
) -> dict[str, str]:
    name, number = first_name(facts), words.tidy(facts.invoice.number, 40)
    locale = locale_of(facts, language)
    return {
        "greeting": fill(phrases["greeting_named"], {"first_name": name})
        if name
        else phrases["greeting"],
        "company": company_name(facts, playbook),
        "amount": words.money(facts.invoice.remaining, locale),
        "invoice": fill(phrases["invoice_named"], {"number": number})
        if number
        else phrases["invoice"],
        "retry_on": day(verdict.at or facts.now, facts, locale),
        "due_on": day(facts.invoice.due_date or facts.now, facts, locale),
        "closing": phrases[_closing(facts)],
        "signature": signature or playbook.company.signature,
        "our_company": playbook.company.name,
    }


def locale_of(facts: Facts, language: str) -> str:
    return words.babel_locale(language, facts.customer.locale)


def day(at: datetime, facts: Facts, locale: str) -> str:
    """A date as the customer writes it, on the customer's own calendar."""
    local = at.astimezone(words.zone(facts.customer.timezone))
    return str(format_date(local.date(), format="long", locale=locale))


def _closing(facts: Facts) -> str:
    """Small plans hear little, growing ones are offered a reply, large ones a person and a
    choice.
    """
    tier = (facts.billing.plan_tier if facts.billing else None) or "growth"
    if tier.lower() in PERSONAL_TIERS or (facts.crm and facts.crm.vip):
        return "closing_personal"
    return "closing_starter" if tier.lower() == "starter" else "closing_growth"


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in place of `{{name}}`, once. An unknown name is an error, not a blank."""

    def one(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise BadLetter(
                f"{{{{{match[1]}}}}} is not known here; known: {', '.join(sorted(values))}"
            )
        return values[match[1]]

    return PLACEHOLDER.sub(one, text)


KNOWN = frozenset(
    {
        "greeting", "company", "amount", "invoice", "retry_on", "due_on", "closing", "signature",
        "our_company", "pay", "first_name", "number",
    }
)  # fmt: skip


def flaws(letters: Mapping[str, str]) -> list[str]:
    """What is wrong with a playbook's letters, for `dunning doctor` and the loader; empty is
    good.
    """
    found = []
    for key, text in sorted(letters.items()):
        language, _, name = key.partition("/")
        unknown = sorted({match[1] for match in PLACEHOLDER.finditer(text)} - KNOWN)
        if unknown:
            found.append(f"letters/{key}.txt uses {{{{{unknown[0]}}}}}, which no letter can have")
        if name not in NAMES:
            known = ", ".join(sorted(NAMES))
            found.append(f"letters/{key}.txt is a letter that nothing sends; known: {known}")
        if name != PHRASES and not text.startswith("Subject:"):
            found.append(f"letters/{key}.txt must start with a line `Subject: …`")
        if f"{language}/{PHRASES}" not in letters:
            found.append(f"letters/{language}/{PHRASES}.txt is missing")
    return list(dict.fromkeys(found))
