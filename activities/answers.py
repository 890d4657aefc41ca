"""What a model may answer, and what makes an answer usable.

Schemas are flat, closed and without defaults, because providers disagree about everything else.
Whatever a provider promises, an answer counts only after `proposal_of` or `draft_of` has read it.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from activities.letters import ContextItem, CustomerMessage, Draft
from workflows.attacks import attacks
from workflows.case import Action, Claim, DecidedBy, Options, Proposal
from workflows.evidence import Evidence, Pack, Trust
from workflows.playbook import Playbook
from workflows.redaction import redact, shorten

LONGEST_CLAIM, MOST_REASONS, MOST_RISKS, MOST_IDS = 200, 5, 4, 4

Choice = Literal["schedule_retry", "send_update_link", "escalate_now"]
Tool = Literal["read_note", "read_ticket", "list_more_notes", "list_invoices"]
Mood = Literal["calm", "concerned", "frustrated", "angry", "leaving", "unknown"]
Cause = Literal[
    "temporary_funds", "card_needs_update", "bank_authentication", "bank_refused", "limit",
    "technical", "security", "billing_error", "deliberate", "unknown",
]  # fmt: skip
Confidence = Literal["low", "medium", "high"]


class Flat(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClaimAnswer(Flat):
    claim: str
    evidence_ids: list[str]


class DecisionAnswer(Flat):
    action: Choice
    retry_slot_id: str | None
    confidence: Confidence
    reasons: list[ClaimAnswer]
    risks: list[ClaimAnswer]
    customer_mood: Mood
    root_cause: Cause
    runner_up: Choice | None
    needs_human: bool
    human_question: str | None
    suspicious_content: list[str]


class LookUpAnswer(Flat):
    tool: Tool
    evidence_id: str | None
    months: int | None


class CuriousAnswer(DecisionAnswer):
    """A decision, or the wish to see something first."""

    need_more: list[LookUpAnswer]


class ContextAnswer(Flat):
    text: str
    evidence_ids: list[str]


class DraftAnswer(Flat):
    summary: list[str]
    why_this_action: str
    account_context: list[ContextAnswer]
    suggested_next_steps: list[str]
    talking_points: list[str]
    avoid: list[str]
    customer_language: str | None
    customer_subject: str | None
    customer_body: str | None


SCHEMAS: Mapping[str, type[Flat]] = {"decide": DecisionAnswer, "draft": DraftAnswer}
A = TypeVar("A", bound=Flat)


class UnusableError(ValueError):
    """An answer that cannot be used; each flaw is one sentence that the model can act on."""

    def __init__(self, flaws: Iterable[str], *, hopeless: bool = False) -> None:
        self.flaws = tuple(flaws)
        self.hopeless = hopeless  # do not ask again
        super().__init__(" ".join(self.flaws))


def parse(text: str, schema: type[A]) -> A:
    """The one JSON object of the answer. A code fence or a sentence around it is forgiven."""
    body = _object_in(text)
    try:
        return schema.model_validate_json(body)
    except ValidationError as wrong:
        raise UnusableError(_in_words(error) for error in wrong.errors()[:8]) from wrong


def _object_in(text: str) -> str:
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise UnusableError(["The answer holds no JSON object."])
    return text[start : end + 1]


def _in_words(error: Mapping[str, object]) -> str:
    loc = error["loc"]
    where = ".".join(map(str, loc)) if isinstance(loc, tuple) and loc else "the object"
    return f"{where}: {error['msg']}."


# ── a decision ──────────────────────────────────────────────────────────────────────────

REASONS_OF_THE_BANK = ("ERR", "PM", "POL")
ACCOUNT = (
    "CO",
    "NOTE",
    "TKT",
    "DEAL",
    "PAY",
    "FAIL",
    "REC",
    "SUB",
    "DER",
    "DSP",
    "OPN",
    "OWN",
    "MISS",
)
WRITTEN = ("NOTE", "TKT")


def section(id: str) -> str:
    return id.split(".", 1)[0]


def proposal_of(
    answer: DecisionAnswer, options: Options, pack: Pack, playbook: Playbook
) -> Proposal:
    """The answer as a proposal, if it names only what was offered and rests on the evidence."""
    suspects = tainted(pack, playbook)
    claims = tuple(_claims(answer.reasons[:MOST_REASONS], pack, suspects))
    risks = tuple(_claims(answer.risks[:MOST_RISKS], pack, suspects))
    flaws = [*_choice_flaws(answer, options), *_citation_flaws(answer, claims, pack)]
    if flaws:
        raise UnusableError(flaws)
    cited = {id for claim in (*claims, *risks) for id in claim.evidence}
    has_mood = any(section(id) in WRITTEN for id in cited)
    question = _asked(answer, pack, suspects) if answer.needs_human else None
    return Proposal(
        action=Action(answer.action),
        slot_id=answer.retry_slot_id,
        by=DecidedBy.MODEL,
        confidence=answer.confidence,
        claims=claims,
        risks=risks,
        mood=answer.customer_mood if has_mood else "unknown",
        root_cause=answer.root_cause,
        runner_up=Action(answer.runner_up) if answer.runner_up else None,
        needs_human=answer.needs_human,
        human_question=question,
        suspicious=tuple(id for id in answer.suspicious_content[:3] if id in pack.by_id),
    )


def _choice_flaws(answer: DecisionAnswer, options: Options) -> Iterator[str]:
    allowed = [action.value for action in options.allowed]
    retries = Action(answer.action) is Action.SCHEDULE_RETRY
    if answer.action not in allowed:
        yield f"action: {answer.action} is not allowed here. Allowed: {', '.join(allowed)}."
    elif retries and options.slot(answer.retry_slot_id) is None:
        offered = ", ".join(slot.slot_id for slot in options.slots)
        yield f"retry_slot_id: must be one of {offered} when the action is schedule_retry."
    elif not retries and answer.retry_slot_id is not None:
        yield "retry_slot_id: must be null unless the action is schedule_retry."


def _citation_flaws(answer: DecisionAnswer, claims: tuple[Claim, ...], pack: Pack) -> Iterator[str]:
    unknown = sorted(
        {id for reason in (*answer.reasons, *answer.risks) for id in reason.evidence_ids}
        - pack.by_id.keys()
    )
    if unknown:
        shown = ", ".join(re.sub(r"[^\w.]", "", id)[:20] for id in unknown[:6])
        yield f"evidence_ids: there is no {shown}. Cite only ids that are listed."
    if not claims:
        yield "reasons: give at least one in your own words, with the evidence it rests on."
        return
    cited = {section(id) for claim in claims for id in claim.evidence}
    offered = {section(id) for id in pack.by_id}
    if offered & {*REASONS_OF_THE_BANK} and not cited & {*REASONS_OF_THE_BANK}:
        yield _cite_one_of(REASONS_OF_THE_BANK, pack)
    if offered & {*ACCOUNT} and not cited & {*ACCOUNT}:
        yield _cite_one_of(ACCOUNT, pack)


def _cite_one_of(sections: Collection[str], pack: Pack) -> str:
    """With ids that really are there: "the account" alone tells a small model nothing."""
    ids = [id for id in pack.by_id if section(id) in sections]
    return (
        f"reasons: the evidence_ids of one reason at least must hold one of {', '.join(ids[:8])}."
    )


def _claims(answers: Iterable[ClaimAnswer], pack: Pack, suspects: "Taint") -> Iterator[Claim]:
    """Claims that people may read: short, cited, in the model's own words."""
    for answer in answers:
        ids = tuple(dict.fromkeys(id for id in answer.evidence_ids if id in pack.by_id))[:MOST_IDS]
        text = _said(answer.claim, pack, suspects)
        if ids and text:
            yield Claim(claim=text, evidence=ids)


_MARKUP = re.compile(r"[<>{}`|\\]|\[[a-z ]+\]|!\[|\]\(")


def _said(text: str, pack: Pack, suspects: "Taint") -> str | None:
    """As people may read it; None when it is no prose, or only repeats what an attacker wrote."""
    if _MARKUP.search(redact(text, 2 * LONGEST_CLAIM)):
        return None
    clean = shorten(redact(" ".join(text.split()), 2 * LONGEST_CLAIM), LONGEST_CLAIM)
    return pack.names.reveal(clean) if clean and not suspects.echoed_in(text) else None


COPIED = 6  # so many words of somebody else's in a row are a copy


def _asked(answer: DecisionAnswer, pack: Pack, suspects: "Taint") -> str | None:
    """The question for a person, in the model's own words: it goes into a mail as it stands."""
    question = answer.human_question or ""
    texts = (fact.text for fact in pack.evidence if fact.trust is not Trust.SYSTEM)
    theirs = {run for text in texts for run in _runs(_words(text), COPIED)}
    if theirs & set(_runs(_words(question), COPIED)):
        return None
    return _said(question, pack, suspects)


# ── texts that try to direct the reader ─────────────────────────────────────────────────


class Taint:
    """What an attacking text says, so that nothing repeats it."""

    RUN = 4  # so many of its words in a row are an echo

    def __init__(self, bad: Iterable[str], good: Iterable[str]) -> None:
        known = {word for text in good for word in _words(text)}
        texts = [_words(text) for text in bad]
        self._odd = {w for words in texts for w in words if _is_odd(w)} - known
        self._runs = {run for words in texts for run in _runs(words, self.RUN)}

    def echoed_in(self, text: str) -> bool:
        words = _words(text)
        return bool(self._odd & set(words) or self._runs & set(_runs(words, self.RUN)))

    def echo(self, text: str) -> str | None:
        """The word or run that gives it away."""
        words = _words(text)
        found = [
            *(self._odd & set(words)),
            *map(" ".join, self._runs & set(_runs(words, self.RUN))),
        ]
        return min(found) if found else None


def tainted(pack: Pack, playbook: Playbook) -> Taint:
    """The texts of this pack that try to direct whoever reads them."""
    bad = {fact.id for fact in pack.evidence if is_attack(fact, playbook)}
    return Taint(
        (fact.text for fact in pack.evidence if fact.id in bad),
        (fact.text for fact in pack.evidence if fact.id not in bad),
    )


def is_attack(fact: Evidence, playbook: Playbook) -> bool:
    return fact.trust is not Trust.SYSTEM and bool(attacks(fact.text, playbook))


_WORD = re.compile(r"[^\W_]+(?:[-'.][^\W_]+)*")


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(re.sub(r"\[[a-z ]+\]", " ", text))]


def _is_odd(word: str) -> bool:
    """Tokens, codes and amounts are what an attacker wants repeated."""
    return len(word) >= 3 and any(char.isdigit() for char in word)


def _runs(words: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(length)), strict=False)


# ── a draft ─────────────────────────────────────────────────────────────────────────────


STANDS_FOR = {"COMPANY": "company", "CONTACT_1": "contact_first_name", "OWNER": "owner_first_name"}


def draft_of(answer: DraftAnswer, offered: Iterable[str]) -> Draft:
    """The answer in the shape that letters are rendered from. The checker comes after.

    A model that writes COMPANY means `{{company}}`; both are ours.
    """
    text = answer.model_dump_json()
    for word, name in STANDS_FOR.items():
        if name in offered:
            text = re.sub(rf"(?<![\w{{]){word}(?![\w}}])", f"{{{{{name}}}}}", text)
    answer = DraftAnswer.model_validate_json(text)
    flaws = [*_length_flaws(answer)]
    if flaws:
        raise UnusableError(flaws)
    message = None
    if answer.customer_body and answer.customer_subject:
        message = CustomerMessage(
            language=(answer.customer_language or "en")[:2].lower(),
            subject=answer.customer_subject,
            body=answer.customer_body,
        )
    return Draft(
        summary=tuple(answer.summary),
        why_this_action=answer.why_this_action,
        account_context=tuple(
            ContextItem(text=item.text, evidence_ids=tuple(item.evidence_ids))
            for item in answer.account_context
        ),
        suggested_next_steps=tuple(answer.suggested_next_steps),
        talking_points=tuple(answer.talking_points),
        avoid=tuple(answer.avoid),
        customer_message=message,
    )


LENGTHS = {
    "summary": (1, 4), "account_context": (1, 5), "suggested_next_steps": (1, 4),
    "talking_points": (0, 4), "avoid": (0, 3),
}  # fmt: skip


def _length_flaws(answer: DraftAnswer) -> Iterator[str]:
    for name, (least, most) in LENGTHS.items():
        count = len(getattr(answer, name))
        if not least <= count <= most:
            yield f"{name}: has {count} entries; {least} to {most} are wanted."
    if answer.customer_body and not answer.customer_subject:
        yield "customer_subject: is missing although there is a customer_body."
    if answer.customer_body and len(answer.customer_body) > 900:
        yield f"customer_body: has {len(answer.customer_body)} characters; 900 at most."
    if answer.customer_subject and len(answer.customer_subject) > 90:
        yield "customer_subject: 90 characters at most."


# ── for `dunning prompts lint` ──────────────────────────────────────────────────────────


def enum_values() -> dict[str, tuple[str, ...]]:
    """Every word a model may have to choose, by the prompt that must explain it."""
    words = [word for kind in (Choice, Mood, Cause, Confidence) for word in get_args(kind)]
    return {"decide": tuple(dict.fromkeys(words))}


def example_flaws(body: str, schema: str) -> list[str]:
    """Does the example's own answer follow the schema?"""
    answer = re.search(r"```json\n(.*?)\n```", body, re.DOTALL)
    if answer is None:
        return ["has no answer in a ```json block"]
    if schema not in SCHEMAS:
        return [f"schema {schema} is unknown; known: {', '.join(SCHEMAS)}"]
    try:
        SCHEMAS[schema].model_validate(json.loads(answer[1]))
    except (ValidationError, ValueError) as wrong:
        return [f"its answer breaks the schema: {str(wrong).splitlines()[0]}"]
    return []
