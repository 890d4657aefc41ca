"""How eight languages write numbers, lengths of time, dates and forbidden words.

The words are data, in `lexicon/`. A language without a list of its own is held to the English one.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import get_day_names, get_month_names

from workflows.phrases import alone, one_of, plain

LEXICON = Path(__file__).parent / "lexicon"
OURS = "en"  # colleagues are written to in English

# ── word lists ──────────────────────────────────────────────────────────────────────────


@cache
def lexicon(language: str) -> dict[str, Any]:
    """The word lists of a language. One that we have none for is held to the English ones."""
    path = LEXICON / f"{language}.toml"
    if not path.exists():
        path = LEXICON / f"{OURS}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def any_of(language: str, name: str) -> re.Pattern[str] | None:
    return one_of(tuple(lexicon(language).get(name, ())))


# ── numbers ─────────────────────────────────────────────────────────────────────────────

_NUMBER = re.compile(
    r"(?<![\w.,'’])\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3})+(?:[.,]\d{1,3})?(?!\d)"
    r"|(?<![\w])\d+(?:[.,]\d+)?"
)
_MAGNITUDE = {"k": 1_000, "m": 1_000_000, "mio": 1_000_000, "bn": 1_000_000_000}


def ascii_digits(text: str) -> str:
    """Full-width, Arabic, Indian … digits as 0 to 9."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text
    )


def numbers_in(text: str) -> set[str]:
    """Each number in one spelling: `1.200,00` and `1,200` are both `1200`."""
    return {value for value, _ in numbers(ascii_digits(text))}


def numbers(text: str) -> Iterator[tuple[str, re.Match[str]]]:
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


def undated(text: str) -> str:
    return re.sub(r"\b20\d\d-\d\d-\d\d(?: \d\d:\d\d)?|\b\d\d?/20\d\d", " ", text)


def unit_after(rest: str, language: str) -> str | None:
    """`day`, `percent`, …: what the number before this text counts."""
    if re.match(r"\s?%", rest):
        return "percent"
    following = plain(rest[:24]).lstrip(" -")
    for unit, spellings in lexicon(language).get("unit", {}).items():
        if any(alone(spelling).match(following) for spelling in spellings):
            return str(unit)
    return None


def spelt_numbers(said: str, language: str) -> list[tuple[str, str]]:
    """Number words up to twenty, each with what follows it."""
    spelt = lexicon(language).get("numbers", ())
    values = {plain(word): str(value) for value, word in enumerate(spelt)}
    found = re.finditer(r"[^\W\d_]+(?:-[^\W\d_]+)*", said)
    return [(values[m[0]], said[m.end() :]) for m in found if m[0] in values]


# ── dates ───────────────────────────────────────────────────────────────────────────────

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


def dates_in(text: str, language: str, today: date) -> list[Found]:
    """Every date in the text, where it stands, and which days it may mean."""
    text, year = ascii_digits(text), today.year
    found: list[Found] = []
    for match in _ISO.finditer(text):
        days = (date.fromisoformat(match[0]),) if _is_date(match[0]) else ()
        found.append((match.span(), Named(match[0], days)))
    for match in _EASTERN.finditer(text):
        found.append((match.span(), Named(match[0], _days(match[1] or year, match[2], match[3]))))
    for match in _written(language).finditer(text):
        parsed = _parse_written(match, language, year)
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
def months(language: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for code in {language, OURS}:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                names = get_month_names(width, context, locale=code)
                found |= {plain(name).rstrip("."): number for number, name in names.items()}
    return {name: number for name, number in found.items() if name and not name.isdigit()}


@cache
def weekdays(language: str) -> dict[str, int]:
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
    names = "|".join(sorted(map(_loose, months(language)), key=len, reverse=True))
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
    month = months(language).get(plain(groups["m1"] or groups["m2"]))
    if month is None:
        return None
    named_year = groups["y1"] or groups["y2"]
    return Named(match[0], _days(named_year or year, month, groups["d1"] or groups["d2"]))


# ── which language ──────────────────────────────────────────────────────────────────────


def detected_language(text: str, wanted: str) -> str:
    """ISO 639-1 of the likeliest language among those we can tell; a close call is `wanted`."""
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
