"""Reads a model's draft before anybody else does. Code, not a second model: the same draft, the same findings.

A draft may name amounts, dates, links and people only by placeholders that code fills in, may repeat only
what the evidence says, and may promise, threaten, blame or reveal nothing. Word lists are in `lexicon/`.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from babel.dates import get_day_names, get_month_names

from activities import answers, words
from activities.letters import Draft
from workflows import timing
from workflows.case import Action, Verdict
from workflows.evidence import Evidence, Pack
from workflows.facts import Facts
from workflows.phrases import alone, one_of, plain
from workflows.playbook import Playbook
from workflows.redaction import redact_counted

LEXICON = Path(__file__).parent / "lexicon"
OURS = "en"  # colleagues are written to in English
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
        return frozenset(n for fact in self.cited for n in numbers_in(_undated(fact.text)))

    @cached_property
    def measures(self) -> frozenset[tuple[str, str]]:
        """Lengths of time, shares and counts that the evidence gives: `("14", "month")`."""
        texts = [ascii_digits(_undated(fact.text)) for fact in self.cited]
        return frozenset(
            (value, unit)
            for text in texts
            for value, match in _numbers(text)
            if (unit := _unit_after(text[match.end() :], OURS))
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
            for _, named in _dates_in(Part("evidence", text, language), today)
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
_NUMBER = re.compile(
    r"(?<![\w.,'’])\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3})+(?:[.,]\d{1,3})?(?!\d)|(?<![\w])\d+(?:[.,]\d+)?"
)
_MAGNITUDE = {"k": 1_000, "m": 1_000_000, "mio": 1_000_000, "bn": 1_000_000_000}


def ascii_digits(text: str) -> str:
    """Full-width, Arabic, Indian … digits as 0 to 9."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text
    )


def numbers_in(text: str) -> set[str]:
    """Each number in one spelling, however it was grouped: `1.200,00` and `1,200` are both `1200`."""
    return {value for value, _ in _numbers(ascii_digits(text))}


def _numbers(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for match in _NUMBER.finditer(text):
        yield _one_spelling(match[0], text[match.end() : match.end() + 4]), match


def _one_spelling(number: str, after: str) -> str:
    tail = re.search(r"[.,](\d{1,2})$", number)
    decimals = tail[1].rstrip("0") if tail else ""
    whole = re.sub(r"\D", "", number[: tail.start()] if tail else number)
    magnitude = re.match(r"\s?(k|m|mio|bn)\b", after, re.IGNORECASE)
    if magnitude:
        shifted = float(f"{whole}.{decimals or 0}") * _MAGNITUDE[magnitude[1].lower()]
        return str(int(shifted))
    return f"{int(whole or 0)}.{decimals}" if decimals else str(int(whole or 0))


def _money(part: Part, context: Context) -> Iterator[Finding]:
    text = ascii_digits(part.bare)
    if any(sign in text for sign in _SIGNS):
        yield _block(
            "MONEY", part, "names money; write a placeholder such as {{amount_due}} instead"
        )
        return
    currency = _any_of(part.language, "currency")
    if currency is None:
        return
    for match in currency.finditer(plain(text)):
        near = plain(text)[max(0, match.start() - 14) : match.end() + 14]
        if re.search(r"\d|[%一二三四五六七八九十百千万億]", near) or _spelt_numbers(
            near, part.language
        ):
            yield _block(
                "MONEY", part, "names money; write a placeholder such as {{amount_due}} instead"
            )
            return


def _counts(part: Part, context: Context) -> Iterator[Finding]:
    text = ascii_digits(part.bare)
    dates = {span for span, _ in _dates_in(part)}
    for value, match in _numbers(text):
        if any(start <= match.start() < end for start, end in dates):
            continue
        if not _is_known_number(value, text[match.end() :], part, context):
            yield _block("NUMBER", part, f"the number {match[0]} is not in the evidence")
    for value, rest in _spelt_numbers(part.said, part.language):
        if not _is_known_number(value, rest, part, context):
            yield _block("NUMBER", part, f"the number {value} (in words) is not in the evidence")
    many = _any_of(part.language, "many")
    if many is not None and (said := many.search(part.said)) is not None:
        yield _block("NUMBER", part, f"{said[0]!r} is an amount that the evidence does not give")


def _undated(text: str) -> str:
    return re.sub(r"\b20\d\d-\d\d-\d\d(?: \d\d:\d\d)?|\b\d\d?/20\d\d", " ", text)


def _is_known_number(value: str, rest: str, part: Part, context: Context) -> bool:
    if unit := _unit_after(rest, part.language):
        return (value, unit) in context.measures
    return value in context.numbers or (value.isdigit() and int(value) <= SMALL)


def _unit_after(rest: str, language: str) -> str | None:
    """`day`, `percent`, …: what the number before this text counts."""
    if re.match(r"\s?%", rest):
        return "percent"
    following = plain(rest[:24]).lstrip(" -")
    for unit, spellings in _lexicon(language).get("unit", {}).items():
        if any(alone(spelling).match(following) for spelling in spellings):
            return str(unit)
    return None


def _spelt_numbers(said: str, language: str) -> list[tuple[str, str]]:
    """Number words up to twenty, each with what follows it."""
    spelt = _lexicon(language).get("numbers", ())
    values = {plain(word): str(value) for value, word in enumerate(spelt)}
    found = re.finditer(r"[^\W\d_]+(?:-[^\W\d_]+)*", said)
    return [(values[m[0]], said[m.end() :]) for m in found if m[0] in values]


# ── 3 · dates ───────────────────────────────────────────────────────────────────────────

_ISO = re.compile(r"\b20\d\d-\d\d-\d\d\b")
_NUMERIC = re.compile(
    r"(?<!\d)(\d{1,2})([./-])(\d{1,2})(?:\2(\d{2,4})|\.(?!\d)|(?=[\s),]|$))(?!\d)"
)
_EASTERN = re.compile(r"(?:(\d{4})\s?年\s?)?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
Found = tuple[tuple[int, int], "Named"]


@dataclass(frozen=True)
class Named:
    """A date as somebody wrote it. `day` None: it cannot be one certain day."""

    words: str
    days: tuple[date, ...] = ()  # all it may mean
    problem: str = "is not in the evidence; write a placeholder such as {{retry_at}}"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _dates_in(part: Part, today: date | None = None) -> list[Found]:
    text = ascii_digits(part.bare)
    year = (today or date(2026, 1, 1)).year
    found: list[Found] = []
    for match in _ISO.finditer(text):
        days = (date.fromisoformat(match[0]),) if _is_date(match[0]) else ()
        found.append((match.span(), Named(match[0], days)))
    for match in _EASTERN.finditer(text):
        found.append((match.span(), Named(match[0], _days(match[1] or year, match[2], match[3]))))
    for match in _written(part.language).finditer(text):
        parsed = _parse_written(match, part.language, year)
        if parsed is not None:
            found.append((match.span(), parsed))
    for match in _NUMERIC.finditer(text):
        if not any(start <= match.start() < end for (start, end), _ in found):
            found.append((match.span(), _parse_numeric(match, year)))
    return found


def _days(year: Any, month: Any, day: Any) -> tuple[date, ...]:
    """The day in that year and, when no year was named, in the ones around it."""
    years = (int(year),) if isinstance(year, str) else (year - 1, year, year + 1)
    found = []
    for one in years:
        try:
            found.append(date(one if one > 99 else 2000 + one, int(month), int(day)))
        except ValueError:
            continue
    return tuple(found)


def _parse_numeric(match: re.Match[str], year: int) -> Named:
    first, second = int(match[1]), int(match[3])
    dotted = match[2] == "."
    if not dotted and first <= 12 and second <= 12 and first != second:
        return Named(match[0], (), "can be read as two different days; write a placeholder")
    day, month = (first, second) if dotted or second <= 12 else (second, first)
    return Named(match[0], _days(match[4] or year, month, day))


@cache
def _months(language: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for code in {language, OURS}:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                names = get_month_names(width, context, locale=code)
                found |= {plain(name).rstrip("."): number for number, name in names.items()}
    return {name: number for name, number in found.items() if name and not name.isdigit()}


@cache
def _weekdays(language: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for code in {language, OURS}:
        names = get_day_names("wide", locale=code)
        found |= {plain(name): number for number, name in names.items()}
        found |= {plain(name).removesuffix("-feira"): number for number, name in names.items()}
    ordinals = {"segunda", "terca", "quarta", "quinta", "sexta"}  # Portuguese: also "second", …
    return {name: number for name, number in found.items() if name not in ordinals}


@cache
def _written(language: str) -> re.Pattern[str]:
    """`15 May 2026`, `15. Mai`, `May 15th, 2026`, in the language and in English."""
    names = "|".join(sorted(map(_loose, _months(language)), key=len, reverse=True))
    nth = r"(?:st|nd|rd|th|er|º|ª|\.)?"
    return re.compile(
        rf"\b(?P<d1>\d{{1,2}}){nth}\s+(?:of\s+|de\s+|di\s+)?(?P<m1>{names})\b\.?(?:,?\s+(?:de\s+)?(?P<y1>20\d\d))?"
        rf"|\b(?P<m2>{names})\b\.?\s+(?P<d2>\d{{1,2}}){nth}(?!\d)(?:,?\s+(?P<y2>20\d\d))?",
        re.IGNORECASE,
    )


def _loose(name: str) -> str:
    """A month's name whose accents may be missing or present."""
    return "".join(map(_letter, name))


def _letter(char: str) -> str:
    variants = {"a": "aáàâäã", "e": "eéèêë", "i": "iíì", "o": "oóòôö", "u": "uúùûü", "c": "cç"}
    return f"[{variants[char]}]" if char in variants else re.escape(char)


def _parse_written(match: re.Match[str], language: str, year: int) -> Named | None:
    groups = match.groupdict()
    month = _months(language).get(plain(groups["m1"] or groups["m2"]))
    if month is None:
        return None
    named_year = groups["y1"] or groups["y2"]
    return Named(match[0], _days(named_year or year, month, groups["d1"] or groups["d2"]))


def _dates(part: Part, context: Context) -> Iterator[Finding]:
    allowed = context.told_dates if part.to_customer else context.dates
    today = context.facts.now.astimezone(timing.zone(context.facts, context.playbook)).date()
    for _, written in _dates_in(part, today):
        if not set(written.days) & allowed:
            yield _block("DATE", part, f"the date {written.words!r} {written.problem}")
    coming = {day.weekday() for day in allowed if 0 < (day - today).days <= 14}
    for word, number in _weekdays(part.language).items():
        if number not in coming and re.search(rf"(?<!\w){re.escape(word)}s?(?!\w)", part.said):
            yield _block("DATE", part, f"the day {word!r} is not in the evidence")
    greeting = _any_of(part.language, "no_date")
    said_of_days = greeting.sub(" ", part.said) if greeting else part.said
    for word, shift in _lexicon(part.language).get("relative", {}).items():
        named = alone(word).search(said_of_days)
        if named and today + timedelta(days=shift) not in allowed:
            yield _block("DATE", part, f"{word!r} is not a day that the evidence gives")
    vague = _any_of(part.language, "vague")
    if vague is not None and (said := vague.search(part.said)) is not None:
        text = f"{said[0]!r} is no certain time; write a placeholder or leave it out"
        yield _block("DATE", part, text)


# ── 4 · names ───────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(r"[^\W\d_][\w’'-]*")
_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w’'-]*")
_ENDS = re.compile(r"[.!?¿¡:;…\n–—•\"“”„«»()]\s*$|^\s*$|^[-*•]\s*$")
COMMON = frozenset(
    ["i", "i'm", "i'd", "i'll", "i've", "ach", "ap", "api", "bacs", "billing", "cfo", "ceo", "coo", "cto", "crm", "csm", "debit", "direct", "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "japanese", "european", "europe", "eu", "us", "usa", "uk", "germany", "france", "spain", "italy", "portugal", "netherlands", "japan", "finance", "hubspot", "id", "iban", "it", "mastercard", "visa", "amex", "american", "express", "ok", "pdf", "po", "sepa", "sca", "sms", "stripe", "swift", "ui", "url", "vat", "vip", "wire", "faq", "q1", "q2", "q3", "q4", "ltd", "gmbh", "inc"]
)
WITHOUT_CAPITALS = frozenset({"ja", "zh", "ko", "ar", "he", "th", "hi"})


def _names(part: Part, context: Context) -> Iterator[Finding]:
    if part.language in WITHOUT_CAPITALS:
        return
    for name in _strange_names(part, context):
        text = f"the name {name!r} is not in the evidence; people are named by placeholders"
        yield Finding("NAME", part.to_customer, f"{part.where}: {text}.")
    greeted = _greeted(part)
    if greeted and plain(greeted) not in _harmless(part, context):
        yield _block(
            "NAME", part, f"{greeted!r} is addressed by name; use {{{{contact_first_name}}}}"
        )


def _strange_names(part: Part, context: Context) -> Iterator[str]:
    harmless = _harmless(part, context)
    nouns = frozenset(_lexicon(part.language).get("nouns", ()))
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
    """`Sarah will call you`: the first word of a sentence has its capital anyway, so only a list can tell."""
    for sentence in re.split(r"(?<=[.!?\n])\s+", text):
        first = _TOKEN.match(sentence.strip())
        if first and plain(first[0]) in _given_names():
            yield first[0]


@cache
def _given_names() -> frozenset[str]:
    return frozenset((LEXICON / "given_names.txt").read_text(encoding="utf-8").split())


def _harmless(part: Part, context: Context) -> frozenset[str]:
    dates = {*_months(part.language), *_weekdays(part.language)}
    return context.names | COMMON | dates


def _greeted(part: Part) -> str | None:
    """Whoever follows a greeting or a title, in the languages in which a capital tells little."""
    words_ = [plain(word) for word in _lexicon(part.language).get("greeting", ())]
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
    r"\[(?:hidden text|encoded|link|email|phone|repeated|key|id|address|card number|bank account|national id)\]"
)


def _addresses(part: Part, context: Context) -> Iterator[Finding]:
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
        said = _any_of(part.language, name)
        if said is not None and (match := said.search(part.said)) is not None:
            yield _block(name.upper(), part, f"says {match[0]!r}; {_WHY_NOT[name]}")
    everywhere = _any_of(OURS, "everywhere")
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
    promise, giving = _any_of(OURS, "promise"), _any_of(OURS, "giving")
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
    _placeholders, _money, _counts, _dates, _names, _addresses, _forbidden_words, _promises, _tone, _echoes,
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
        said = _any_of(part.language, name)
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


def detected_language(text: str, wanted: str) -> str:
    """ISO 639-1 of the language it is most likely in, among those we can tell; a close call is no finding."""
    detector, names = _detector(wanted)
    if wanted not in names.values():
        return wanted
    values = detector.compute_language_confidence_values(text)
    best = values[0]
    of_wanted = next((v.value for v in values if names[v.language] == wanted), 0.0)
    return wanted if of_wanted >= 0.2 else str(names[best.language])


@cache
def _detector(wanted: str) -> tuple[Any, dict[Any, str]]:
    """Loaded when first needed, for the languages we have words in and the one wanted."""
    from lingua import IsoCode639_1, Language, LanguageDetectorBuilder

    codes = {path.stem for path in LEXICON.glob("*.toml")} | {wanted}
    languages = [
        language for language in Language.all() if language.iso_code_639_1.name.lower() in codes
    ]
    assert IsoCode639_1.EN in {language.iso_code_639_1 for language in languages}
    detector = LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()
    return detector, {language: language.iso_code_639_1.name.lower() for language in languages}


# ── word lists ──────────────────────────────────────────────────────────────────────────


@cache
def _lexicon(language: str) -> dict[str, Any]:
    """The word lists of a language. One that we have none for is held to the English ones."""
    path = LEXICON / f"{language}.toml"
    if not path.exists():
        path = LEXICON / f"{OURS}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _any_of(language: str, name: str) -> re.Pattern[str] | None:
    return one_of(tuple(_lexicon(language).get(name, ())))


def _block(code: str, part: Part, text: str) -> Finding:
    return Finding(code, True, f"{part.where}: {text}.")
