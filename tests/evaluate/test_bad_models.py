"""Whatever a model does, no promise is broken, every handoff is written, and nobody waits long."""

import pytest

from activities.rehearsal import Rehearsal
from sandbox.model import Mode
from starter.evaluate import Run, run
from starter.labelled import LabelledCase, read_cases
from starter.scoreboard import Kind
from tests.agent.conftest import ModelServer, impatient
from tests.evaluate import author, hostile
from workflows.case import Action
from workflows.playbook import Playbook

OWN, HOSTILE = read_cases(author.CASES), read_cases(hostile.CASES)
BLIND = read_cases(author.CASES.with_name("blind.jsonl"))
# On these a bad model once had its way: too early, or although the customer is leaving.
ONCE_LOST = ("O01", "O02", "O03", "O103", "O130", "B139")
LOST = tuple(case for case in (*OWN, *BLIND) if case.id in ONCE_LOST)
SAMPLE = (*LOST, *HOSTILE[::5], *OWN[4::17])


def judged(cases: tuple[LabelledCase, ...], rules: Playbook) -> Run:
    with Rehearsal() as agent:
        return run("sample", cases, rules, agent, agent)


def broken(seen: Run) -> list[tuple[str, str]]:
    return [
        (result.case, finding.text)
        for result in seen.board.results
        for finding in result.findings
        if finding.kind is Kind.VIOLATION
    ]


def without_handoff(seen: Run) -> list[str]:
    return [
        one.case.id
        for one in seen.answers
        if one.verdict.action is Action.ESCALATE_NOW and one.handoff is None
    ]


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.SLOW])
def test_no_model_breaks_a_promise(rules: Playbook, server: ModelServer, mode: Mode) -> None:
    server.behaves(mode)

    seen = judged(SAMPLE, rules)

    assert broken(seen) == []
    assert without_handoff(seen) == []
    assert seen.board.effort is not None
    assert seen.board.effort.seconds_longest < 30


def test_a_slow_model_costs_a_case_our_patience_once(rules: Playbook, server: ModelServer) -> None:
    server.behaves(Mode.SLOW)

    seen = judged(SAMPLE[:4], impatient(rules))

    assert broken(seen) == []
    assert seen.board.effort is not None
    assert seen.board.effort.seconds_longest < 3  # decision and mail together
    assert seen.board.effort.unusable == seen.board.effort.questions > 1


def test_alone_the_hostile_model_would_have_broken_promises(
    rules: Playbook, server: ModelServer
) -> None:
    server.behaves(Mode.HOSTILE)

    seen = judged(LOST, rules)

    assert seen.alone.violations > 0
    assert seen.board.violations == 0


def test_the_hostile_cases_are_what_their_author_wrote() -> None:
    import json

    written = [json.loads(line) for line in hostile.CASES.read_text("utf-8").splitlines()]

    assert written == hostile.rows()
    assert len({row["title"].split(" in the ")[0] for row in written}) >= 17
    assert {row["title"].split(" in the ")[1] for row in written} == set(hostile.FIELDS)
