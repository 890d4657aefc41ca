"""What other people wrote, made safe to store and to show: secrets out, hidden text marked, cut.

Nothing is removed silently: every removal leaves a bracketed word behind, and `redact_counted`
counts them. Amounts and dates stay, because decisions rest on them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from workflows.facts import Crm, Facts
from workflows.nouns import Noun

SHOWN = 600  # characters of one text that a pack shows
LOOKED_UP = 3_000  # characters that a look-up may add
READ = 20_000  # characters of one text that the rules read; nobody's complaint is longer
READ_IN_ALL = 30_000  # of all texts together: reading them costs time, and floods are written
NAME = 120  # a name longer than this is not a name

HIDDEN = "[hidden text]"
ENCODED = "[encoded]"

Judge = Callable[[re.Match[str]], str | None]
N = TypeVar("N", bound=Noun)


def redact(text: str, cap: int = SHOWN) -> str:
    """`text` as the model, our tables and people may see it, at most `cap` characters long."""
    return redact_counted(text, cap)[0]


def redact_counted(text: str, cap: int = SHOWN) -> tuple[str, dict[str, int]]:
    """`redact`, and how many of each kind were removed: `{"email": 1, "hidden": 2}`."""
    counts: Counter[str] = Counter()
    text = _visible(text[: READ * 3], counts)
    for kind, pattern, judge in _SECRETS:
        text = _replace(text, kind, pattern, judge, counts)
    text = _collapse(text, counts)
    if counts["hidden"]:
        text = f"{HIDDEN} {text}"
    return shorten(text, cap), dict(sorted((+counts).items()))


def redact_facts(facts: Facts) -> Facts:
    """The same facts, every free text in them redacted. Ids, codes, amounts and addresses stay."""
    return redact_facts_counted(facts)[0]


def redact_facts_counted(facts: Facts) -> tuple[Facts, dict[str, int]]:
    """`redact_facts`, and how many of each kind were removed in all."""
    clean = _Cleaner()
    invoice, customer, crm = facts.invoice, facts.customer, facts.crm
    redacted = facts.model_copy(
        update={
            "invoice": clean.fields(invoice, description=SHOWN),
            "customer": clean.fields(customer, name=NAME),
            "crm": crm and _redact_crm(crm, clean),
        }
    )
    return redacted, dict(sorted(clean.counts.items()))


def _redact_crm(crm: Crm, clean: "_Cleaner") -> Crm:
    tickets = tuple(
        clean.fields(ticket, subject=SHOWN, text=clean.left, sentiment_cue=NAME)
        for ticket in crm.tickets
    )
    notes = tuple(clean.fields(note, text=clean.left) for note in crm.notes)
    deals = tuple(clean.fields(deal, name=NAME) for deal in crm.deals)
    named = clean.fields(crm, company_name=NAME, contact_first_name=NAME)
    return named.model_copy(update={"notes": notes, "tickets": tickets, "deals": deals})


class _Cleaner:
    """Redacts fields, counts over all of them, and cuts when all together became too long."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._length = 0

    @property
    def left(self) -> int:
        """How much of the next text is kept: always enough to see what it is about."""
        return max(SHOWN, min(READ, READ_IN_ALL - self._length))

    def fields(self, noun: N, **caps: int) -> N:
        """`noun` with each of these fields redacted, at most so many characters long."""
        said = {name: getattr(noun, name) for name in caps}
        update = {name: self.text(text, caps[name]) for name, text in said.items() if text}
        return noun.model_copy(update=update) if update else noun

    def text(self, text: str, cap: int) -> str:
        clean, counts = redact_counted(text, cap)
        self.counts.update(counts)
        self._length += len(clean)
        return clean


def shorten(text: str, cap: int) -> str:
    """Cut after a word, and say how much is missing."""
    if len(text) <= cap:
        return text
    kept = text[:cap].rsplit(None, 1)[0] if " " in text[:cap] else text[:cap]
    return f"{kept} […{len(text) - len(kept)} more characters]"


# ── hidden characters ───────────────────────────────────────────────────────────────────

_TAGS = re.compile("[\U000e0000-\U000e0fff\U000f0000-\U0010ffff\ue000-\uf8ff]+")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]+")
_ZERO_WIDTH = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2060-\u2065"
    "\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
)
# One of them alone is ordinary: Persian and Hindi spell with it, Arabic mails carry it, emoji too.
# Two in a row, or one inside a Latin word, is there to be overlooked.
_SMUGGLED = re.compile(rf"[{_ZERO_WIDTH}]{{2,}}|(?<=[A-Za-z])[{_ZERO_WIDTH}](?=[A-Za-z])")
_LEFT_OVER = re.compile(rf"[{_ZERO_WIDTH}]")
_SOFT_HYPHEN = re.compile("(?<=\\w)\u00ad(?=\\w)")
# What emoji are made of: their presentation mark, and the flags of England, Scotland, Wales.
_EMOJI = re.compile("\ufe0f|(?<=\U0001f3f4)[\U000e0061-\U000e007a]{2,6}\U000e007f")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+")
_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_STYLED_AWAY = re.compile(
    r"<(\w{1,12})\b[^<>]{0,200}"
    r"(?:display\s?:\s?none|font-size\s?:\s?0|visibility\s?:\s?hidden)"
    r"[^<>]{0,200}>.*?(?:</\1>|$)",
    re.DOTALL | re.IGNORECASE,
)


def _visible(text: str, counts: Counter[str]) -> str:
    """Only what a person would see. NFKC also turns ｆｕｌｌ-width into plain letters."""
    text = _EMOJI.sub("", _SOFT_HYPHEN.sub("", text))
    for pattern in (_COMMENT, _STYLED_AWAY, _TAGS, _BIDI, _SMUGGLED):
        text, found = pattern.subn("", text)
        counts["hidden"] += found
    text = _LEFT_OVER.sub("", _CONTROL.sub(" ", text))
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"[^\S\n]+", " ", text).replace("\r", "\n").strip()


# ── secrets and addresses ───────────────────────────────────────────────────────────────

_IBAN_LENGTH = {
    country: int(length)
    for length, countries in (
        pair.split(":")
        for pair in [
            "15:NO",
            "16:BE",
            "18:DK,FI,FO,GL,NL,SD",
            "19:MK,SI",
            "20:AT,BA,EE,KZ,LT,LU,XK,MN",
            "21:CH,CR,HR,LI,LV",
            "22:BG,BH,DE,GB,GE,IE,ME,RS,VA",
            "23:AE,GI,IL,IQ,TL,OM",
            "24:AD,CZ,ES,MD,PK,RO,SA,SE,SK,TN,VG",
            "25:LY,PT,ST",
            "26:IS,TR",
            "27:BI,DJ,FR,GR,IT,MC,MR,SM",
            "28:AL,AZ,BY,CY,DO,GT,HU,LB,NI,PL,SV",
            "29:BR,EG,PS,QA,UA",
            "30:JO,KW,MU,YE",
            "31:MT,SC",
            "32:LC",
            "33:RU",
        ]
    )
    for country in countries.split(",")
}
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_DATE = re.compile(
    r"\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d\d|(?:19|20)\d\d[-/. ]\d{1,2}[-/. ]\d{1,2}"
)
_TLDS = (
    "com|net|org|info|biz|io|co|ai|app|dev|cloud|online|site|shop|store|xyz|top|link|click|me|tv|cc|"
    "example|test|invalid|eu|de|fr|es|it|nl|be|at|ch|uk|ie|pt|pl|cz|se|no|dk|fi|ru|ua|tr|us|ca|mx|br|"
    "ar|au|nz|jp|kr|cn|tw|hk|sg|in|id|ae|sa|za|ng|il|gr|hu|ro"
)

_BARE_LINK = re.compile(
    r"(?<![\w@.-])(?:[a-z0-9][a-z0-9-]{0,62}\.){1,5}(?:"
    + _TLDS
    + r")(?:[/?#:][^\s<>\"'\]})]*)?(?!\w|[\w.-]*@)",
    re.IGNORECASE,
)


def luhn(digits: str) -> bool:
    """The check digit of payment cards."""
    total = 0
    for place, digit in enumerate(reversed([int(d) for d in digits])):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def mod97(iban: str) -> bool:
    """The check digits of bank accounts (ISO 13616)."""
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def _card(match: re.Match[str]) -> str | None:
    digits = re.sub(r"\D", "", match[0])
    return "[card number]" if 13 <= len(digits) <= 19 and luhn(digits) else None


def _iban(match: re.Match[str]) -> str | None:
    """The account number, and whatever the pattern took too much behind it."""
    length = _IBAN_LENGTH.get(match[0][:2].upper())
    if length is None:
        return None
    taken, kept = 0, 0
    for char in match[0]:
        taken += 1
        kept += char.isalnum()
        if kept == length:
            break
    iban = re.sub(r"[^A-Za-z0-9]", "", match[0][:taken]).upper()
    grouped = re.match(r"[A-Z]{2}\d{2}(?: \w{4}){3}", match[0], re.IGNORECASE) is not None
    whole = len(iban) == length and (mod97(iban) or iban[2:].isdigit())
    return "[bank account]" + match[0][taken:] if whole or grouped else None


def _phone(match: re.Match[str]) -> str | None:
    digits = re.sub(r"\D", "", match[0])
    return None if _DATE.match(match[0].strip("( ")) or not 7 <= len(digits) <= 15 else "[phone]"


def _encoded(match: re.Match[str]) -> str | None:
    """Base64 and hex mix kinds of characters; a ruled line or a long word does not."""
    run = match[0]
    kinds = sum(any(test(char) for char in run) for test in (str.isupper, str.islower, str.isdigit))
    return ENCODED if kinds >= 2 and len(set(run)) >= 8 else None


def _always(word: str) -> Judge:
    return lambda _match: word


def _labelled(word: str) -> Judge:
    """Keep the words that announce the secret, replace the secret itself."""
    return lambda match: f"{match[1]}{word}"


_I = re.IGNORECASE
_ANNOUNCES_KEY = (
    r"password|passwd|passcode|passwort|mot de passe|contraseña|api[ _-]?key|secret|cvc|cvv|pin"
)
_SAYS_ACCOUNT = (
    r"account|acct|routing|sort code|aba|bsb|kontonummer|konto|blz|compte|cuenta|rekening"
)
_SAYS_ID = (
    r"ssn|social security|passport|ausweis|personalausweis|steuer-?id|tax id|vat id|vat no"
    r"|ust-?id(?:nr)?|siret|siren|nif|dni|cpf|pesel|tin|ein"
)
_SAYS_PHONE = (
    r"tel|phone|call|mobile|cell|fax|whatsapp|handy|telefon|teléfono|téléphone|ring|電話|电话"
)
_STRIPE_IDS = r"acct|ch|cus|dp|evt|in|ii|il|mandate|pi|pm|po|price|prod|py|re|seti|si|src|sub|txn"
_IS = r"\s*[:#=]?\s*(?:is )?"
_NUMBER_WORD = r"(?: ?(?:no|nr|number|num)\.?)?"


def _national_phone(match: re.Match[str]) -> str | None:
    """A national number starts with 0 and has at least nine digits; a date has eight."""
    return _phone(match) if sum(char.isdigit() for char in match[0]) >= 9 else None


Secret = tuple[str, re.Pattern[str], Judge]

_KEYS: tuple[Secret, ...] = tuple(
    ("key", re.compile(pattern, flags), _always("[key]"))
    for pattern, flags in (
        (r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)", re.DOTALL),
        (r"\b(?:sk|rk|pk)_(?:live|test)_\w{4,}|\b[sr]k_\w{8,}|\bwhsec_\w{4,}", 0),
        (r"\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?", 0),
        (r"\bAKIA[0-9A-Z]{12,}|\bgh[a-z]_\w{16,}|\bxox[a-z]-[\w-]{8,}", 0),
        (r"\bpat-\w{2,4}-[\w-]{16,}|\bsk-[\w-]{16,}", 0),
    )
)
_PASSWORD: Secret = (
    "key",
    re.compile(rf"\b((?:{_ANNOUNCES_KEY})\s*(?:is|ist|est|es|:|=)\s*)(\S+)", _I),
    _labelled("[key]"),
)
_ADDRESSES: tuple[Secret, ...] = (
    (
        "email",
        re.compile(
            r"(?<![\w.+'-])[\w.+'-]{1,254} ?(?:@|\[at\]|\(at\)) ?[\w-]+"
            r"(?:(?:\.| ?[\[(]dot[\])] ?)[\w-]+)+",
            _I,
        ),
        _always("[email]"),
    ),
    (
        "link",
        re.compile(
            r"\b(?:[a-z][a-z0-9+.-]{1,9}://|www\.|mailto:|tel:|javascript:|data:[a-z]+/)"
            r"[^\s<>\"'|\\^`\]})]*[^\s<>\"'|\\^`\]}).,;!?]",
            _I,
        ),
        _always("[link]"),
    ),
    ("link", _BARE_LINK, _always("[link]")),
    ("ip", re.compile(rf"(?<![\d.])(?:{_BYTE}\.){{3}}{_BYTE}(?![\d.])"), _always("[address]")),
)
_BANKING: tuple[Secret, ...] = (
    ("bank", re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){10,30}"), _iban),
    ("card", re.compile(r"(?<![\d.,-])[2-6](?:[ -]?\d){12,18}(?![\d])"), _card),
    (
        "bank",
        re.compile(rf"\b((?:{_SAYS_ACCOUNT}){_NUMBER_WORD}{_IS})(\d[\d -]{{5,}}\d)", _I),
        _labelled("[bank account]"),
    ),
    ("id", re.compile(rf"\b(?:{_STRIPE_IDS})_[A-Za-z0-9]{{8,}}"), _always("[id]")),
)
# US · UK · Brazil, people and firms · Italy, India · Spain · France · Nordic, Korea, China
_PEOPLE: tuple[Secret, ...] = tuple(
    ("national id", re.compile(pattern), _always("[national id]"))
    for pattern in (
        r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
        r"\b[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
        r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)",
        r"(?<!\d)\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}(?!\d)",
        r"\b[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]\b|\b[A-Z]{5}\d{4}[A-Z]\b",
        r"\b(?:\d{8}|[XYZ]\d{7})-?[A-Z]\b",
        r"(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?!\d)",
        r"(?<![\d-])\d{6}[-+]\d{4}(?:\d{3})?(?![\d-])|(?<!\d)\d{17}[\dX](?!\w)",
    )
)
_LABELLED_ID: Secret = (
    "national id",
    re.compile(
        rf"\b((?:{_SAYS_ID})\b(?: ?(?:no|nr|number)\.?)?{_IS})([A-Z]{{0,3}}\d[\w./-]{{5,}})", _I
    ),
    _labelled("[national id]"),
)
_PHONES: tuple[Secret, ...] = (
    ("phone", re.compile(r"(?<![\w+])\+\d[\d ()./-]{6,}\d"), _phone),
    (
        "phone",
        re.compile(
            r"(?<![\w.,:/-])(?:1[-. ])?\(?[2-9]\d{2}\)?[-. ]{1,2}\d{3}[-. ]\d{4}(?![\w.,-]\d|\w)"
        ),
        _phone,
    ),
    (
        "phone",
        re.compile(r"(?<![\w.,:/-])\(?0\d{1,4}\)?(?:[ /-]{1,2}\d{2,8}){1,5}(?![\w.,-]\d|\w)"),
        _national_phone,
    ),
    (
        "phone",
        re.compile(
            rf"\b((?:{_SAYS_PHONE})\b\.?\s*(?:us|me|him|her|at|on|no|number|is|nr)?\.?\s*[:#]?\s*)"
            r"(\+?\d[\d ()/-]{5,}\d)",
            _I,
        ),
        _labelled("[phone]"),
    ),
)
# The longest and surest shapes come first, so that a phone number is never found inside a link.
_SECRETS: tuple[Secret, ...] = (
    *_KEYS,
    _PASSWORD,
    *_ADDRESSES,
    *_BANKING,
    *_PEOPLE,
    _LABELLED_ID,
    ("encoded", re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}"), _encoded),
    *_PHONES,
)


def _replace(
    text: str, kind: str, pattern: re.Pattern[str], judge: Judge, counts: Counter[str]
) -> str:
    def one(match: re.Match[str]) -> str:
        word = judge(match)
        if word is None:
            return match[0]
        counts[kind] += 1
        return word

    return pattern.sub(one, text)


_STUTTER = re.compile(r"(.{4,60}?)\1{5,}", re.DOTALL)
_HELD_KEY = re.compile(r"([^\d\s])\1{11,}")


def _collapse(text: str, counts: Counter[str]) -> str:
    """The same words again and again cost money and hide what stands behind them."""
    text, stutters = _STUTTER.subn(r"\1 [repeated] ", text)
    text, held = _HELD_KEY.subn(r"\1\1\1", text)
    if stutters + held:
        counts["repeated"] += stutters + held
    return re.sub(r"\n{3,}", "\n\n", text).strip()
