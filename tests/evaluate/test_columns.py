"""Rules, model and both side by side; repetitions; several playbooks and models."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox.model import Mode
from starter.cli import run as dunning
from starter.columns import Column, Comparison, Who
from starter.evaluate import Contender, Run, compare, run
from starter.labelled import read_cases
from tests.agent.conftest import PLAYBOOK, ModelServer
from tests.evaluate import author
from tests.policy.shipped import playbook
from workflows.case import Action, Options, Proposal
from workflows.facts import Facts
from workflows.playbook import Playbook

CASES = read_cases(author.CASES)[:12]


class Moody:
    """Charges on one day and asks for a person on the next."""

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, facts: Facts, options: Options, playbook: Playbook) -> Proposal:
        slot = options.slots[0].slot_id if options.slots else None
        return Proposal(
            action=self.action, slot_id=slot if self.action is Action.SCHEDULE_RETRY else None
        )


def once(action: Action) -> Run:
    return run("cases", CASES, playbook(), Moody(action))


def test_a_model_that_changes_its_mind_is_listed() -> None:
    boards = (once(Action.SCHEDULE_RETRY).board, once(Action.ESCALATE_NOW).board)
    column = Column(Who.BOTH, "", boards)

    assert "O01" in column.differing
    assert column.differing["O01"] == {"schedule_retry": 1, "escalate_now": 1}
    assert column.always_right < max(board.acceptable for board in boards)


def test_what_a_model_alone_would_break_fails_nothing() -> None:
    rules = run("cases", CASES, playbook()).board
    seen = once(Action.SCHEDULE_RETRY)
    alone = Column(Who.MODEL, "", (seen.alone,))
    columns = (Column(Who.RULES, "", (rules,)), alone, Column(Who.BOTH, "", (seen.board,)))

    comparison = Comparison("cases", columns)

    assert comparison.violations == seen.board.violations == 0
    (margin,) = comparison.margins
    assert margin.answered == len(seen.alone.results)


def test_without_a_model_the_figures_are_as_ever() -> None:
    columns, _ = compare("cases", CASES, [Contender(playbook())], 1)

    assert [column.title for column in columns] == ["rules alone"]
    assert "columns" not in Comparison("cases", tuple(columns)).summary()


# ── on the command line ─────────────────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    lines = author.CASES.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:6]), "utf-8")
    return path


@pytest.fixture
def asked(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    monkeypatch.setenv("DUNNING_PLAYBOOK", str(PLAYBOOK))
    monkeypatch.setenv("DUNNING_MODEL_API_BASE", server.url)
    return server


def told(capsys: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_model_stands_beside_the_rules(file: Path, asked: ModelServer, capsys: Any) -> None:
    assert dunning(["evaluate", str(file), "--model", "openai/sandbox", "--json"]) == 0

    columns = told(capsys)["columns"]
    assert [column["who"] for column in columns] == list(Who)
    assert columns[1]["cases"] + columns[1]["not_asked"] + columns[1]["no_answer"] == 6
    (effort,) = columns[2]["effort"]
    assert effort["cost_usd"] > 0
    assert effort["cited_known"] == effort["cited"] > 0


def test_nonsense_is_counted_as_no_answer(file: Path, asked: ModelServer, capsys: Any) -> None:
    asked.behaves(Mode.GARBAGE)

    assert dunning(["evaluate", str(file), "--model", "openai/sandbox", "--json"]) == 0

    alone = told(capsys)["columns"][1]
    assert (alone["cases"], alone["no_answer"] + alone["not_asked"]) == (0, 6)


def test_models_and_playbooks_each_get_a_column(
    file: Path, asked: ModelServer, tmp_path: Path, capsys: Any
) -> None:
    other = tmp_path / "other"
    shutil.copytree(PLAYBOOK, other)
    models = ["--model", "openai/one", "--model", "openai/two"]

    assert dunning(["evaluate", str(file), *models]) == 0
    shown = capsys.readouterr().out
    assert "openai/one: model with rules" in shown
    assert "openai/two: model alone" in shown
    assert shown.count(" rules alone") >= 1

    folders = ["--playbook", str(PLAYBOOK), "--playbook", str(other)]
    assert dunning(["evaluate", str(file), *folders, "--repeat", "2", "--json"]) == 0
    assert [(c["name"], c["repeated"], c["differing"]) for c in told(capsys)["columns"]] == [
        (str(PLAYBOOK), 2, {}), (str(other), 2, {}),
    ]  # fmt: skip


def test_one_file_of_answers_is_for_one_contender(
    file: Path, asked: ModelServer, tmp_path: Path, capsys: Any
) -> None:
    words = ["--out", str(tmp_path / "out.jsonl"), "--model", "openai/a", "--model", "openai/b"]

    assert dunning(["evaluate", str(file), *words]) == 2
    assert "one model only" in capsys.readouterr().err
