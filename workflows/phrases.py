"""How the playbook's phrases are matched: `sent/made .. wire*` finds "they have made a bank wire".

Accents, capitals and invisible characters never matter. `*` is any ending, `..` up to five words,
`/` is "or".
"""

import re
import unicodedata
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


@lru_cache(maxsize=1024)
def one_of(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds whether any of them is said."""
    return re.compile("|".join(_pattern(phrase) for phrase in phrases)) if phrases else None


@lru_cache(maxsize=8192)
def alone(phrase: str) -> re.Pattern[str]:
    """Finds this one."""
    return re.compile(_pattern(phrase))
