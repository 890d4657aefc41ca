"""`dunning models check` and `dunning prompts lint`, on good models and prompts and on bad ones."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from activities.model_check import CUT_OFF, NO_PRICE, NOT_USABLE, configured, examine
from activities.playbook import with_models
from sandbox.model import Mode
from starter.cli import run
from tests.agent.conftest import PLAYBOOK, ModelServer
from workflows.playbook import Playbook


@pytest.fixture
def asked(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    """The model that the command line is told of."""
    monkeypatch.setenv("DUNNING_PLAYBOOK", str(PLAYBOOK))
    monkeypatch.setenv("DUNNING_DECIDE_MODEL", "openai/sandbox")
    monkeypatch.setenv("DUNNING_DRAFT_MODEL", "openai/sandbox")
    monkeypatch.setenv("DUNNING_MODEL_API_BASE", server.url)
    return server


def test_every_model_that_may_be_asked_is_examined(shipped: Playbook) -> None:
    agent = shipped.agent
    decide = agent.decide.model_copy(update={"model": "a/one", "fallbacks": ("b/two", "a/one")})
    draft = agent.draft.model_copy(update={"model": "a/one"})
    agent = agent.model_copy(update={"decide": decide, "draft": draft})

    assert configured(shipped.model_copy(update={"agent": agent})) == [
        ("decide", "a/one"), ("decide", "b/two"), ("draft", "a/one"),
    ]  # fmt: skip


@pytest.mark.parametrize("purpose", ["decide", "draft"])
async def test_a_good_model_passes(rules: Playbook, server: ModelServer, purpose: Any) -> None:
    one = await examine(rules, purpose, "openai/sandbox")

    assert (one.usable, one.schema, one.problem) == (True, "first try", None)
    assert one.language == one.language_wanted == (None if purpose == "decide" else "de")
    assert one.tokens_in > 0
    assert one.cost_usd > 0
    assert one.advice == (NO_PRICE,)  # nobody sells the sandbox's model


@pytest.mark.parametrize(
    ("mode", "schema", "advice"),
    [
        (Mode.GARBAGE, "no", NOT_USABLE),
        (Mode.REFUSING, "no", NOT_USABLE),
        (Mode.TRUNCATED, "no", CUT_OFF),
        (Mode.HOSTILE, "first try", NOT_USABLE),
    ],
)
async def test_a_bad_model_is_told_apart_with_advice(
    rules: Playbook, server: ModelServer, mode: Mode, schema: str, advice: str
) -> None:
    server.behaves(mode)

    one = await examine(rules, "draft", "openai/sandbox")

    assert (one.usable, one.schema) == (False, schema)
    assert advice in one.advice


async def test_a_model_that_is_nowhere_is_named_as_such(rules: Playbook) -> None:
    nowhere = with_models(rules, "openai/other", "", "http://127.0.0.1:9")

    one = await examine(nowhere, "decide", "openai/other")

    assert not one.usable
    assert "api_base" in one.advice[0] or "try again" in one.advice[0].lower()


def test_the_command_ends_with_0_for_good_models_and_1_for_bad_ones(
    asked: ModelServer, capsys: Any
) -> None:
    assert run(["models", "check", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["purpose"], one["usable"]) for one in told] == [("decide", True), ("draft", True)]

    asked.behaves(Mode.GARBAGE)
    assert run(["models", "check"]) == 1
    assert "Choose a more capable model" in capsys.readouterr().out


def test_without_a_model_the_command_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("DUNNING_PLAYBOOK", str(PLAYBOOK))
    monkeypatch.delenv("DUNNING_DECIDE_MODEL", raising=False)

    assert run(["models", "check"]) == 2
    assert "[agent.decide]" in capsys.readouterr().err


# ── dunning prompts lint ────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "playbook"
    shutil.copytree(PLAYBOOK, copy)
    monkeypatch.setenv("DUNNING_PLAYBOOK", str(copy))
    return copy


def test_good_prompts_are_praised(folder: Path, capsys: Any) -> None:
    assert run(["prompts", "lint"]) == 0
    assert "Nothing to say" in capsys.readouterr().out


def test_a_remark_names_the_file(folder: Path, capsys: Any) -> None:
    prompt = folder / "prompts" / "decide.md"
    prompt.write_text(prompt.read_text("utf-8") + "\nWrite to jane@realcustomer.com\n", "utf-8")

    assert run(["prompts", "lint"]) == 1
    assert "prompts/decide.md: seems to hold real data" in capsys.readouterr().out


def test_a_prompt_that_cannot_be_used_is_2_with_file_and_line(folder: Path, capsys: Any) -> None:
    prompt = folder / "prompts" / "decide.md"
    prompt.write_text(prompt.read_text("utf-8") + "\n{{customer_mail}}\n", "utf-8")

    assert run(["prompts", "lint"]) == 2
    assert "decide.md, line " in capsys.readouterr().err
