"""Reading what people wrote, without a model: which topics a note or ticket touches.

Words come from the playbook (`playbook/words/*.toml`, by topic and language). A signal carries our
own phrase, never the writer's text, so nothing that was smuggled into a note can travel further.
Reading may only add caution: a false alarm costs a person one look.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from workflows.attacks import READ_CHARACTERS, attacks
from workflows.facts import Facts
from workflows.nouns import Noun, Utc
from workflows.phrases import first_spoken, likely, plain, sentences, spoken
from workflows.playbook import Playbook
from workflows.spoken_dates import named_date


class Topic(StrEnum):
    """What a text may be about. Each but the last two is a word list of the playbook."""

    INSOLVENCY = "insolvency"
    LEGAL = "legal"
    BEREAVEMENT = "bereavement"
    DISPUTED = "disputed"
    PAID = "paid"
    CREDIT = "credit"
    CANCEL = "cancel"
    CHURN = "churn"
    STAYING = "staying"
    ANGER = "anger"
    OUTAGE = "outage"
    MEETING = "meeting"
    PROMISE = "promise"
    ABSENCE = "absence"
    PROCESS = "process"
    REDIRECT = "redirect"
    INJECTION = "injection"  # a shape that only an attack has
    CONTACT_CHANGE = "contact_change"


class Signal(Noun):
    """One topic found in one text. `phrase` is the playbook's own wording, safe to show."""

    topic: Topic
    where: str  # note:<id> | ticket:<id> | deal:<id> | company_name | contact_name | …
    phrase: str
    by_customer: bool
    at: Utc
    settled: bool = False  # from a ticket that is resolved or closed
    on: date | None = None  # a date named beside it, when one could be read


@dataclass(frozen=True)
class Text:
    where: str
    body: str
    by_customer: bool
    at: datetime
    settled: bool = False
    prose: bool = True  # False: a name or label; searched for attacks only


LASTING = frozenset({Topic.INSOLVENCY, Topic.LEGAL, Topic.BEREAVEMENT})  # true for half a year
LASTING_DAYS = 180
CLAIM_DAYS = 45  # a claim of payment older than this was about another invoice
MOOD_DAYS = 45
CLOSED_TICKET_DAYS = 14  # a closed ticket still counts this long for claims

RESOLVED = frozenset({"closed", "resolved", "solved", "done", "completed", "cancelled", "archived"})

# No topics, but what helps to find them.
NEGATION, SETTLED, HISTORY, HELD, HARMLESS = "negation", "settled", "history", "held", "harmless"
SETTLES = frozenset(
    {Topic.DISPUTED, Topic.ANGER, Topic.OUTAGE, Topic.CHURN, Topic.CANCEL, Topic.CREDIT}
)
NEGATABLE = frozenset(Topic) - {Topic.INJECTION, Topic.OUTAGE}
ATTACKS = frozenset({Topic.INJECTION, Topic.REDIRECT})


def read(facts: Facts, playbook: Playbook) -> tuple[Signal, ...]:
    """Every topic in every text that is recent enough to matter, newest text first."""
    found = [
        signal
        for text in texts(facts)
        for signal in _signals(text, playbook, facts.now)
        if _still_matters(signal, facts.now, playbook)
    ]
    return tuple(sorted(found, key=lambda signal: signal.at, reverse=True))


def texts(facts: Facts) -> Iterator[Text]:
    """All text that other people wrote, and where it stands."""
    now = facts.now
    names = {"contact_name": facts.customer.name, "invoice_description": facts.invoice.description}
    if (crm := facts.crm) is not None:
        names |= {"company_name": crm.company_name, "contact_first_name": crm.contact_first_name}
        names |= {f"deal:{deal.id}": deal.name for deal in crm.deals}
        for note in crm.notes:
            yield Text(f"note:{note.id}", note.text, note.by_customer, note.at)
        for ticket in crm.tickets:
            body = "\n".join(part for part in (ticket.subject, ticket.text) if part)
            resolved = (ticket.status or "").lower() in RESOLVED
            yield Text(f"ticket:{ticket.id}", body, True, ticket.at, settled=resolved)
    for where, name in names.items():
        if name:
            yield Text(where, name, True, now, prose=False)


def _still_matters(signal: Signal, now: datetime, playbook: Playbook) -> bool:
    age = now - signal.at
    if signal.topic in LASTING:
        return age <= timedelta(days=LASTING_DAYS)
    if signal.topic in ATTACKS:
        return age <= timedelta(days=playbook.hubspot.notes_days)
    if signal.topic in (Topic.PAID, Topic.CREDIT):
        limit = CLOSED_TICKET_DAYS if signal.settled else CLAIM_DAYS
        return age <= timedelta(days=limit)
    if signal.settled:
        return False
    if signal.topic in (Topic.ANGER, Topic.OUTAGE, Topic.DISPUTED):
        return age <= timedelta(days=MOOD_DAYS)
    return age <= timedelta(days=playbook.hubspot.notes_days)


def _signals(text: Text, playbook: Playbook, now: datetime) -> Iterator[Signal]:
    def signal(topic: Topic, phrase: str, on: date | None = None) -> Signal:
        return Signal(
            topic=topic, where=text.where, phrase=phrase, by_customer=text.by_customer,
            at=min(text.at, now), settled=text.settled, on=on,
        )  # fmt: skip

    for phrase in attacks(text.body, playbook):
        yield signal(Topic.INJECTION, phrase)
    if not text.prose:
        return
    whole = sentences(plain(text.body[:READ_CHARACTERS]))
    words = Likely(playbook, "\n".join(whole))
    crossed_out = words[HARMLESS]
    said = tuple(_without_harmless(sentence, crossed_out) for sentence in whole)
    for topic in Topic:
        languages = words[topic]
        hits = _hits(topic, languages, said, playbook)
        if topic is Topic.MEETING:
            hits = (hit for hit in hits if not _is_over(said[hit[1]], text.at, playbook))
        hit = next(hits, None)
        if hit is None:
            continue
        phrase, place = hit
        if topic is Topic.PROMISE:
            day, phrase = _promised(languages, said, text.at, playbook, phrase)
            yield signal(topic, phrase, day)
            continue
        harmless = topic is Topic.REDIRECT and not text.by_customer  # a colleague noting a contact
        found = Topic.CONTACT_CHANGE if harmless else topic
        yield signal(found, phrase, named_date(said[place], text.at))


# ── finding a topic in a sentence ───────────────────────────────────────────────────────


Languages = dict[str, tuple[str, ...]]


class Likely:
    """The playbook's word lists, as far as one text could say them: sentence after sentence is then
    held against dozens of phrases, not thousands.
    """

    def __init__(self, playbook: Playbook, text: str) -> None:
        self._playbook = playbook
        self._text = text

    def __getitem__(self, topic: str) -> Languages:
        lists = self._playbook.words.get(topic, {})
        found = ((language, likely(phrases, self._text)) for language, phrases in lists.items())
        return {language: phrases for language, phrases in found if phrases}


def _without_harmless(sentence: str, languages: Languages) -> str:
    """`a chain of funeral homes`, `one of our suppliers went bankrupt`: their trade, or somebody
    else's trouble.
    """
    for phrases in languages.values():
        for _, match in spoken(phrases, sentence):
            sentence = sentence.replace(match[0], "¤")
    return sentence


def _hits(
    topic: Topic,
    languages: Languages,
    said: Sequence[str],
    playbook: Playbook,
) -> Iterator[tuple[str, int]]:
    """Each sentence in which the topic is really said, by number, with the phrase that says it:
    not denied, not said to be over.
    """
    for place, sentence in enumerate(said):
        hits: list[tuple[str, str, re.Match[str]]] = []
        denied: list[tuple[str, re.Match[str]]] = []
        for language, phrases in languages.items():
            for phrase, match in spoken(phrases, sentence):
                if _denied(topic, language, phrase, sentence, match, playbook):
                    denied.append((language, match))
                else:
                    hits.append((language, phrase, match))
        for language, phrase, match in hits:
            if not any(language != other and _overlap(match, no) for other, no in denied):
                yield phrase, place
                break


def _overlap(one: re.Match[str], other: re.Match[str]) -> bool:
    """`not insolvent`: what its own language denies is not said in another that has the word."""
    return one.start() < other.end() and other.start() < one.end()


def _promised(
    languages: Languages,
    said: Sequence[str],
    at: datetime,
    playbook: Playbook,
    first: str,
) -> tuple[date | None, str]:
    """The first day that a promise names, in its own sentence or in one beside it: "The limit
    resets soon. Please wait for Monday the 12th." A day before the text was written is no promise.
    """
    hits = tuple(_hits(Topic.PROMISE, languages, said, playbook))
    own = ((phrase, said[place]) for phrase, place in hits)
    beside = (
        (phrase, sentence)
        for phrase, place in hits
        for sentence in (*said[place + 1 : place + 2], *said[max(0, place - 1) : place])
    )
    for phrase, sentence in (*own, *beside):
        day = named_date(sentence, at)
        if day is not None and day >= at.date():
            return day, phrase
    return None, first


BEFORE = 28  # characters before a phrase in which a "not" belongs to it
NEAR = {"ja": 3, "ko": 3, "zh": 6}  # where a character says as much as a word
AFTER = 10  # and after it, for languages that deny at the end


def _denied(
    topic: Topic,
    language: str,
    phrase: str,
    sentence: str,
    match: re.Match[str],
    playbook: Playbook,
) -> bool:
    """`no dispute`, `have not paid`, `the outage was resolved`, `always paid on time`."""
    if topic in NEGATABLE and _negated(sentence, match, playbook, language):
        return True
    if (
        topic in NEGATABLE
        and ".." in phrase
        and _negated_inside(language, phrase, match[0], playbook)
    ):
        return True
    if topic in SETTLES:
        over = _said(SETTLED, sentence, playbook)
        return over is not None and not _negated(sentence, over, playbook)
    return topic == Topic.PAID and _said(HISTORY, sentence, playbook) is not None


def _negated_inside(language: str, phrase: str, matched: str, playbook: Playbook) -> bool:
    """`have .. paid` also finds "have not paid", which says the opposite."""
    lists = _denials(language, playbook).values()
    own = any(first_spoken(words, plain(phrase)) is not None for words in lists)
    return not own and any(first_spoken(words, matched) is not None for words in lists)


def _denials(language: str | None, playbook: Playbook) -> dict[str, tuple[str, ...]]:
    """The words for "not" of a language, or of all when it has none."""
    lists = playbook.words.get(NEGATION, {})
    return {language: lists[language]} if language in lists else lists


_CLAUSE = re.compile(
    r"[,:()–—、]"
    r"|\b(?:and|but|because|und|aber|weil|et|donc|mais|y|pero|porque|asi que|ma|quindi|mas|entao"
    r"|maar|ale|men|och|og)\b"
    r"|لكن|لذلك"
)
_LATE = ("ja", "ko")  # deny at the end; only a word of one syllable stands before
_LATE_CLAUSE = re.compile(
    r"[,:()–—、]|ですが|ますが|たが|だが|のに|ので|けど|けれど|から|ため"
    r"|는데|은데|지만|니다|어서|아서|니까|어요|아요|으나|하고|但|却|可是|还是|而且|所以"
)


def _negated(
    sentence: str, match: re.Match[str], playbook: Playbook, language: str | None = None
) -> bool:
    """Whether a "not" of its own language stands by it: `se` is "if" in one and "itself" in the
    next, `no` is "in the" in a third.
    """
    for spoken_in, phrases in _denials(language, playbook).items():
        reach = NEAR.get(spoken_in, BEFORE)
        before = _CLAUSE.split(sentence[max(0, match.start() - reach) : match.start()])[-1]
        if first_spoken(phrases, before) is not None:
            return True
        if spoken_in in (*_LATE, "zh"):
            after = _LATE_CLAUSE.split(sentence[match.end() : match.end() + AFTER])[0]
            if first_spoken(phrases, after) is not None:
                return True
    return False


def _is_over(sentence: str, at: datetime, playbook: Playbook) -> bool:
    """`the QBR went well` arranges nothing; `the call went well, next one on the 12th` does."""
    if _said(HELD, sentence, playbook) is None:
        return False
    day = named_date(sentence, at)
    return day is None or day < at.date()


def _said(helper: str, sentence: str, playbook: Playbook) -> re.Match[str] | None:
    for phrases in playbook.words.get(helper, {}).values():
        if (match := first_spoken(phrases, sentence)) is not None:
            return match
    return None


__all__ = ["ATTACKS", "RESOLVED", "Signal", "Text", "Topic", "attacks", "read", "texts"]
