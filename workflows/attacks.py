# ruff: noqa: E501  (patterns read worse when broken)
"""Shapes that only an attack on a reader has: orders to a machine, broken structure, hidden text.

Detectors are a brake, never a gate: a hit means that nothing is charged or sent before a person has looked.
What an attacker could gain is bounded elsewhere; a false alarm costs one click.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator

from workflows.phrases import first_spoken, plain
from workflows.playbook import Playbook
from workflows.redaction import ENCODED, HIDDEN

_I = re.IGNORECASE
_VERBS = (
    r"(?:ignor\w*|disregard\w*|forget|overrid\w*|bypass\w*|supersed\w*|discard\w*|circumvent\w*)"
)
_RULES = r"(?:instructions?|rules?|prompts?|polic(?:y|ies)|guidelines?|constraints?|guardrails?|checks?|directions?|network advice|safeguards?)"
_CHIEF = r"(?:c[efot]o|ceo|cfo|chief \w+ officer|vp(?: of)?(?: \w+)?|vice president|president|head of \w+|boss|director|founder|finance leadership|management)"
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("orders to ignore rules", re.compile(rf"\b{_VERBS}\b(?:\W+\w+){{0,5}}?\W+{_RULES}\b", _I)),
    ("rules said to be replaced", re.compile(rf"\b{_RULES}\b(?:\W+\w+){{0,6}}?\W+(?:supersed\w*|overrid\w*|no longer appl\w*|do(?:es)? not apply|suspended)\b", _I)),
    ("a role tag", re.compile(r"(?:^|\n)\W{0,3}(?:system|assistant|developer)\s*(?:prompt|message|note|override)?\s*:|</?\s*(?:system|assistant|untrusted\w*|instructions?|data|context|evidence|prompt|notes?|ticket)\s*>|\[/?(?:inst|system|admin)\]|<\|\w+\|>|\[\[\s*\w+\s*\]\]|#{2,}\s*(?:system|instructions?|new task)", _I)),
    ("words to an AI", re.compile(r"\b(?:ai(?: agents?| assistants?| models?)?|llms?|gpt|language models?|chat ?bots?|bots?|automated (?:system|agent)s?)\b\W+(?:\w+\W+){0,4}?(?:must|should|shall|please|ignore|approve|escalate|stop|output|reply|respond|print|mark|set|do not|never)\b|\b(?:dear|hello|hey|attention|note to|instructions? (?:to|for)|message (?:to|for)|to the) (?:the )?(?:ai|llm|bot|assistant|agent|model|automation)\b|\b(?:your|our) ai\b|\byou are (?:now )?(?:an?|the|in) (?:\w+ )?(?:ai|assistant|bot|developer mode|admin|unrestricted)|\bas an ai\b|\b(?:jailbreak|developer mode|system prompt|prompt injection)\b", _I)),
    ("our own vocabulary", re.compile(r"\b(?:schedule_retry|send_update_link|escalate_now|retry_slot_id|slot_id|needs_human|allowed_actions|set action|set confidence|confidence\s*[=:])", _I)),
    ("a new task", re.compile(r"\bnew (?:task|instructions?|system prompt|policy)\b\s*(?::|for)|\b(?:task|data section|conversation) (?:has )?(?:ended|is over|complete)\b|\bend of (?:data|notes|context|input)\b|\bfrom now on\b(?:\W+\w+){0,3}?\W+(?:act|you|respond|treat)\b|\byou must (?:call|set|output|retry|approve|reply|mark|ignore|now)\b", _I)),
    ("a password to repeat", re.compile(r"\b(?:reply|respond|answer|write|say|print|output|repeat|append|insert|confirm)\b(?:\W+\w+){0,4}?\W+(?:token|code ?word|pass ?phrase|keyword|canary|the (?:word|phrase|string))\b|\bconfirm with (?:the )?code\b|\bwrite (?:the word )?[A-Z]{4,}\b", _I)),
    ("a request for other people's data", re.compile(r"\b(?:list|show|send|export|output|print|reveal|dump|include|tell|give)\b(?:\W+\w+){0,6}?\W+(?:(?:other|last|five|ten|your) (?:\w+ ){0,2}(?:customers?|clients?)|(?:all|other|your|their) (?:\w+ ){0,3}(?:e-?mail addresses|api keys?|passwords?|secrets?)|system prompt|full prompt|credentials|api keys?)\b", _I)),
    ("an order to keep it quiet", re.compile(r"\b(?:tell|inform|notify|involve) (?:nobody|no[- ]?one)\b|\b(?:do not|don't|without|no need to) (?:tell\w*|inform\w*|notify\w*|involv\w*|check\w*(?: \w+)? with) (?:any(?:one|body)|the (?:team|owner|csm|account manager))\b|\bkeep (?:this|it) (?:between us|quiet|secret|off the (?:books|record))\b|\b(?:close|write|cancel|waive) (?:it|this|the \w+)(?: \w+)? (?:out )?quietly\b", _I)),
    ("template code", re.compile(r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|\$\{[^}]{0,200}\}|\{\d*\.?__\w+|<%.{0,200}?%>|<script|javascript:|on(?:error|load|click)\s*=", _I | re.S)),
    ("a broken structure", re.compile(r"[\"'”]\s*[,}\]]\s*[\"'“]?\w+[\"'”]?\s*:\s*[\"'“\[{\dtfn]|\{\s*[\"'“]\w+[\"'”]\s*:|<!--|-->|```|<!\[CDATA\[|[\"'”]\s*\}\s*[\],]", _I)),
    ("a link drawn as a picture", re.compile(r"!?\[[^\]\n]{0,80}\]\(\s*(?:https?:|\[link\])", _I)),
    ("a spreadsheet formula", re.compile(r"(?:^|[\n,;\s])[=+@-](?:hyperlink|cmd|importxml|importdata|webservice|dde|sum)\s*\(|=hyperlink", _I)),
    ("a database command", re.compile(r"\b(?:drop|truncate|alter) table\b|\bunion select\b|';\s*--|\bor 1\s*=\s*1\b", _I)),
    ("someone posing as the processor or as us", re.compile(rf"\b{_CHIEF}\b(?:\W+\w+){{0,2}}?\W+(?:at|of|from|in|here at) (?:your|this) (?:own )?(?:company|firm|team|organi[sz]ation|side)\b|\byour (?:own )?(?:\w+ )?{_CHIEF}\b(?:\W+\w+){{0,6}}?\W+(?:agreed|approved?|okayed|ok'?d|promised|authori[sz]ed|signed off|told|said|wants|asked)\b|\bthis is (?:the )?(?:stripe|visa|mastercard|hubspot|your (?:ceo|cfo|boss|bank|security|ai)|(?:it|the) security)\b|\b(?:safety|security|compliance|trust) team\b(?:\W+\w+){0,8}?\W+(?:explain|tell|must|require[sd]?|instruct\w*|orders?|ticket)\b|\bon behalf of (?:your|the) (?:ceo|cfo|board|stripe)\b|\byour (?:ceo|cfo|boss|director|founder)\b(?:\W+\w+){0,6}?\W+(?:agreed|approved|promised|authori[sz]ed|told|said|wants|asked)\b|\bagreed with your (?:ceo|cfo|boss|director|founder|management)\b", _I)),
)  # fmt: skip
_LINK = (
    r"(?:https?://\S+|www\.\S+|\[link\]|\b[\w-]+\.(?:example|com|net|org|io|co|info|biz)\b/?\S*)"
)
_PAY_WORDS = r"(?:pay\w*|portal|updat\w*|billing|invoice\w*|bank|card|checkout|secure|verif\w*|zahl\w*|rechnung\w*|paiement|factur\w*|pago|pag\w+|fattur\w*|betal\w*|platn\w*)"
_PAY_LINK = re.compile(
    rf"\b{_PAY_WORDS}\b.{{0,80}}?{_LINK}|{_LINK}.{{0,80}}?\b{_PAY_WORDS}\b", _I | re.S
)
_MARKS = (HIDDEN, ENCODED, "[repeated]")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}")
_SPELT_OUT = re.compile(r"(?:\b[^\W\d_][ .\-_*|]{1,3}){11,}[^\W\d_]\b")
_HIDDEN = re.compile(
    "[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]|[\u200b-\u200d\u2060\ufeff]{2,}"
    "|(?<=[A-Za-z])[\u200b-\u200f\u2060\ufeff](?=[A-Za-z])"
)
_MIXED = re.compile(
    r"\b(?=\w*[a-z])(?=\w*[\u0400-\u04ff\u0370-\u03ff])[a-z\u0400-\u04ff\u0370-\u03ff]{4,}\b", _I
)
_LEET = str.maketrans("013457@$", "oieastas")
ORDERS = "orders"  # the word list of commands in many languages
READ_CHARACTERS = 6_000  # of one text
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
        first_spoken(phrases, words) is not None
        for phrases in playbook.words.get(ORDERS, {}).values()
    )


def _disguised(text: str) -> Iterator[str]:
    """The same text as its writer may have hidden it: encoded, in leet, or backwards."""
    for run in _BASE64.findall(text):
        try:
            decoded = base64.b64decode(
                run + "=" * (-len(run) % 4), altchars=b"-_" if "-" in run or "_" in run else None
            )
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
