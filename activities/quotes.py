"""Which words of the CRM are worth repeating to the CSM, and which must not be.

Without a model nobody has understood the notes, so the letter repeats the lines that matter, marked
as quoted. What tries to give instructions is not repeated at all: the CSM is told that something
was left out.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from activities import words
from workflows import reading
from workflows.facts import Crm, Facts
from workflows.playbook import Playbook
from workflows.reading import Topic
from workflows.redaction import redact

LONGEST = 32  # words of one quote

# What changes how a person would act on an unpaid invoice, by topic of `reading`, weightiest first.
TOPICS = {
    Topic.INSOLVENCY: 10, Topic.LEGAL: 10, Topic.BEREAVEMENT: 10, Topic.DISPUTED: 9,
    Topic.PAID: 9, Topic.CREDIT: 8, Topic.CANCEL: 8, Topic.CHURN: 8, Topic.OUTAGE: 7,
    Topic.ANGER: 7, Topic.PROMISE: 7, Topic.PROCESS: 7, Topic.MEETING: 7, Topic.ABSENCE: 6,
    Topic.CONTACT_CHANGE: 6, Topic.STAYING: 5,
}  # fmt: skip
# And by plain English, for what no topic names: it finds the telling sentence inside a longer note.
TELLING: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (weight, re.compile(pattern, re.IGNORECASE))
    for weight, pattern in (
        (9, r"chapter (7|11|13)|bankrupt|insolven|automatic stay|counsel|lawyer|attorney"),
        (9, r"passed away|\bdied\b|death"),
        (8, r"\bpaid\b|\bwire|remittance|bank transfer|credit note|we agreed|dispute"),
        (7, r"cancel|leaving|churn|competitor|terminat|notice period|not renew"),
        (7, r"\bPO\b|purchase order|\bAP\b|accounts payable|procurement|billing contact"),
        (6, r"meeting|call (booked|scheduled)|booked for|renewal|contract|champion|usage"),
        (6, r"outage|\bbug|broken|refund|angry|furious|unacceptable|complain"),
        (5, r"prefers|contact|new (owner|manager|cfo|cto|lead)|on leave|vacation|out of office"),
        (4, r"card|bank|payment|invoice|payday|budget"),
    )
)


@dataclass(frozen=True)
class Quote:
    """Somebody else's words, shortened; `origin` says whose and when."""

    text: str
    origin: str

    @property
    def length(self) -> int:
        return len(self.text.split()) + len(self.origin.split())


@dataclass(frozen=True)
class Quotes:
    chosen: tuple[Quote, ...]
    left_out: tuple[str, ...]  # "a note of 3 Nov 2026": tries to give instructions

    def within(self, budget: int, most: int = 4) -> tuple[Quote, ...]:
        """The best of them that fit into so many words; the very best one always does."""
        kept: list[Quote] = []
        for quote in self.chosen[:most]:
            if kept and quote.length > budget:
                continue
            kept.append(quote)
            budget -= quote.length
        return tuple(kept)


@dataclass(frozen=True)
class _Said:
    where: str  # as `reading` names it
    what: str
    at: datetime
    text: str
    by_customer: bool
    is_open: bool = False


def choose(facts: Facts, playbook: Playbook, tz: ZoneInfo) -> Quotes:
    """The lines of notes and tickets that a CSM should read first, the weightiest first."""
    if facts.crm is None:
        return Quotes((), ())
    silent = words.is_fraud_sensitive(facts, playbook)
    signals = reading.read(facts, playbook)
    attacking = {s.where for s in signals if s.topic in reading.ATTACKS}
    topics: dict[str, set[Topic]] = {
        where: {s.topic for s in signals if s.where == where}
        for where in {s.where for s in signals}
    }
    said = _everything_said(facts.crm)
    hostile = [one for one in said if one.where in attacking or instructs(one.text, playbook)]
    recent = [
        one
        for one in said
        if one not in hostile and (facts.now - one.at).days <= playbook.hubspot.notes_days
    ]
    ranked = sorted(recent, key=lambda one: (_weight(one, topics), one.at), reverse=True)
    quotes = (
        Quote(text, _origin(one, tz)) for one in ranked if (text := telling_part(one.text, silent))
    )
    return Quotes(tuple(quotes), tuple(_origin(one, tz) for one in hostile))


def instructs(text: str, playbook: Playbook) -> bool:
    """Does this text talk to the machine, or send people to another address to pay? A brake, not a
    gate.
    """
    return bool(reading.attacks(text, playbook))


def _weight(said: "_Said", topics: dict[str, set[Topic]]) -> int:
    of_topics = max((TOPICS.get(topic, 4) for topic in topics.get(said.where, ())), default=0)
    return 2 * of_topics + weigh(said.text) + 3 * said.is_open + 2 * said.by_customer


def weigh(text: str) -> int:
    """How much a CSM would want to know this, by its words alone."""
    return sum(weight for weight, pattern in TELLING if pattern.search(text))


def telling_part(text: str, silent: bool) -> str:
    """The weightiest sentences in a row that fit. `silent`: without sentences that would reveal a
    reason.
    """
    clean = words.tidy(redact(text, cap=2_000), 2_000)
    sentences = [
        sentence
        for sentence in re.split(r"(?<=[.!?。！？])\s+(?=[^a-z])", clean)
        if sentence and not (silent and words.REVEALING.search(sentence))
    ]
    if not sentences:
        return ""
    best = max(range(len(sentences)), key=lambda place: weigh(sentences[place]))
    part, start, end = sentences[best], best, best + 1
    while True:  # grow around the best sentence, forwards first
        if end < len(sentences) and _fits(f"{part} {sentences[end]}"):
            part, end = f"{part} {sentences[end]}", end + 1
        elif start > 0 and _fits(f"{sentences[start - 1]} {part}"):
            part, start = f"{sentences[start - 1]} {part}", start - 1
        else:
            break
    return _cut(part)


def _fits(text: str) -> bool:
    return len(text.split()) <= LONGEST and len(text) <= 260


def _cut(text: str) -> str:
    if _fits(text):
        return text
    return words.tidy(" ".join(text.split()[:LONGEST]), 260).rstrip("…") + "…"


def _everything_said(crm: Crm) -> list[_Said]:
    notes = [
        _Said(
            f"note:{note.id}",
            "customer’s note" if note.by_customer else "note",
            note.at,
            note.text,
            note.by_customer,
        )
        for note in crm.notes
    ]
    tickets = [
        _Said(
            f"ticket:{ticket.id}",
            f"{words.tidy(ticket.status or '', 20)} ticket".strip(),
            ticket.at,
            " – ".join(filter(None, (ticket.subject, ticket.text))),
            by_customer=True,
            is_open=(ticket.status or "").lower() not in reading.RESOLVED,
        )
        for ticket in crm.tickets
    ]
    return notes + tickets


def _origin(said: _Said, tz: ZoneInfo) -> str:
    return f"{said.what}, {words.date(said.at, tz)}"
