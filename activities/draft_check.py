"""Reads a model's draft before anybody else does: code, not a second model.

A draft may name amounts, dates, links and people only by placeholders that code fills in, may
repeat only what the evidence says, and may promise, threaten, blame or reveal nothing.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from typing import NamedTuple

from activities import answers, words
from activities.letters import Draft
from activities.tongues import (
    LEXICON,
    OURS,
    any_of,
    ascii_digits,
    dates_in,
    detected_language,
    lexicon,
    months,
    numbers,
    numbers_in,
    spelt_numbers,
    undated,
    unit_after,
    weekdays,
)
from workflows import timing
from workflows.case import Action, Verdict
from workflows.evidence import Evidence, Pack
from workflows.facts import Facts
from workflows.phrases import alone, plain
from workflows.playbook import Playbook
from workflows.redaction import redact_counted

SMALL = 5  # list counts: "two ways to pay"
LONGEST_BODY = 900
LEAST_OVERLAP = 0.3
CUSTOMER_ONLY, CSM_ONLY = frozenset({"update_link"}), frozenset({"case_link"})


class Finding(NamedTuple):
    """One thing wrong. `blocks`: the draft cannot go out as it is."""

    code: str
    blocks: bool
    text: str  # for the model that mends it, and for the record


@dataclass(frozen=True)
class Context:
    """Everything a draft is held against."""

    facts: Facts
    verdict: Verdict
    playbook: Playbook
    pack: Pack
    cited: tuple[Evidence, ...]  # what its writer was shown
    values: Mapping[str, str]  # placeholders that have a value
    language: str  # of the customer's message
    canary: str = ""

    @cached_property
    def by_id(self) -> dict[str, Evidence]:
        return {fact.id: fact for fact in self.cited}

    @cached_property
    def silent(self) -> bool:
        """Is the bank's reason one that nobody is told?"""
        return words.is_fraud_sensitive(self.facts, self.playbook)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Numbers that the evidence contains, each in one spelling. Parts of a date are none."""
        return frozenset(n for fact in self.cited for n in numbers_in(undated(fact.text)))

    @cached_property
    def measures(self) -> frozenset[tuple[str, str]]:
        """Lengths of time, shares and counts that the evidence gives: `("14", "month")`."""
        texts = [ascii_digits(undated(fact.text)) for fact in self.cited]
        return frozenset(
            (value, unit)
            for text in texts
            for value, match in numbers(text)
            if (unit := unit_after(text[match.end() :], OURS))
        )

    @cached_property
    def told_dates(self) -> frozenset[date]:
        """What a customer may be told: when we tried, when we try again, when it is due."""
        zones = (timing.zone(self.facts, self.playbook), words.zone(self.playbook.company.timezone))
        failed = self.facts.failure.failed_at if self.facts.failure else None
        instants = (self.verdict.at if self.retries else None, self.facts.invoice.due_date, failed)
        return frozenset(at.astimezone(zone).date() for at in instants if at for zone in zones)

    @cached_property
    def dates(self) -> frozenset[date]:
        """What a colleague may be told: those, and every date that the evidence is about."""
        facts = [fact for fact in self.cited if fact.kind not in _CALENDARS]
        texts = [fact.text for fact in facts]
        texts += [str(value) for fact in facts for value in fact.value.values()]
        today = self.facts.now.date()
        named = [
            named
            for text in texts
            for language in {OURS, self.language}
            for _, named in dates_in(text, language, today)
        ]
        nearest = {min(n.days, key=lambda day: abs(day - today)) for n in named if n.days}
        return self.told_dates | nearest

    @property
    def retries(self) -> bool:
        return self.verdict.action is Action.SCHEDULE_RETRY

    @cached_property
    def names(self) -> frozenset[str]:
        """Words with a capital that are nobody's invention."""
        texts = [fact.text for fact in self.cited] + list(self.values.values())
        texts += [self.playbook.company.name, self.playbook.company.signature]
        return frozenset(plain(word) for text in texts for word in _TOKEN.findall(text))


# Days that help to choose a time, and are nobody's appointment.
_CALENDARS = frozenset({"paydays", "next_bank_days", "local_time", "paid_invoice"})


@dataclass(frozen=True)
class Part:
    """One text of the draft. `bare` is it without placeholders."""

    where: str
    text: str
    language: str
    to_customer: bool = False
    is_advice_against: bool = False  # "avoid": may name what it warns of

    @cached_property
    def bare(self) -> str:
        return _PLACE.sub(" ", self.text)

    @cached_property
    def said(self) -> str:
        return plain(self.bare)


def check(draft: Draft, context: Context) -> list[Finding]:
    """Everything wrong with it, worst first. Any finding that blocks makes the draft unusable."""
    parts = list(parts_of(draft, context))
    found = [finding for part in parts for look in _LOOKS for finding in look(part, context)]
    found += [
        *_grounding(draft, context),
        *_consistency(parts, context),
        *_languages(parts, context),
    ]
    return sorted(dict.fromkeys(found), key=lambda finding: not finding.blocks)


def parts_of(draft: Draft, context: Context) -> Iterator[Part]:
    """Every text in it, and who will read it in which language."""
    lists = {
        "summary": draft.summary,
        "why_this_action": (draft.why_this_action,),
        "account_context": tuple(item.text for item in draft.account_context),
        "suggested_next_steps": draft.suggested_next_steps,
        "talking_points": draft.talking_points,
        "avoid": draft.avoid,
    }
    for where, texts in lists.items():
        for text in texts:
            yield Part(where, text, OURS, is_advice_against=where == "avoid")
    if draft.customer_message is not None:
        language = context.language
        yield Part("customer_subject", draft.customer_message.subject, language, to_customer=True)
        yield Part("customer_body", draft.customer_message.body, language, to_customer=True)


# ── 1 · placeholders ────────────────────────────────────────────────────────────────────

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_MARKUP = re.compile(r"\{\{|\}\}|\{%|%\}|\$\{|\{\d|</?[A-Za-z!]|[<>]|&#?\w+;")


def _placeholders(part: Part, context: Context) -> Iterator[Finding]:
    for name in _PLACE.findall(part.text):
        if name not in context.values:
            yield _block("PLACEHOLDER", part, f"there is no placeholder {{{{{name}}}}} here")
        elif (name in CUSTOMER_ONLY) != part.to_customer and name in CUSTOMER_ONLY:
            yield _block("PLACEHOLDER", part, f"{{{{{name}}}}} belongs into customer_body only")
        elif name in CSM_ONLY and part.to_customer:
            yield _block("PLACEHOLDER", part, f"{{{{{name}}}}} is not for customers")
    if (match := _MARKUP.search(part.bare)) is not None:
        yield _block("MARKUP", part, f"contains {match[0]!r}; plain text and placeholders only")


# ── 2 · numbers and money ───────────────────────────────────────────────────────────────

_SIGNS = "$€£¥₩₹₽₺₫฿₴₪₱₦₡₲₵₸₮₼₾₿¢"


def _money(part: Part, context: Context) -> Iterator[Finding]:
    text = ascii_digits(part.bare)
    if any(sign in text for sign in _SIGNS):
        yield _block(
            "MONEY", part, "names money; write a placeholder such as {{amount_due}} instead"
        )
        return
    currency = any_of(part.language, "currency")
    if currency is None:
        return
    for match in currency.finditer(plain(text)):
        near = plain(text)[max(0, match.start() - 14) : match.end() + 14]
        if re.search(r"\d|[%一二三四五六七八九十百千万億]", near) or spelt_numbers(
            near, part.language
        ):
            yield _block(
                "MONEY", part, "names money; write a placeholder such as {{amount_due}} instead"
            )
            return


def _counts(part: Part, context: Context) -> Iterator[Finding]:
    text = ascii_digits(part.bare)
    dates = {span for span, _ in dates_in(part.bare, part.language, context.facts.now.date())}
    for value, match in numbers(text):
        if any(start <= match.start() < end for start, end in dates):
            continue
        if not _is_known_number(value, text[match.end() :], part, context):
            yield _block("NUMBER", part, f"the number {match[0]} is not in the evidence")
    for value, rest in spelt_numbers(part.said, part.language):
        if not _is_known_number(value, rest, part, context):
            yield _block("NUMBER", part, f"the number {value} (in words) is not in the evidence")
    many = any_of(part.language, "many")
    if many is not None and (said := many.search(part.said)) is not None:
        yield _block("NUMBER", part, f"{said[0]!r} is an amount that the evidence does not give")


def _is_known_number(value: str, rest: str, part: Part, context: Context) -> bool:
    if unit := unit_after(rest, part.language):
        return (value, unit) in context.measures
    return value in context.numbers or (value.isdigit() and int(value) <= SMALL)


# ── 3 · dates ───────────────────────────────────────────────────────────────────────────


def _dates(part: Part, context: Context) -> Iterator[Finding]:
    allowed = context.told_dates if part.to_customer else context.dates
    today = context.facts.now.astimezone(timing.zone(context.facts, context.playbook)).date()
    for _, written in dates_in(part.bare, part.language, today):
        if not set(written.days) & allowed:
            yield _block("DATE", part, f"the date {written.words!r} {written.problem}")
    coming = {day.weekday() for day in allowed if 0 < (day - today).days <= 14}
    for word, number in weekdays(part.language).items():
        if number not in coming and re.search(rf"(?<!\w){re.escape(word)}s?(?!\w)", part.said):
            yield _block("DATE", part, f"the day {word!r} is not in the evidence")
    greeting = any_of(part.language, "no_date")
    said_of_days = greeting.sub(" ", part.said) if greeting else part.said
    for word, shift in lexicon(part.language).get("relative", {}).items():
        named = alone(word).search(said_of_days)
        if named and today + timedelta(days=shift) not in allowed:
            yield _block("DATE", part, f"{word!r} is not a day that the evidence gives")
    vague = any_of(part.language, "vague")
    if vague is not None and (said := vague.search(part.said)) is not None:
        text = f"{said[0]!r} is no certain time; write a placeholder or leave it out"
        yield _block("DATE", part, text)


# ── 4 · names ───────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(r"[^\W\d_][\w’'-]*")
_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w’'-]*")
_ENDS = re.compile(r"[.!?¿¡:;…\n–—•\"“”„«»()]\s*$|^\s*$|^[-*•]\s*$")
_COMMON = """
    i i'm i'd i'll i've ach ap api bacs billing cfo ceo coo cto crm csm debit direct english german
    french spanish italian portuguese dutch japanese european europe eu us usa uk germany france
    spain italy portugal netherlands japan finance hubspot id iban it mastercard visa amex american
    express ok pdf po sepa sca sms stripe swift ui url vat vip wire faq q1 q2 q3 q4 ltd gmbh inc
"""
COMMON = frozenset(_COMMON.split())  # words with a capital that name nobody
WITHOUT_CAPITALS = frozenset({"ja", "zh", "ko", "ar", "he", "th", "hi"})


def _names(part: Part, context: Context) -> Iterator[Finding]:
    if part.language in WITHOUT_CAPITALS:
        return
    strange = list(_strange_names(part, context))
    for name in strange:
        text = f"the name {name!r} is not in the evidence; people are named by placeholders"
        pair = any(f"{name} {other}" in part.bare for other in strange)
        yield Finding("NAME", part.to_customer or pair, f"{part.where}: {text}.")
    greeted = _greeted(part)
    if greeted and plain(greeted) not in _harmless(part, context):
        yield _block(
            "NAME", part, f"{greeted!r} is addressed by name; use {{{{contact_first_name}}}}"
        )


def _strange_names(part: Part, context: Context) -> Iterator[str]:
    harmless = _harmless(part, context)
    nouns = frozenset(lexicon(part.language).get("nouns", ()))
    text = part.bare
    previous: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        strange = bool(_CAPITAL.fullmatch(token[0])) and plain(token[0]) not in harmless
        starts = bool(_ENDS.search(text[: token.start()]))
        if not nouns and strange and not starts:
            yield token[0]
        if nouns and strange and _is_second_name(previous, token, text, harmless | nouns):
            yield f"{previous[0] if previous else ''} {token[0]}"
        previous = token
    if not nouns:
        yield from (name for name in _given_names_at_start(text) if plain(name) not in harmless)


def _is_second_name(
    previous: re.Match[str] | None, token: re.Match[str], text: str, known: frozenset[str]
) -> bool:
    if previous is None or text[previous.end() : token.start()] != " ":
        return False
    if not _CAPITAL.fullmatch(previous[0]) or _ENDS.search(text[: previous.start()]):
        return False
    return plain(previous[0]) not in known and plain(token[0]) not in known


def _given_names_at_start(text: str) -> Iterator[str]:
    """`Sarah will call`: a sentence's first word has its capital anyway; only a list can tell."""
    for sentence in re.split(r"(?<=[.!?\n])\s+", text):
        first = _TOKEN.match(sentence.strip())
        if first and plain(first[0]) in _given_names():
            yield first[0]


@cache
def _given_names() -> frozenset[str]:
    return frozenset((LEXICON / "given_names.txt").read_text(encoding="utf-8").split())


def _harmless(part: Part, context: Context) -> frozenset[str]:
    dates = {*months(part.language), *weekdays(part.language)}
    return context.names | COMMON | dates


def _greeted(part: Part) -> str | None:
    """Whoever follows a greeting or a title, in the languages in which a capital tells little."""
    words_ = [plain(word) for word in lexicon(part.language).get("greeting", ())]
    if not words_:
        return None
    titles = "|".join(map(re.escape, words_))
    pattern = rf"(?<!\w)(?i:{titles})\.?\s+({_CAPITAL.pattern})"
    match = re.search(pattern, _unaccented(part.bare))
    if match is None or plain(match[1]) in {
        *words_,
        "team",
        "zusammen",
        "damen",
        "all",
        "there",
        "everyone",
    }:
        return None
    return match[1]


def _unaccented(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if unicodedata.category(char) != "Mn")


# ── 5 · links, addresses, secrets ───────────────────────────────────────────────────────

_LINKED = re.compile(r"!?\[[^\]]*\]\(|^\s{0,3}#{1,6} |`|\*\*|__", re.MULTILINE)
_MARKS = re.compile(
    r"\[(?:hidden text|encoded|link|email|phone|repeated|key|id|address|card number"
    r"|bank account|national id)\]"
)


_SPELT_ADDRESS = re.compile(r"\bat \w+ dot \w+|\b\w+ punkt (?:de|com)\b", re.IGNORECASE)


def _addresses(part: Part, context: Context) -> Iterator[Finding]:
    if _SPELT_ADDRESS.search(part.bare):
        yield _block("ADDRESS", part, "spells out an address; leave it out")
    _, counts = redact_counted(part.bare, 100_000)
    for kind in counts:
        yield _block("ADDRESS", part, f"contains something like a {kind}; leave it out")
    if _LINKED.search(part.bare):
        yield _block("MARKUP", part, "contains Markdown; plain text only")
    if _MARKS.search(part.text):
        yield _block("MARKUP", part, "repeats a mark of our redaction; leave it out")


# ── 7, 8, 9 · what must not be said ─────────────────────────────────────────────────────


def _forbidden_words(part: Part, context: Context) -> Iterator[Finding]:
    lists = ["machine"]
    if context.silent:
        lists.append("security")
    if not part.is_advice_against:
        lists += ["threat", "blame", "urgency"]
    if part.to_customer:
        lists += ["funds", "payday", "promise", "security"]
    for name in lists:
        said = any_of(part.language, name)
        if said is not None and (match := said.search(part.said)) is not None:
            yield _block(name.upper(), part, f"says {match[0]!r}; {_WHY_NOT[name]}")
    everywhere = any_of(OURS, "everywhere")
    if part.language != OURS and everywhere is not None and everywhere.search(part.said):
        yield _block("TONE", part, "says something that no mail of ours says")


_WHY_NOT = {
    "machine": "write as a colleague would",
    "security": "no such reason may be named",
    "threat": "nobody is threatened",
    "blame": "nobody is blamed",
    "urgency": "there is no hurry in our mails",
    "funds": "a customer is never told about their money",
    "payday": "a customer is never told about their money",
    "promise": "nothing may be promised",
}


def _promises(part: Part, context: Context) -> Iterator[Finding]:
    """To colleagues a refund may be spoken of, but not advised."""
    if part.to_customer or part.is_advice_against or part.where == "account_context":
        return
    promise, giving = any_of(OURS, "promise"), any_of(OURS, "giving")
    if promise is None or giving is None:
        return
    for sentence in re.split(r"[.;\n]", part.said):
        given, gift = giving.search(sentence), promise.search(sentence)
        if (
            given
            and gift
            and not re.search(r"\b(?:not|no|never|whether|if)\b", sentence[: given.start()])
        ):
            yield _block("PROMISE", part, f"advises {gift[0]!r}; nothing may be promised")
            return


_SHOUT = re.compile(r"(?<![\w{])[A-ZÀ-Þ]{5,}(?![\w}])")
_RAW_CODE = re.compile(r"(?<![\w{])[a-z]+_[a-z_]+(?![\w}])")
_FACT_ID = re.compile(
    r"\b(?:INV|ERR|PM|SUB|DSP|OPN|PAY|FAIL|REC|CO|OWN|NOTE|TKT|DEAL|DER|POL|MISS)\.\d+"
)


def _tone(part: Part, context: Context) -> Iterator[Finding]:
    if "!" in ascii_digits(part.text):
        yield _block("TONE", part, "has an exclamation mark")
    shouted = [
        word for word in _SHOUT.findall(part.bare) if plain(word) not in context.names | COMMON
    ]
    if shouted:
        yield _block("TONE", part, f"shouts {shouted[0]!r}")
    if _RAW_CODE.search(part.bare):
        yield _block("TONE", part, "names a raw code; say it in plain words")
    if _FACT_ID.search(part.bare):
        yield _block("TONE", part, "names an evidence id; ids belong into evidence_ids only")
    if part.where == "customer_body" and len(part.text) > LONGEST_BODY:
        yield _block("TONE", part, f"is longer than {LONGEST_BODY} characters")
    if part.where != "customer_body" and len(part.text) > 400:
        yield _block("TONE", part, "is longer than 400 characters")
    if not part.text.strip():
        yield _block("TONE", part, "is empty")


# ── 10 · what an attacker wants repeated ────────────────────────────────────────────────


def _echoes(part: Part, context: Context) -> Iterator[Finding]:
    if context.canary and context.canary in part.text:
        yield _block("CANARY", part, "repeats the private word")
    echo = answers.tainted(context.pack, context.playbook).echo(part.bare)
    if echo is not None:
        yield _block("ECHO", part, "repeats a text that tries to give instructions")


_LOOKS: tuple[Callable[[Part, Context], Iterable[Finding]], ...] = (
    _placeholders, _money, _counts, _dates, _names, _addresses, _forbidden_words, _promises,
    _tone, _echoes,
)  # fmt: skip


# ── 6 · grounding ───────────────────────────────────────────────────────────────────────

_QUOTED = re.compile(r"[“\"„«]([^“”\"«»]{8,})[”\"“»]")


def _grounding(draft: Draft, context: Context) -> Iterator[Finding]:
    for item in draft.account_context:
        cited = [context.by_id[id] for id in item.evidence_ids if id in context.by_id]
        unknown = [id for id in item.evidence_ids if id not in context.by_id]
        where = f"account_context “{words.tidy(item.text, 40)}”"
        if not cited or unknown:
            shown = ", ".join(words.tidy(id, 20) for id in unknown[:3]) or "nothing"
            yield Finding(
                "GROUNDING", True, f"{where}: cites {shown}; cite evidence that is listed."
            )
            continue
        source = " ".join(fact.text for fact in cited)
        if _overlap(item.text, source) < LEAST_OVERLAP:
            yield Finding(
                "GROUNDING", False, f"{where}: has few words in common with what it cites."
            )
    everything = plain(" ".join(fact.text for fact in context.cited))
    for part in parts_of(draft, context):
        for quote in _QUOTED.findall(part.text):
            if plain(quote).strip(" .,") not in everything:
                yield _block(
                    "GROUNDING", part, f"quotes {words.tidy(quote, 40)!r}, which nobody wrote"
                )


def _overlap(text: str, source: str) -> float:
    """Share of the text's telling words that the source has too, by their beginnings."""
    stems = {word[:5] for word in re.findall(r"[^\W\d_]{4,}", plain(_PLACE.sub(" ", text)))}
    have = {word[:5] for word in re.findall(r"[^\W\d_]{4,}", plain(source))}
    return len(stems & have) / len(stems) if stems else 1.0


# ── 7 · the mail and the decision agree ─────────────────────────────────────────────────


def _consistency(parts: list[Part], context: Context) -> Iterator[Finding]:
    retries = context.retries
    for part in parts:
        name = "retry" if part.to_customer else "will_retry"
        said = any_of(part.language, name)
        if (
            not retries
            and said is not None
            and said.search(part.said)
            and not part.is_advice_against
        ):
            yield _block("DECISION", part, "speaks of another attempt, and none is planned")
        if not retries and "retry_at" in _PLACE.findall(part.text):
            yield _block("DECISION", part, "names {{retry_at}}, and no attempt is planned")
    body = next((part for part in parts if part.where == "customer_body"), None)
    if retries and body is not None and "retry_at" not in _PLACE.findall(body.text):
        yield Finding("DECISION", False, "customer_body: does not say when we try again.")


# ── languages ───────────────────────────────────────────────────────────────────────────

ENOUGH_LETTERS = 60  # below that, telling languages apart is guessing


def _languages(parts: list[Part], context: Context) -> Iterator[Finding]:
    inside = " ".join(part.bare for part in parts if not part.to_customer)
    outside = " ".join(part.bare for part in parts if part.to_customer)
    for text, wanted, where in (
        (inside, OURS, "the text for our colleague"),
        (outside, context.language, "customer_body"),
    ):
        if sum(char.isalpha() for char in text) < (
            ENOUGH_LETTERS if text.isascii() else ENOUGH_LETTERS // 2
        ):
            continue
        found = detected_language(text, wanted)
        if found != wanted:
            yield Finding("LANGUAGE", True, f"{where}: is written in {found}; {wanted} is wanted.")


# ── word lists ──────────────────────────────────────────────────────────────────────────


def _block(code: str, part: Part, text: str) -> Finding:
    return Finding(code, True, f"{part.where}: {text}.")
