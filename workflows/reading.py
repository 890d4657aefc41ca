"""Reading what people wrote, without a model: which topics a note or ticket touches, and attacks on a reader.

Words come from the playbook (`playbook/words/*.toml`, by topic and language); only the *shapes* of attacks
stand here. A signal carries our own phrase, never the writer's text, so nothing that was smuggled into a
note can travel further. Reading may only add caution: a false alarm costs a person one look.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from workflows.facts import Facts
from workflows.nouns import Noun, Utc
from workflows.playbook import Playbook
from workflows.redaction import ENCODED, HIDDEN


class Topic:
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
    ORDERS = "orders"  # commands to a machine, in many languages
    INJECTION = "injection"  # a shape that only an attack has
    CONTACT_CHANGE = "contact_change"


class Signal(Noun):
    """One topic found in one text. `phrase` is the playbook's own wording, safe to show."""

    topic: str
    where: str  # note:<id> | ticket:<id> | company_name | contact_name | invoice_description | deal:<id>
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

NEGATION, SETTLED, HISTORY = "negation", "settled", "history"  # helper lists, no topics
SETTLES = frozenset(
    {Topic.DISPUTED, Topic.ANGER, Topic.OUTAGE, Topic.CHURN, Topic.CANCEL, Topic.CREDIT}
)
NEGATABLE = frozenset(vars(Topic).values()) - {Topic.ORDERS, Topic.INJECTION, Topic.OUTAGE}
ATTACKS = frozenset({Topic.INJECTION, Topic.REDIRECT, Topic.ORDERS})


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
    def signal(topic: str, phrase: str, on: date | None = None) -> Signal:
        return Signal(
            topic=topic, where=text.where, phrase=phrase, by_customer=text.by_customer,
            at=min(text.at, now), settled=text.settled, on=on,
        )  # fmt: skip

    for phrase in attacks(text.body, playbook):
        yield signal(Topic.INJECTION, phrase)
    if not text.prose:
        return
    sentences = _sentences(plain(text.body[:READ_CHARACTERS]))
    for topic, languages in playbook.words.items():
        if topic in (NEGATION, SETTLED, HISTORY, Topic.ORDERS):
            continue
        hit = _find(topic, languages, sentences, playbook)
        if hit is None:
            continue
        phrase, sentence = hit
        if topic == Topic.REDIRECT and not text.by_customer:
            topic = Topic.CONTACT_CHANGE  # a colleague noting a new contact is no attack
        yield signal(topic, phrase, named_date(sentence, text.at))


READ_CHARACTERS = 6_000  # of one text; nobody's complaint begins later


# ── matching phrases ────────────────────────────────────────────────────────────────────


def plain(text: str) -> str:
    """One spelling for matching: compatible forms, no accents, no case, no invisible characters."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    text = text.replace("’", "'").replace("‘", "'").replace("`", "'").casefold()
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize(
        "NFC", "".join(char for char in apart if unicodedata.category(char) != "Mn")
    )


_ENDS = re.compile(r"[.!?](?=\s|$)|[;\n。！？؟；]|,(?= (?:but|aber|mais|pero|ma|mas|maar|ale|men)\b)")


def _sentences(text: str) -> tuple[str, ...]:
    text = text.replace("credit card", "card")  # which promises no credit
    return tuple(part.strip() for part in _ENDS.split(text) if part.strip())


_NO_SPACES = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0600-\u06ff]")


def _pattern(phrase: str) -> str:
    """`sent/made .. wire*`: words in order, `*` any ending, `..` up to four words between, `/` or."""
    parts: list[str] = []
    for word in plain(phrase).split():
        if word == "..":
            parts.append(r"(?:\W+\w+){0,4}?")
            continue
        glue = r"\W+" if parts else ""
        either = "|".join(re.escape(part).replace(r"\*", r"\w*") for part in word.split("/"))
        parts.append(f"{glue}(?:{either})")
    body = "".join(parts)
    if _NO_SPACES.search(phrase):
        return body.replace(r"\W+", r"\W*")
    return rf"(?<!\w){body}(?!\w)"


@lru_cache(maxsize=512)
def _one_of(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(_pattern(phrase) for phrase in phrases)) if phrases else None


@lru_cache(maxsize=8192)
def _alone(phrase: str) -> re.Pattern[str]:
    return re.compile(_pattern(phrase))


def _find(
    topic: str,
    languages: dict[str, tuple[str, ...]],
    sentences: Iterable[str],
    playbook: Playbook,
) -> tuple[str, str] | None:
    """The first phrase of the topic that is really said: not denied, not said to be over."""
    for sentence in sentences:
        for phrases in languages.values():
            anything = _one_of(phrases)
            if anything is None or not anything.search(sentence):
                continue
            for phrase in phrases:
                match = _alone(phrase).search(sentence)
                if match and not _denied(topic, phrase, sentence, match, playbook):
                    return phrase, sentence
    return None


BEFORE = 28  # characters before a phrase in which a "not" belongs to it
AFTER = 10  # and after it, for languages that deny at the end


def _denied(
    topic: str, phrase: str, sentence: str, match: re.Match[str], playbook: Playbook
) -> bool:
    """`no dispute`, `have not paid`, `the outage was resolved`, `always paid on time`."""
    if topic in NEGATABLE and _negated(sentence, match, playbook):
        return True
    if topic in NEGATABLE and ".." in phrase and _said(NEGATION, plain(phrase), playbook) is None:
        if _said(NEGATION, match[0], playbook) is not None:
            return True
    if topic in SETTLES:
        over = _said(SETTLED, sentence, playbook)
        return over is not None and not _negated(sentence, over, playbook)
    return topic == Topic.PAID and _said(HISTORY, sentence, playbook) is not None


_CLAUSE = re.compile(r"[,:()–—]|\b(?:and|but|because|und|aber|weil|et|mais|pero|porque|ma|maar|ale|men|och|og)\b")


def _negated(sentence: str, match: re.Match[str], playbook: Playbook) -> bool:
    before = _CLAUSE.split(sentence[max(0, match.start() - BEFORE) : match.start()])[-1]
    after = sentence[match.end() : match.end() + AFTER]
    for language, phrases in playbook.words.get(NEGATION, {}).items():
        late = language in ("ja", "ko", "zh")
        said = _one_of(phrases)
        if said and (said.search(before) or (late and said.search(after))):
            return True
    return False


def _said(helper: str, sentence: str, playbook: Playbook) -> re.Match[str] | None:
    for phrases in playbook.words.get(helper, {}).values():
        said = _one_of(phrases)
        if said is not None and (match := said.search(sentence)):
            return match
    return None


# ── dates that people write ─────────────────────────────────────────────────────────────

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero ene gennaio janeiro januari styczen stycznia",
            "february feb februar fevrier fev febrero febbraio fevereiro februari lutego luty",
            "march mar marz maerz mars marzo marco maart marca marzec",
            "april apr avril avr abril abr aprile kwietnia kwiecien",
            "may mai mayo maggio maio mei maja maj",
            "june jun juni juin junio giugno junho czerwca czerwiec",
            "july jul juli juillet julio luglio julho lipca lipiec",
            "august aug aout agosto augustus sierpnia sierpien augusti",
            "september sep sept septembre septiembre settembre setembro wrzesnia wrzesien",
            "october oct oktober okt octobre octubre ottobre outubro pazdziernika oktober",
            "november nov novembre noviembre novembro listopada listopad",
            "december dec dezember dez decembre diciembre dicembre dezembro grudnia grudzien des",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday montag lundi lunes lunedi segunda maandag poniedzialek mandag",
            "tuesday dienstag mardi martes martedi terca dinsdag wtorek tirsdag tisdag",
            "wednesday mittwoch mercredi miercoles mercoledi quarta woensdag sroda onsdag",
            "thursday donnerstag jeudi jueves giovedi quinta donderdag czwartek torsdag",
            "friday freitag vendredi viernes venerdi sexta vrijdag piatek fredag",
        )
    )
    for name in names.split()
}
_ISO = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.|er|º)? (?:of |de |di )?({_MONTH})\b")
_MONTH_DAY = re.compile(rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?\b")
_EASTERN = re.compile(r"(?:(\d{1,2})[月월]\s*)?(\d{1,2})[日일]")
_NUMERIC = re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(?:20\d\d)?(?!\d)")
_NTH = re.compile(r"\b(?:the|on|by|am|bis zum|zum|le|el|il|dia|op de|op|den) (\d{1,2})(?:st|nd|rd|th|\.|er|e)?(?![\d:%])\b")
_WEEKDAY = re.compile(rf"\b({'|'.join(_DAYS)})\b")
_TOMORROW = re.compile(r"\b(?:tomorrow|morgen|demain|manana|domani|amanha|jutro|imorgon|i morgen)\b|明日|내일|明天")
_MONTH_END = re.compile(r"end of (?:the |this )?month|month[- ]end|monatsende|fin du mois|fin de mes|fine (?:del )?mese|fim do mes|eind(?:e)? van de maand|koniec miesiaca|月末|月底|월말")


def named_date(sentence: str, written: datetime) -> date | None:
    """The date a sentence names, as its writer meant it: the next such day from when it was written."""
    day = written.date()
    if match := _ISO.search(sentence):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    for pattern, day_first in ((_DAY_MONTH, True), (_MONTH_DAY, False)):
        if match := pattern.search(sentence):
            number, name = (match[1], match[2]) if day_first else (match[2], match[1])
            return _coming(day, _MONTHS[name], int(number))
    if match := _NUMERIC.search(sentence):
        return _coming(day, int(match[2]), int(match[1]))
    if match := _EASTERN.search(sentence):
        month = int(match[1]) if match[1] else None
        return _coming(day, month, int(match[2])) if month else _nth(day, int(match[2]))
    if _MONTH_END.search(sentence):
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if match := _NTH.search(sentence):
        return _nth(day, int(match[1]))
    if match := _WEEKDAY.search(sentence):
        return day + timedelta(days=(_DAYS[match[1]] - day.weekday() - 1) % 7 + 1)
    return day + timedelta(days=1) if _TOMORROW.search(sentence) else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _coming(written: date, month: int, day: int) -> date | None:
    """This year's, or next year's when this year's was long ago; a recent past date stays past."""
    this = _date(written.year, month, day) if 1 <= month <= 12 else None
    if this is not None and this < written - timedelta(days=60):
        return _date(written.year + 1, month, day)
    return this


def _nth(written: date, day: int) -> date | None:
    """`the 12th`: in this month, or in the next when it has passed."""
    if not 1 <= day <= 31:
        return None
    if day >= written.day:
        return _date(written.year, written.month, day)
    following = (written.replace(day=28) + timedelta(days=4)).replace(day=1)
    return _date(following.year, following.month, day)


# ── attacks on a reader ─────────────────────────────────────────────────────────────────

_I = re.IGNORECASE
_VERBS = r"(?:ignor\w*|disregard\w*|forget|overrid\w*|bypass\w*|supersed\w*|discard\w*|circumvent\w*)"
_RULES = r"(?:instructions?|rules?|prompts?|polic(?:y|ies)|guidelines?|constraints?|guardrails?|checks?|directions?|network advice|safeguards?)"
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("orders to ignore rules", re.compile(rf"\b{_VERBS}\b(?:\W+\w+){{0,5}}?\W+{_RULES}\b", _I)),
    ("rules said to be replaced", re.compile(rf"\b{_RULES}\b(?:\W+\w+){{0,6}}?\W+(?:supersed\w*|overrid\w*|no longer appl\w*|do(?:es)? not apply|suspended)\b", _I)),
    ("a role tag", re.compile(r"(?:^|\n)\W{0,3}(?:system|assistant|developer|human|user)\s*(?:prompt|message|note|override)?\s*:|</?\s*(?:system|assistant|untrusted\w*|instructions?|data|context|evidence|prompt|notes?|ticket)\s*>|\[/?(?:inst|system|admin)\]|<\|\w+\|>|\[\[\s*\w+\s*\]\]|#{2,}\s*(?:system|instructions?|new task)", _I)),
    ("words to an AI", re.compile(r"\b(?:ai|llm|gpt|language model|chat ?bot|bot|automation|agents?|assistant|model|automated (?:system|agent)s?)\b\W+(?:\w+\W+){0,4}?(?:must|should|shall|please|ignore|approve|escalate|stop|output|reply|respond|print|mark|set|do not|never)\b|\b(?:dear|hello|hey|attention|note to|instructions? (?:to|for)|message (?:to|for)|to the) (?:the )?(?:ai|llm|bot|assistant|agent|model|automation)\b|\b(?:your|our) ai\b|\byou are (?:now )?(?:an?|the|in) (?:\w+ )?(?:ai|assistant|bot|developer mode|admin|unrestricted)|\bas an ai\b|\b(?:jailbreak|developer mode|system prompt|prompt injection)\b", _I)),
    ("our own vocabulary", re.compile(r"\b(?:schedule_retry|send_update_link|escalate_now|retry_slot_id|slot_id|needs_human|allowed_actions|set action|set confidence|confidence\s*[=:])", _I)),
    ("a new task", re.compile(r"\bnew (?:task|instructions?|system prompt|policy)\b\s*(?::|for)|\b(?:task|data section|conversation) (?:has )?(?:ended|is over|complete)\b|\bend of (?:data|notes|context|input)\b|\bfrom now on\b(?:\W+\w+){0,3}?\W+(?:act|you|respond|treat)\b|\byou must (?:call|set|output|retry|approve|reply|mark|ignore|now)\b", _I)),
    ("a password to repeat", re.compile(r"\b(?:reply|respond|confirm|answer|write|include|say|print|output|repeat|append|add|insert|mention|quote|verify)\b(?:\W+\w+){0,6}?\W+(?:token|code ?word|pass ?phrase|keyword|canary|the (?:word|words|phrase|code|string|text|sentence|line))\b|\bwrite (?:the word )?[A-Z]{4,}\b", _I)),
    ("a request for other people's data", re.compile(r"\b(?:list|show|send|export|output|print|reveal|dump|include|tell|give)\b(?:\W+\w+){0,6}?\W+(?:(?:all|other|last|first|five|ten|every|our|your|their) (?:\w+ ){0,3}(?:customers?|clients?|accounts?|e-?mail addresses|api keys?|passwords?|secrets?)|system prompt|full prompt|credentials|api keys?)\b", _I)),
    ("template code", re.compile(r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|\$\{[^}]{0,200}\}|\{\d*\.?__\w+|<%.{0,200}?%>|<script|javascript:|on(?:error|load|click)\s*=", _I | re.S)),
    ("a broken structure", re.compile(r"[\"'”]\s*[,}\]]\s*[\"'“]?\w+[\"'”]?\s*:\s*[\"'“\[{\dtfn]|\{\s*[\"'“]\w+[\"'”]\s*:|<!--|-->|```|<!\[CDATA\[|[\"'”]\s*\}\s*[\],]", _I)),
    ("a link drawn as a picture", re.compile(r"!?\[[^\]\n]{0,80}\]\(\s*(?:https?:|\[link\])", _I)),
    ("a spreadsheet formula", re.compile(r"(?:^|[\n,;\s])[=+@-](?:hyperlink|cmd|importxml|importdata|webservice|dde|sum)\s*\(|=hyperlink", _I)),
    ("a database command", re.compile(r"\b(?:drop|truncate|alter) table\b|\bunion select\b|';\s*--|\bor 1\s*=\s*1\b", _I)),
    ("someone posing as the processor or as us", re.compile(r"\bthis is (?:the )?(?:stripe|visa|mastercard|hubspot|your (?:ceo|cfo|boss|bank|security|ai)|(?:it|the) security)\b|\b(?:safety|security|compliance|trust) team\b(?:\W+\w+){0,8}?\W+(?:explain|tell|must|require[sd]?|instruct\w*|orders?|ticket)\b|\bon behalf of (?:your|the) (?:ceo|cfo|board|stripe)\b|\byour (?:ceo|cfo|boss|director|founder)\b(?:\W+\w+){0,6}?\W+(?:agreed|approved|promised|authori[sz]ed|told|said|wants|asked)\b|\bagreed with your (?:ceo|cfo|boss|director|founder|management)\b", _I)),
)  # fmt: skip
_LINK = r"(?:https?://\S+|www\.\S+|\[link\]|\b[\w-]+\.(?:example|com|net|org|io|co|info|biz)\b/?\S*)"
_PAY_WORDS = r"(?:pay\w*|portal|updat\w*|billing|invoice\w*|bank|card|checkout|secure|verif\w*|zahl\w*|rechnung\w*|paiement|factur\w*|pago|pag\w+|fattur\w*|betal\w*|platn\w*)"
_PAY_LINK = re.compile(rf"\b{_PAY_WORDS}\b.{{0,80}}?{_LINK}|{_LINK}.{{0,80}}?\b{_PAY_WORDS}\b", _I | re.S)
_MARKS = (HIDDEN, ENCODED, "[repeated]")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}")
_SPELT_OUT = re.compile(r"(?:\b[^\W\d_][ .\-_*|]{1,3}){11,}[^\W\d_]\b")
_HIDDEN = re.compile(
    "[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]|[\u200b-\u200d\u2060\ufeff]{2,}"
    "|(?<=[A-Za-z])[\u200b-\u200f\u2060\ufeff](?=[A-Za-z])"
)
_MIXED = re.compile(r"\b(?=\w*[a-z])(?=\w*[\u0400-\u04ff\u0370-\u03ff])[a-z\u0400-\u04ff\u0370-\u03ff]{4,}\b", _I)
_LEET = str.maketrans("013457@$", "oieastas")
LONGEST_LETTER = 20_000
REPEATS = 25


def attacks(text: str, playbook: Playbook) -> tuple[str, ...]:
    """Which shapes of attack a text has. Each is a brake (a person looks), never a gate."""
    found: list[str] = []
    if _HIDDEN.search(text) or any(mark in text for mark in _MARKS):
        found.append("hidden or encoded text")
    if len(text) > LONGEST_LETTER or _repeats(text):
        found.append("the same words over and over")
    head = text[:READ_CHARACTERS]
    if _PAY_LINK.search(head):
        found.append("a link to a payment page")
    if _SPELT_OUT.search(head):
        found.append("words spelt out letter by letter")
    if _MIXED.search(head):
        found.append("letters of two alphabets in one word")
    readings = (unicodedata.normalize("NFKC", head), *_disguised(head))
    for name, shape in _SHAPES:
        if any(shape.search(reading) for reading in readings):
            found.append(name)
    if any(_orders(reading, playbook) for reading in readings):
        found.append("orders to a machine")
    return tuple(found)


def _orders(text: str, playbook: Playbook) -> bool:
    words = plain(text)
    return any(
        (said := _one_of(phrases)) is not None and said.search(words) is not None
        for phrases in playbook.words.get(Topic.ORDERS, {}).values()
    )


def _disguised(text: str) -> Iterator[str]:
    """The same text as its writer may have hidden it: encoded, in leet, or backwards."""
    for run in _BASE64.findall(text):
        try:
            decoded = base64.b64decode(run + "=" * (-len(run) % 4), altchars=b"-_" if "-" in run or "_" in run else None)
            inside = decoded.decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            continue
        if inside.isprintable() and " " in inside:
            yield inside
    if any(char in text for char in "013457@$"):
        yield text.translate(_LEET)
    yield text[:2_000][::-1]


def _repeats(text: str) -> bool:
    words = text.split()
    return len(words) >= 4 * REPEATS and len(set(words)) * REPEATS < len(words)
