"""The evidence pack: all that the agent may know about a case, each fact with an id to cite it by.

Code does the reading of calendars and the sums, because models are poor at both. Names travel as
placeholders (`COMPANY`, `CONTACT_1`, `OWNER`); addresses, card digits and vendors' ids do not
travel at all.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cached_property

from pydantic import ConfigDict, Field

from workflows import deductions, exhibits
from workflows.attacks import attacks
from workflows.case import Action, Options, Reason
from workflows.exhibits import Evidence as Evidence
from workflows.exhibits import Trust as Trust
from workflows.exhibits import exhibit
from workflows.facts import Facts, Source
from workflows.nouns import InvoiceId, Noun, Utc
from workflows.playbook import Playbook
from workflows.redaction import LOOKED_UP, SHOWN, redact_facts, redact_facts_counted


class Names(Noun):
    """Who is who. The model sees the placeholders, people see the names."""

    company: str | None = None
    contact: str | None = None
    owner: str | None = None
    payer: str | None = None  # the customer's name at Stripe: a person or the company

    def hide(self, text: str) -> str:
        """Every known name in `text` becomes its placeholder."""
        for spelling, placeholder in self._spellings:
            if spelling.casefold() in text.casefold():
                text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", placeholder, text, flags=re.I)
        return text

    def reveal(self, text: str) -> str:
        for placeholder, name in self._meanings:
            text = re.sub(rf"(?<!\w){placeholder}(?!\w)", lambda _, name=name: name, text)  # type: ignore[misc]
        return text

    @property
    def _meanings(self) -> tuple[tuple[str, str], ...]:
        return (
            ("CONTACT_1", self.contact or "the contact"),
            ("COMPANY", self.company or "the customer"),
            ("OWNER", self.owner or "the account owner"),
        )

    @property
    def _spellings(self) -> list[tuple[str, str]]:
        found = {
            **dict.fromkeys(_person(self.owner), "OWNER"),
            **dict.fromkeys(_person(self.payer), "CONTACT_1"),
            **dict.fromkeys(_person(self.contact), "CONTACT_1"),
            **dict.fromkeys(_firm(self.company), "COMPANY"),
        }
        return sorted(found.items(), key=lambda pair: -len(pair[0]))


_LEGAL_FORM = re.compile(
    r"[,\s]+(?:gmbh(?: & co\.? kg)?|ag|kg|ug|inc|llc|ltd|limited|corp|corporation|co|plc"
    r"|s\.?a\.?r?\.?l?"
    r"|s\.?r\.?l|s\.?p\.?a|b\.?v|n\.?v|oy|ab|as|aps|k\.?k|pty|pte|sas|sl|lda|sp\. z o\.o)\.?$",
    re.IGNORECASE,
)


def _firm(name: str | None) -> Iterator[str]:
    if name and len(name.strip()) >= 3:
        yield name.strip()
        short = _LEGAL_FORM.sub("", name.strip())
        if len(short) >= 4:
            yield short


def _person(name: str | None) -> Iterator[str]:
    parts = (name or "").split()
    if parts:
        yield " ".join(parts)
    yield from (part for part in parts if len(part) >= 3 and part[0].isupper())


class Pack(Noun):
    """What was known at `now`, frozen: the same facts make the same pack and the same hash."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    invoice: InvoiceId
    now: Utc
    playbook: str
    names: Names = Names()
    evidence: tuple[Evidence, ...]
    removed: dict[str, int] = Field(default_factory=dict)  # what redaction took out, by kind

    @cached_property
    def by_id(self) -> dict[str, Evidence]:
        return {fact.id: fact for fact in self.evidence}

    @cached_property
    def hash(self) -> str:
        return canonical_hash(self.body)

    @property
    def body(self) -> dict[str, object]:
        """As it is stored."""
        return self.model_dump(mode="json")

    def plus(self, more: Iterable[Evidence]) -> "Pack":
        """With what look-ups found. A fuller text stands beside the short one, under its own id."""
        fresh = {fact.id: fact for fact in more if fact.id not in self.by_id}
        return self.model_copy(update={"evidence": (*self.evidence, *fresh.values())})


def canonical_hash(body: object) -> str:
    """SHA-256 of the one way to write this as JSON."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def names_of(facts: Facts, playbook: Playbook) -> Names:
    """Of redacted facts. A company may call itself anything; a name that gives orders is none."""
    crm = facts.crm
    customer = _a_name(facts.customer.name, playbook)
    company = _a_name(crm.company_name if crm else None, playbook) or customer
    contact = (
        _a_name(crm.contact_first_name, playbook) if crm and crm.contact_first_name else customer
    )
    return Names(
        company=company,
        contact=None if contact == company else contact,
        payer=None if customer == company else customer,
        owner=_a_name(crm.owner.name, playbook) if crm and crm.owner else None,
    )


def _a_name(text: str | None, playbook: Playbook) -> str | None:
    return text if text and "[" not in text and not attacks(text, playbook) else None


def build(facts: Facts, options: Options, playbook: Playbook) -> Pack:
    """The pack of these facts, and of what the rules said about them. Redacts what it is given."""
    clean, removed = redact_facts_counted(facts)
    names = names_of(clean, playbook)
    texts = [
        fact.model_copy(update={"text": names.hide(fact.text)})
        for fact in exhibits.of_texts(clean, playbook)
    ]
    ours = [*deductions.deductions(clean, playbook), *_findings(clean, options), *_unread(clean)]
    return Pack(
        invoice=facts.invoice.id,
        now=facts.now,
        playbook=playbook.hash,
        names=names,
        evidence=(*exhibits.of_account(clean, playbook), *texts, *ours),
        removed=removed,
    )


# ── what a look-up may add ──────────────────────────────────────────────────────────────


def in_full(facts: Facts, id: str, playbook: Playbook) -> Evidence | None:
    """A note or ticket of the pack at up to 3,000 characters, as `NOTE.3.FULL`."""
    found = {fact.id: fact for fact in exhibits.every_text(redact_facts(facts), LOOKED_UP)}.get(id)
    return found and _hidden(found.model_copy(update={"id": f"{id}.FULL"}), facts, playbook)


def older_notes(
    facts: Facts, before: str, playbook: Playbook, most: int = 10
) -> tuple[Evidence, ...]:
    """Up to ten notes older than the one named, whatever their age."""
    notes = [
        fact for fact in exhibits.every_text(redact_facts(facts), SHOWN) if fact.kind == "note"
    ]
    place = next((place for place, note in enumerate(notes) if note.id == before), None)
    if place is None:
        return ()
    return tuple(_hidden(note, facts, playbook) for note in notes[place + 1 : place + 1 + most])


def paid_invoices(facts: Facts, months: int) -> tuple[Evidence, ...]:
    """The customer's paid invoices of so many months, newest first."""
    since = facts.now - timedelta(days=31 * months)
    return tuple(
        fact for fact in exhibits.paid(facts.billing) if fact.as_of and fact.as_of >= since
    )


def cited(facts: Facts, id: str, playbook: Playbook) -> Evidence | None:
    """A fact by its id even when the pack itself did not show it."""
    if id.endswith(".FULL"):
        return in_full(facts, id.removesuffix(".FULL"), playbook)
    return {
        fact.id: fact
        for fact in (*older_notes(facts, "NOTE.1", playbook, 50), *exhibits.paid(facts.billing))
    }.get(id)


def _hidden(fact: Evidence, facts: Facts, playbook: Playbook) -> Evidence:
    return fact.model_copy(update={"text": names_of(redact_facts(facts), playbook).hide(fact.text)})


# ── what the rules said, and what could not be read ─────────────────────────────────────


def _findings(facts: Facts, options: Options) -> Iterator[Evidence]:
    said: dict[str, Reason] = {}
    for reason in (*options.reasons, *options.approval):
        said.setdefault(reason.code, reason)
    for blocked in options.blocked:
        text = f"{_verb(blocked.action)} is not allowed: {blocked.text}"
        said[blocked.code] = Reason(code=blocked.code, text=text)
    for number, reason in enumerate(said.values(), start=1):
        yield exhibit(
            f"POL.{number}", "policy", _without_digits(reason.text, facts), None, code=reason.code
        )


def _without_digits(text: str, facts: Facts) -> str:
    """People may see a card's last digits; a model has no use for them."""
    last4 = facts.payment_method.last4 if facts.payment_method else None
    return (
        re.sub(rf"(?:ending (?:in )?)?(?<!\d){re.escape(last4)}(?!\d)", "on file", text)
        if last4
        else text
    )


def _verb(action: Action) -> str:
    return action.value.replace("_", " ").capitalize()


_UNREAD = {
    Source.STRIPE: "The payment processor could not be read just now.",
    Source.BILLING: "The billing database could not be read just now.",
    Source.CRM: "The CRM could not be read just now: nobody knows what the customer wrote.",
}


def _unread(facts: Facts) -> Iterator[Evidence]:
    gaps = [_UNREAD[source] for source in facts.missing]
    if facts.billing is None and Source.BILLING not in facts.missing:
        gaps.append("The billing database has no row for this customer.")
    if facts.crm is None and Source.CRM not in facts.missing:
        gaps.append("The CRM has no record of this customer.")
    for number, gap in enumerate(gaps, start=1):
        yield exhibit(f"MISS.{number}", "missing", gap)
