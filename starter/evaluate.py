"""`dunning evaluate`: labelled cases through rules, agent, rules and letters, and no side effect.

The question it answers for a finance person: would this program have done something it must not do,
and how often would it have done what careful people would? No model is needed; with one, what it
would have done alone is judged beside what the rules made of it.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from starter.columns import Column, Comparison, Who
from starter.grading import Answer, Wish, Written, grade, grade_wish
from starter.labelled import LabelledCase, UnreadableCases, read_cases, to_facts
from starter.scoreboard import Effort, Heard, Scoreboard
from starter.scoreboard_show import render
from workflows import policy
from workflows.case import Action, Options, Proposal, Verdict
from workflows.facts import Facts
from workflows.nouns import InvoiceId
from workflows.playbook import Playbook
from workflows.redaction import redact_facts
from workflows.situation import Situation
from workflows.steps import LetterKind


class Proposer(Protocol):
    """An agent: it may propose what the options allow, or None when it has no answer."""

    def __call__(self, facts: Facts, options: Options, playbook: Playbook) -> Proposal | None: ...


class Overheard(Heard, Protocol):
    """What a model said of one case."""

    @property
    def decide(self) -> Sequence[object]: ...  # how often it was asked what to do
    @property
    def wish(self) -> Proposal | None: ...


@runtime_checkable
class Overhears(Protocol):
    """An agent that also tells what the model said before anyone judged it."""

    def heard(self, invoice: InvoiceId) -> Overheard: ...


class Drafter(Protocol):
    """Who writes the letters. The shipped one renders templates."""

    def handoff(
        self, facts: Facts, verdict: Verdict, options: Options, playbook: Playbook
    ) -> Written: ...

    def customer(self, facts: Facts, verdict: Verdict, playbook: Playbook) -> Written | None: ...


class Templates:
    """The letters that need no model."""

    def handoff(
        self, facts: Facts, verdict: Verdict, options: Options, playbook: Playbook
    ) -> Written:
        from activities.letters import render_handoff

        kind = LetterKind.APPROVAL if verdict.needs_approval else LetterKind.HANDOFF
        return render_handoff(facts, verdict, options, playbook, kind=kind)

    def customer(self, facts: Facts, verdict: Verdict, playbook: Playbook) -> Written | None:
        from activities.letters import render_customer

        return render_customer(facts, verdict, playbook)


@dataclass(frozen=True)
class Contender:
    """A playbook, with a model in it or without, and what people call it when there are several."""

    playbook: Playbook
    rules: str = ""
    model: str = ""

    @property
    def has_model(self) -> bool:
        agent = self.playbook.agent
        return bool(agent.decide.model or agent.draft.model)

    @property
    def name(self) -> str:
        return ", ".join(filter(None, (self.rules, self.model)))


@dataclass(frozen=True)
class Run:
    """The cases, once through."""

    answers: tuple[Answer, ...]
    board: Scoreboard
    alone: Scoreboard  # the model without the rules, where it was asked and answered

    def write(self, out: Path) -> None:
        lines = "".join(f"{answer.line()}\n" for answer in self.answers)
        out.write_text(lines, encoding="utf-8")


def evaluate(
    path: Path,
    contenders: Sequence[Contender],
    *,
    out: Path | None = None,
    as_json: bool = False,
    repeat: int = 1,
) -> int:
    """Run the file, print the scoreboard. 0: no violation; 1: some; 2: something is unreadable."""
    try:
        cases = read_cases(path)
        columns, first = compare(path.name, cases, contenders, repeat)
        if out is not None:
            first.write(out)
    except UnreadableCases as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{out}: {error.strerror or error}\n")
        return 2
    comparison = Comparison(path.name, tuple(columns))
    if as_json:
        sys.stdout.write(json.dumps(comparison.summary(), ensure_ascii=False, indent=2) + "\n")
    else:
        render(comparison)
    return 1 if comparison.violations else 0


def compare(
    source: str, cases: Sequence[LabelledCase], contenders: Sequence[Contender], repeat: int
) -> tuple[list[Column], Run]:
    """A column for each way to decide, and the run whose answers are written down."""
    columns: dict[str, Column] = {}
    plain: dict[str, Scoreboard] = {}  # by playbook: however many models are tried with it
    first: Run | None = None
    for contender in contenders:
        runs = [_once(source, cases, contender) for _ in range(repeat)]
        first = first or runs[0]
        if contender.has_model:
            if contender.rules not in plain:
                plain[contender.rules] = run(source, cases, contender.playbook).board
            board = plain[contender.rules]
            _add(columns, Column(Who.RULES, contender.rules, (board,), contender.rules))
            alone = tuple(one.alone for one in runs)
            _add(columns, Column(Who.MODEL, contender.name, alone, contender.rules))
        who = Who.BOTH if contender.has_model else Who.RULES
        boards = tuple(one.board for one in runs)
        _add(columns, Column(who, contender.name, boards, contender.rules))
    assert first is not None, "evaluate needs a contender"
    return list(columns.values()), first


def _add(columns: dict[str, Column], column: Column) -> None:
    """The rules of one playbook are one column, however many models are tried with them."""
    columns.setdefault(column.title, column)


def _once(source: str, cases: Sequence[LabelledCase], contender: Contender) -> Run:
    from activities.rehearsal import Rehearsal

    with Rehearsal() if contender.has_model else nullcontext() as agent:
        return run(source, cases, contender.playbook, agent, agent)


def run(
    source: str,
    cases: Sequence[LabelledCase],
    playbook: Playbook,
    proposer: Proposer | None = None,
    drafter: Drafter | None = None,
) -> Run:
    """Decide and grade every case."""
    answers = tuple(decide(case, playbook, proposer, drafter or Templates()) for case in cases)
    wishes = (grade_wish(answer, playbook) for answer in answers)
    asked = sum(answer.asked for answer in answers)
    heard = [answer.heard for answer in answers if answer.heard]
    effort = Effort.of(heard) if isinstance(proposer, Overhears) else None
    return Run(
        answers=answers,
        board=Scoreboard(
            source, proposer is not None, tuple(grade(one, playbook) for one in answers), effort
        ),
        alone=Scoreboard(
            source, True, tuple(result for result in wishes if result), effort,
            not_asked=len(answers) - asked,
            no_answer=sum(one.asked and one.wish is None for one in answers),
        ),
    )  # fmt: skip


# ── one case ────────────────────────────────────────────────────────────────────────────


def decide(
    case: LabelledCase, playbook: Playbook, proposer: Proposer | None, drafter: Drafter
) -> Answer:
    """Rules narrow, the agent proposes, rules clamp, letters are written: as in a real case."""
    facts = to_facts(case)
    if policy.ending(facts) is not None:
        return Answer(case, policy.policy(facts, None, playbook))
    clean = redact_facts(facts)
    options = policy.narrow(clean, playbook)
    asks = proposer is not None and len(options.allowed) > 1
    proposal = proposer(facts, options, playbook) if proposer is not None and asks else None
    verdict = policy.clamp(clean, options, proposal, playbook)
    customer = _to_customer(facts, verdict, playbook, drafter)
    handoff = None
    if hands_over(facts, verdict, playbook):
        handoff = drafter.handoff(facts, verdict, options, playbook)
    answer = Answer(case, verdict, proposal, handoff, customer)
    if isinstance(proposer, Overhears):
        heard = proposer.heard(facts.invoice.id)
        return replace(
            answer, heard=heard, asked=bool(heard.decide), wish=_wish(answer, options, heard.wish)
        )
    # An agent that nobody can listen to is taken at its word.
    return replace(answer, asked=asks, wish=_wish(answer, options, proposal))


def _wish(answer: Answer, options: Options, said: Proposal | None) -> Wish | None:
    if said is None:
        return None
    slot = options.slot(said.slot_id)
    at = slot.at if slot else answer.case.now
    retries = said.action is Action.SCHEDULE_RETRY
    return Wish(said.action, at if retries else None, said.needs_human)


def _to_customer(
    facts: Facts, verdict: Verdict, playbook: Playbook, drafter: Drafter
) -> str | None:
    if verdict.action is not Action.SEND_UPDATE_LINK:
        return None
    letter = drafter.customer(facts, verdict, playbook)
    return f"{letter.subject}\n\n{letter.text}" if letter else None


def hands_over(facts: Facts, verdict: Verdict, playbook: Playbook) -> bool:
    """Does the account's owner get a mail now? Always when they must act or agree."""
    if verdict.needs_approval or verdict.action is Action.ESCALATE_NOW:
        return True
    if verdict.action is not Action.SEND_UPDATE_LINK:
        return False
    return playbook.handoff.when == "always" or Situation(facts, playbook).is_high_value
