"""How the playbook's phrases are matched: `sent/made .. wire*` finds "they have made a bank wire".

Accents, capitals and invisible characters never matter. `*` is any ending, `..` up to five words,
`/` is "or".
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache


def plain(text: str) -> str:
    """One spelling for matching: compatible forms, no accents, no case, no invisible characters."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    text = text.replace("’", "'").replace("‘", "'").replace("`", "'").casefold()
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize(
        "NFC", "".join(char for char in apart if unicodedata.category(char) != "Mn")
    )


# A full stop ends a sentence, but not after the day of a date: "am 3. Juli".
_ENDS = re.compile(
    r"(?<!\b\d)(?<!\b\d\d)\.(?=\s|$)|[!?](?=\s|$)|[;\n。！？؟；]"
    r"|,(?= (?:but|aber|mais|pero|ma|mas|maar|ale|men)\b)"
)


def sentences(text: str) -> tuple[str, ...]:
    """The parts of a plain text within which one word can deny another."""
    text = text.replace("credit card", "card")  # which promises no credit
    return tuple(part.strip() for part in _ENDS.split(text) if part.strip())


_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
SHORT = 4  # letters; a longer Arabic word may carry articles and endings


_GAP = r"(?:\W+(?:\d[\d.,:/-]*|\w+)){0,5}?"  # up to five words; a date or an amount is one


def _pattern(phrase: str) -> str:
    """The phrase as a regular expression; every part of it is bounded, so none runs away."""
    words = plain(phrase)
    unspaced = _UNSPACED.search(words) is not None
    gap, glue = (r".{0,12}?", r"\W*") if unspaced else (_GAP, r"\W+")
    parts: list[str] = []
    for word in words.split():
        if word == "..":
            parts.append(gap)
            continue
        either = "|".join(re.escape(part).replace(r"\*", r"\w*") for part in word.split("/"))
        parts.append(f"{glue if parts else ''}(?:{either})")
    body = "".join(parts)
    loose = unspaced or (_ARABIC.search(words) is not None and len(words) > SHORT)
    return body if loose else rf"(?<!\w){body}(?!\w)"


def likely(phrases: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Those of them that a plain text, or a part of it, could say: their most telling letters are
    there. To compile thousands of phrases takes seconds, and most are said in no text.
    """
    return tuple(dict.fromkeys(phrase for letters, phrase in _telling(phrases) if letters in text))


def spoken(phrases: tuple[str, ...], text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Those of them that a plain text says, in the order of the list."""
    for phrase in likely(phrases, text):
        if (match := alone(phrase).search(text)) is not None:
            yield phrase, match


def first_spoken(phrases: tuple[str, ...], text: str) -> re.Match[str] | None:
    """Where the first of them stands."""
    matches = (match for _, match in spoken(phrases, text))
    return min(matches, key=lambda match: match.start(), default=None)


@lru_cache(maxsize=1024)
def _telling(phrases: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((letters, phrase) for phrase in phrases for letters in _letters(phrase))


def _letters(phrase: str) -> list[str]:
    """Letters of which one run stands in every text that says the phrase: those of its longest
    word, one run for each of that word's alternatives.
    """
    words = [word for word in plain(phrase).split() if word != ".."]
    runs = [[max(part.split("*"), key=len) for part in word.split("/")] for word in words]
    return max(runs, key=lambda run: min(map(len, run)))


@lru_cache(maxsize=1024)
def one_of(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds whether any of them is said."""
    return re.compile("|".join(_pattern(phrase) for phrase in phrases)) if phrases else None


@lru_cache(maxsize=8192)
def alone(phrase: str) -> re.Pattern[str]:
    """Finds this one."""
    return re.compile(_pattern(phrase))
