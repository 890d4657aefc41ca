"""The agent without a case: for `dunning evaluate` and for replaying history. Nothing is recorded.

It asks, checks and falls back exactly as in a real case, and pays from a purse of its own that it
reports afterwards. `Rehearsal` is both a proposer and a drafter for `starter/evaluate.py`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain

from activities import decide
from activities.agent import Agent, Drafting, told
from activities.answers import DecisionAnswer, UnusableError
from activities.letters import BadLetter, Draft, Letter, render_customer, render_handoff
from activities.model import Asks, LiteLlm, ModelProblem
from activities.overheard import Call, Overheard
from workflows import evidence
from workflows.case import Action, Options, Proposal, Verdict
from workflows.facts import Facts
from workflows.nouns import InvoiceId
from workflows.playbook import Playbook
from workflows.steps import LetterKind, Ref


class Purse:
    """Costs in memory: the limits of a case and of a day hold here as they do in a real one."""

    def __init__(self) -> None:
        self.spent: dict[str, Decimal] = {}
        self.calls = 0
        self.problems: list[str] = []

    @property
    def total(self) -> Decimal:
        return sum(self.spent.values(), Decimal(0))

    async def cost_of(self, invoice: InvoiceId) -> Decimal:
        return self.spent.get(invoice, Decimal(0))

    async def cost_today(self) -> Decimal:
        return self.total

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
    ) -> None:
        self.calls += 1
        self.spent[ref.invoice] = self.spent.get(ref.invoice, Decimal(0)) + cost_usd
        if problem:
            self.problems.append(f"{ref.invoice}: {purpose} by {model}: {problem}")


@dataclass(frozen=True)
class Heard:
    """What the model said of one case, before anyone judged it, and what that took."""

    known: frozenset[str] = frozenset()  # ids of the evidence it was shown
    decide: tuple[Call, ...] = ()
    draft: tuple[Call, ...] = ()
    has_proposal: bool = False
    has_draft: bool = False
    problems: tuple[str, ...] = ()  # why an answer could not be used

    @property
    def wish(self) -> Proposal | None:
        """Its very first answer, allowed or not, repaired by nobody."""
        said = self.decide[0].parsed if self.decide else None
        if not isinstance(said, DecisionAnswer):
            return None
        return Proposal(
            action=Action(said.action), slot_id=said.retry_slot_id, needs_human=said.needs_human
        )

    @property
    def seconds(self) -> float:
        return sum(call.seconds for call in (*self.decide, *self.draft))

    @property
    def cost(self) -> Decimal:
        given = (call.answer for call in (*self.decide, *self.draft))
        return sum((answer.cost for answer in given if answer), Decimal(0))

    @property
    def questions(self) -> int:
        return bool(self.decide) + bool(self.draft)

    @property
    def second_try(self) -> int:
        """Questions whose answer could be used only after a repair, or from another model."""
        repaired_proposal = len(self.decide) > 1 and self.has_proposal
        return repaired_proposal + (len(self.draft) > 1 and self.has_draft)

    @property
    def unusable(self) -> int:
        """Questions to which no answer came that could be used."""
        lost_proposal = bool(self.decide) and not self.has_proposal
        return lost_proposal + (bool(self.draft) and not self.has_draft)

    @property
    def reasons(self) -> tuple[tuple[str, ...], ...]:
        """The evidence cited for each thing it first said."""
        return tuple(
            chain.from_iterable(calls[0].citations for calls in (self.decide, self.draft) if calls)
        )


class Rehearsal:
    """Close it (or use `with`) to let its event loop go."""

    def __init__(self, models: Asks | None = None) -> None:
        self.purse = Purse()
        self._ears = Overheard(models or LiteLlm())
        self._agent = Agent(self._ears, self.purse)
        self._runner = asyncio.Runner()
        self._proposals: dict[InvoiceId, Proposal | None] = {}
        self._heard: dict[InvoiceId, Heard] = {}

    def __enter__(self) -> "Rehearsal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._runner.close()

    def heard(self, invoice: InvoiceId) -> Heard:
        """Told once."""
        return self._heard.pop(invoice, Heard())

    def __call__(self, facts: Facts, options: Options, playbook: Playbook) -> Proposal | None:
        """What the agent proposes; None when it is not asked or has no usable answer."""
        proposal = None
        invoice = facts.invoice.id
        if decide.is_worth_asking(facts, options, playbook):
            pack = evidence.build(facts, options, playbook)
            asking = self._agent.propose(_ref(facts), pack, options, playbook)
            proposed = self._runner.run(asking)
            proposal = proposed.proposal
            self._heard[invoice] = Heard(
                known=frozenset(pack.by_id),
                decide=self._ears.take(),
                has_proposal=proposal is not None,
                problems=(proposed.problem,) if proposed.problem else (),
            )
        self._proposals[invoice] = proposal
        return proposal

    def handoff(
        self, facts: Facts, verdict: Verdict, options: Options, playbook: Playbook
    ) -> Letter:
        """The mail to the CSM, with the model's prose where it may write and writes well."""
        kind = LetterKind.APPROVAL if verdict.needs_approval else LetterKind.HANDOFF
        try:
            draft = self._draft(facts, verdict, options, playbook)
            return render_handoff(facts, verdict, options, playbook, draft=draft, kind=kind)
        except BadLetter:
            return render_handoff(facts, verdict, options, playbook, kind=kind)

    def customer(self, facts: Facts, verdict: Verdict, playbook: Playbook) -> Letter | None:
        """The customer's mail is never a model's."""
        return render_customer(facts, verdict, playbook)

    def _draft(
        self, facts: Facts, verdict: Verdict, options: Options, playbook: Playbook
    ) -> Draft | None:
        if not decide.may_draft(facts, options, playbook):
            return None
        about = Drafting(
            ref=_ref(facts),
            facts=facts,
            pack=evidence.build(facts, options, playbook),
            verdict=verdict,
            proposal=self._proposals.get(facts.invoice.id),
            playbook=playbook,
        )
        draft, problems = None, self._heard.get(facts.invoice.id, Heard()).problems
        try:
            draft = self._runner.run(self._agent.draft(about))
        except (ModelProblem, UnusableError) as problem:
            problems += (told(problem),)
        self._heard[facts.invoice.id] = replace(
            self._heard.get(facts.invoice.id, Heard()),
            known=frozenset(about.pack.by_id),
            draft=self._ears.take(),
            has_draft=draft is not None,
            problems=problems,
        )
        return draft


def _ref(facts: Facts) -> Ref:
    return Ref(invoice=facts.invoice.id, cycle=1, round=1, now=facts.now)
