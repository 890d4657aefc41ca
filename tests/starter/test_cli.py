"""The command line: one clear sentence for every mistake, the right exit code, and nothing slow."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click import Command
from typer.main import get_command

from starter import cli
from starter.local import ROOT, plain_environment

COMMANDS: dict[str, Command] = get_command(cli.app).commands  # type: ignore[attr-defined]
NOWHERE = {
    "STRIPE_API_KEY": "rk_test_x",
    "STRIPE_API_BASE": "http://127.0.0.1:9",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
    "DATABASE_URL": "postgresql://us:geheim@127.0.0.1:9/ours",
    "TEMPORAL_ADDRESS": "127.0.0.1:9",
}


def dunning(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """As a person would run it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "starter", *words],
        env=plain_environment() | env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_and_shows_an_example(name: str) -> None:
    help_text = COMMANDS[name].help or ""

    assert f"Example:  dunning {name}" in help_text
    assert len(help_text.splitlines()[0]) <= 60, "the list of commands cuts longer ones"


@pytest.mark.parametrize("name", ["status", "explain", "doctor", "sweep", "evaluate", "approve"])
def test_every_listing_can_be_read_by_programs(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}

    assert "--json" in options


def test_help_loads_no_vendor() -> None:
    code = (
        "import sys; from starter.cli import run; code = run(['--help']);"
        "heavy = {'litellm', 'openai', 'msgraph', 'hubspot', 'stripe', 'asyncpg', 'temporalio'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=plain_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (told.returncode, told.stderr.strip()) == (0, "[]")


def test_the_webhook_loads_no_vendor_but_stripe() -> None:
    code = (
        "import sys, starter.server;"
        "heavy = {'litellm', 'openai', 'msgraph', 'hubspot', 'azure'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=plain_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (told.returncode, told.stdout.strip()) == (0, "[]"), told.stderr


@pytest.mark.parametrize("command", ["worker", "serve", "up"])
def test_a_process_without_its_settings_stops_at_once(command: str) -> None:
    began = time.monotonic()
    told = dunning(command)

    assert told.returncode == 2
    assert "STRIPE_API_KEY is not set." in told.stderr
    assert "Traceback" not in told.stderr
    assert time.monotonic() - began < 10  # 2 s on an idle machine; the tests run in parallel


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("status", "in_1"), 1, "Temporal does not answer at 127.0.0.1:9"),
        (("status",), 1, "does not answer at 127.0.0.1:9"),
        (("approve", "in_1"), 1, "Temporal does not answer"),
        (("explain", "in_1"), 1, "PostgreSQL does not answer at 127.0.0.1:9"),
        (("migrate",), 1, "PostgreSQL does not answer"),
        (("explain", "INV-7"), 2, "is not a Stripe invoice id"),
        (("snooze", "in_1", "--until", "tomorrow"), 2, "--until is a date or a time"),
        (("snooze", "in_1", "--until", "2026-12-01T09:00"), 2, "needs a time zone"),
        (("approve", "in_1", "--action", "stop"), 2, "--action is one of"),
        (("sweep", "--on", "--off"), 2, "not both"),
        (("evaluate", "nowhere.jsonl"), 2, "There is no file nowhere.jsonl"),
        (("worker", "--queues", "fax"), 2, "There is no queue fax"),
        (("frobnicate",), 2, "No such command"),
        (("start",), 2, "Missing argument"),
    ],
)
def test_every_mistake_gets_one_clear_sentence(
    words: tuple[str, ...], code: int, sentence: str
) -> None:
    told = dunning(*words, **NOWHERE)

    assert told.returncode == code, told.stderr
    assert sentence in told.stderr
    assert "Traceback" not in told.stderr
    assert "geheim" not in told.stderr + told.stdout


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = dunning("serve", "--port", str(port), **NOWHERE)

    assert told.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in told.stderr


def test_an_empty_playbook_is_told_in_a_sentence(tmp_path: Path) -> None:
    told = dunning("serve", "--port", "0", **NOWHERE, DUNNING_PLAYBOOK=str(tmp_path))

    assert told.returncode != 0
    assert "is empty" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_process_leaves_with_its_code_although_temporal_is_loaded() -> None:
    """temporalio may abort a normal interpreter exit with code -6."""
    codes = {dunning("status", "in_1", **NOWHERE).returncode for _ in range(3)}

    assert codes == {1}


def test_keys_that_a_shell_gave_are_not_passed_to_the_demo() -> None:
    os.environ["STRIPE_API_KEY"] = "sk_live_of_the_shell"
    try:
        assert "STRIPE_API_KEY" not in plain_environment()
    finally:
        del os.environ["STRIPE_API_KEY"]
