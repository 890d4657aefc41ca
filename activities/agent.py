"""The agent: it proposes what to do, and writes to the CSM. Nothing depends on it.

Whatever a model does (no answer, nonsense, an answer against the rules of the game) ends as a
`Proposed` without a proposal, or as the template's letter, within half a minute. It is never an
error.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

from temporalio import activity

from activities import (
    answers,
    customer_letter,
    draft_check,
    handoff,
    model,
    prompting,
    recipients,
    words,
)
from activities.answers import CuriousAnswer, DecisionAnswer, DraftAnswer, Flat, UnusableError
from activities.letters import (
    BadLetter,
    Draft,
    Letter,
    LetterActivities,
    pay_link,
    placeholder_values,
    render_handoff,
    store,
)
from activities.links import Links
from activities.model import Answer, Asks, LiteLlm, ModelProblem
from activities.prompting import Question
from activities.records import LetterRow, Records
from workflows import evidence
from workflows.case import DecidedBy, Options, Proposal, Verdict
from workflows.evidence import Evidence, Pack
from workflows.facts import Facts
from workflows.nouns import InvoiceId, LetterId
from workflows.playbook import ModelChoice, Playbook
from workflows.steps import LookUp, Propose, Proposed, Ref, Write, Written

log = logging.getLogger(__name__)

TEXTS_UNASKED = 4  # newest texts a draft sees when nobody cited any
WHOLE = frozenset({"stop", ""})  # how litellm calls an answer that ended by itself
T = TypeVar("T")
A = TypeVar("A", bound=Flat)


class Books(Protocol):
    """Where calls are paid from and written down. `Records` is one."""

    async def cost_of(self, invoice: InvoiceId) -> Decimal: ...

    async def cost_today(self) -> Decimal: ...

    async def book_call(
        self,
        ref: Ref,
        *,
        purpose: str,
        model: str,
        prompts: Mapping[str, str] | None = None,
        tokens_in: int = 0,
        tokens_out: int = 0,
        cost_usd: Decimal = Decimal(0),
        problem: str | None = None,
    ) -> None: ...


@dataclass(frozen=True)
class _Asking:
    """What one question is about, who answers it, and until when."""

    ref: Ref
    purpose: str  # decide | draft
    choice: ModelChoice
    playbook: Playbook
    deadline: float

    @classmethod
    def to(cls, purpose: str, ref: Ref, playbook: Playbook) -> "_Asking":
        choice = playbook.agent.decide if purpose == "decide" else playbook.agent.draft
        return cls(ref, purpose, choice, playbook, model.now() + choice.timeout_seconds)


@dataclass(frozen=True)
class Drafting:
    """Everything a draft is written from."""

    ref: Ref
    facts: Facts
    pack: Pack
    verdict: Verdict
    proposal: Proposal | None
    playbook: Playbook
    link: str | None = None


class Agent:
    """Asks a model, reads its answer with suspicion, asks once more, and gives up politely."""

    def __init__(self, models: Asks, books: Books) -> None:
        self._models = models
        self._books = books

    async def propose(
        self, ref: Ref, pack: Pack, options: Options, playbook: Playbook, *, look_ups: int = 0
    ) -> Proposed:
        """What it would do; or what it wants to see first; or why it has no say."""
        asking = _Asking.to("decide", ref, playbook)
        question = prompting.decide(pack, options, playbook, tools=look_ups)
        schema: type[DecisionAnswer] = CuriousAnswer if look_ups else DecisionAnswer

        def read(answer: DecisionAnswer) -> Proposed:
            if wants := _wants(answer, ref, pack, look_ups):
                return Proposed(proposal=None, wants=wants)
            return Proposed(proposal=answers.proposal_of(answer, options, pack, playbook))

        try:
            proposed, used = await self._ask(asking, question, schema, read)
        except (ModelProblem, UnusableError) as problem:
            asked = asking.choice.model or None
            return Proposed(proposal=None, problem=told(problem), model=asked)
        return proposed.model_copy(update={"model": used})

    async def draft(self, about: Drafting) -> Draft:
        """Checked prose for the CSM's mail. Raises `ModelProblem` or `UnusableError`."""
        playbook = about.playbook
        offered = placeholder_values(about.facts, about.verdict, playbook, link=about.link)
        shown = shown_to_draft(about)
        language = customer_letter.language_for(about.facts, playbook)
        question = prompting.draft(
            shown, about.verdict, playbook,
            placeholders=offered, language=handoff.language_name(language),
        )  # fmt: skip
        context = draft_check.Context(
            facts=about.facts, verdict=about.verdict, playbook=playbook, pack=about.pack,
            cited=tuple(shown), values=offered, language=language, canary=question.canary,
        )  # fmt: skip

        def read(answer: DraftAnswer) -> Draft:
            draft = answers.draft_of(answer, offered)
            findings = draft_check.check(draft, context)
            if any(finding.blocks for finding in findings):
                raise UnusableError(finding.text for finding in findings if finding.blocks)
            return draft

        asking = _Asking.to("draft", about.ref, playbook)
        draft, _ = await self._ask(asking, question, DraftAnswer, read)
        return draft

    # ── asking ──────────────────────────────────────────────────────────────────────────

    async def _ask(
        self, asking: _Asking, question: Question, schema: type[A], read: Callable[[A], T]
    ) -> tuple[T, str]:
        """Ask, and once more with the exact problems if the answer cannot be used."""
        first = await self._attempt(asking, question, schema, read)
        if not isinstance(first, _Unusable):
            return first
        if first.problem.hopeless:
            raise first.problem
        again = question.again(first.answer.text, first.problem.flaws, asking.playbook)
        second = await self._attempt(asking, again, schema, read)
        if isinstance(second, _Unusable):
            raise second.problem
        return second

    async def _attempt(
        self, asking: _Asking, question: Question, schema: type[A], read: Callable[[A], T]
    ) -> "tuple[T, str] | _Unusable":
        """One call, booked whatever comes of it."""
        try:
            answer = await self._models.ask(
                asking.choice, question.messages, schema,
                deadline=asking.deadline, allowance=await self._allowance(asking),
            )  # fmt: skip
        except ModelProblem as problem:
            await self._book(asking, question, None, problem.text, problem.model)
            raise
        try:
            result = read(_understood(answer, question, schema))
        except UnusableError as problem:
            await self._book(asking, question, answer, told(problem))
            return _Unusable(answer, problem)
        await self._book(asking, question, answer)
        return result, answer.model

    async def _allowance(self, asking: _Asking) -> Decimal:
        """What this question may cost: the smaller of what the case and the day have left."""
        limits = asking.playbook.agent
        case = Decimal(str(limits.per_case_usd)) - await self._books.cost_of(asking.ref.invoice)
        day = Decimal(str(limits.per_day_usd)) - await self._books.cost_today()
        return min(case, day)

    async def _book(
        self,
        asking: _Asking,
        question: Question,
        answer: Answer | None,
        problem: str | None = None,
        asked: str | None = None,
    ) -> None:
        await self._books.book_call(
            asking.ref,
            purpose=asking.purpose,
            model=(answer.model if answer else asked) or asking.choice.model or "none",
            prompts=question.prompts,
            tokens_in=answer.tokens_in if answer else 0,
            tokens_out=answer.tokens_out if answer else 0,
            cost_usd=answer.cost if answer else Decimal(0),
            problem=problem,
        )


@dataclass(frozen=True)
class _Unusable:
    answer: Answer
    problem: UnusableError


def _understood(answer: Answer, question: Question, schema: type[A]) -> A:
    """A whole answer of the right shape, from a model that kept our secret."""
    if question.canary in answer.text:
        raise UnusableError(["it repeated the private word"], hopeless=True)
    if answer.finish not in WHOLE:
        cut = "was cut off; answer more briefly" if answer.finish == "length" else "was refused"
        raise UnusableError([f"The answer {cut}."], hopeless=answer.finish == "content_filter")
    if not answer.text.strip():
        raise UnusableError(["The answer was empty."])
    return answers.parse(answer.text, schema)


def told(problem: Exception) -> str:
    """For the case's record and the Web UI: our own words, and not too many of them."""
    if isinstance(problem, UnusableError):
        return words.tidy(f"the model's answer could not be used: {problem}", 300)
    return words.tidy(str(problem), 300)


def _wants(answer: DecisionAnswer, ref: Ref, pack: Pack, most: int) -> tuple[LookUp, ...]:
    """The look-ups it asked for that mean something: their ids are in the pack."""
    asked = answer.need_more if isinstance(answer, CuriousAnswer) else []
    wants = [
        LookUp(ref=ref, tool=wish.tool, evidence_id=wish.evidence_id, months=wish.months)
        for wish in asked
        if wish.tool == "list_invoices" or wish.evidence_id in pack.by_id
    ]
    return tuple(dict.fromkeys(wants))[:most]


def shown_to_draft(about: Drafting) -> list[Evidence]:
    """Our own facts, and of other people's texts what the decision rests on. No attack at all."""
    proposal, pack, playbook = about.proposal, about.pack, about.playbook
    claims = (*proposal.claims, *proposal.risks) if proposal else ()
    ids = dict.fromkeys(id for claim in claims for id in claim.evidence)
    texts = [
        fact
        for id in ids
        if (fact := pack.by_id.get(id) or evidence.cited(about.facts, id, playbook))
    ]
    if not ids:
        texts = [f for f in pack.evidence if f.kind in ("note", "ticket")][:TEXTS_UNASKED]
    ours = [fact for fact in pack.evidence if prompting.is_ours(fact)]
    suspicious = set(proposal.suspicious) if proposal else set()
    return [
        fact
        for fact in {fact.id: fact for fact in (*ours, *texts)}.values()
        if fact.id not in suspicious and not answers.is_attack(fact, playbook)
    ]


class AgentActivities:
    """The agent's two steps. `models` is the door to language models; a test brings its own."""

    def __init__(
        self,
        records: Records,
        links: Links | None = None,
        *,
        live: bool,
        sender: str = "",
        models: Asks | None = None,
    ) -> None:
        self._records = records
        self._links = links
        self._live = live
        self._sender = sender
        self._agent = Agent(models or LiteLlm(), records)
        self._templates = LetterActivities(records, links, sender=sender, live=live)

    def warm(self) -> None:
        """Import litellm now; it takes seconds. For a thread, at the worker's start."""
        model.library()

    @activity.defn
    async def propose(self, order: Propose) -> Proposed:
        """What the agent would do, or why it has no say."""
        playbook = await self._records.playbook_of(order.ref.invoice)
        pack = Pack.model_validate(await self._records.pack(order.pack))
        for seen in order.look_ups:
            if seen.pack:
                more = Pack.model_validate(await self._records.pack(seen.pack))
                pack = pack.plus(more.evidence)
        look_ups = _look_ups_left(order, playbook)
        return await self._agent.propose(
            order.ref, pack, order.options, playbook, look_ups=look_ups
        )

    @activity.defn
    async def write_letter_with_model(self, order: Write) -> Written:
        """The CSM's mail with the model's prose in it, or the template's if that cannot be used."""
        if (kept := await self._written(order)) is not None:
            return Written(letter=kept.id, by=kept.written_by, subject=kept.subject)
        decision = await self._records.decision(order.decision)
        playbook = await self._records.playbook(decision.playbook)
        try:
            facts = await self._records.facts(order.ref, live=self._live)
            about = Drafting(
                ref=order.ref, facts=facts, verdict=decision.verdict, proposal=decision.proposal,
                pack=Pack.model_validate(await self._records.pack(decision.pack)),
                playbook=playbook, link=pay_link(facts, playbook, self._links),
            )  # fmt: skip
            draft = await self._agent.draft(about)
            letter = self._rendered(order, about, decision.options, draft)
        except (ModelProblem, UnusableError, BadLetter, LookupError) as problem:
            log.info("%s: the template writes: %s", order.ref.invoice, told(problem))
            return await self._templates.write_letter_from_template(order)
        return await store(self._records, order, letter, DecidedBy.MODEL)

    def _rendered(self, order: Write, about: Drafting, options: Options, draft: Draft) -> Letter:
        return render_handoff(
            about.facts, about.verdict, options, about.playbook,
            draft=draft, kind=order.kind, expires_at=order.expires_at, links=self._links,
            notice=recipients.csm(about.facts, about.playbook, self._sender).notice,
        )  # fmt: skip

    async def _written(self, order: Write) -> LetterRow | None:
        """A step that runs twice must not pay twice."""
        step = f".{order.step}" if order.step else ""
        id = LetterId(f"{order.ref.invoice}.{order.ordinal}.{order.kind}{step}")
        try:
            return await self._records.letter(id)
        except LookupError:
            return None


def _look_ups_left(order: Propose, playbook: Playbook) -> int:
    agent = playbook.agent
    if not order.may_look_up or not agent.follow_up_rounds:
        return 0
    return max(0, agent.look_ups - len(order.look_ups))
