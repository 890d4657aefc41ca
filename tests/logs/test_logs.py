"""What a log line may say. Names look like words, so free text never gets through."""

import io
import json
import logging
import logging.config
import sys
import uuid
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from temporalio import activity
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import Worker

import logs
from encryption import UnknownKeyError
from tests.encryption.conftest import temporal
from tests.logs.capture import Captured, configured
from tests.logs.talks import Talks

log = structlog.get_logger("dunning.test")
plain = logging.getLogger("dunning.plain")


class State(StrEnum):
    WAITING = "waiting_to_retry"


@pytest.fixture
def written() -> Iterator[Captured]:
    with configured("worker") as out:
        yield out


# ── fields ──────────────────────────────────────────────────────────────────────────────


def test_a_line_says_when_what_and_about_which_case(written: Captured) -> None:
    log.info("charged", invoice="in_1QabcXYZ", state=State.WAITING, attempts=2, took_ms=41.5)

    line = written.line
    at = datetime.fromisoformat(line.pop("timestamp"))
    assert datetime.now(UTC) - at < timedelta(minutes=1)
    assert line == {
        "level": "info",
        "process": "worker",
        "logger": "dunning.test",
        "event": "charged",
        "invoice": "in_1QabcXYZ",
        "state": "waiting_to_retry",
        "attempts": 2,
        "took_ms": 41.5,
    }


def test_a_field_nobody_allowed_keeps_its_name_and_loses_its_value(written: Captured) -> None:
    log.info("read", company="Acme", **{"Dana Smith": 1, "dana@example.com": 2})

    assert written.line["company"] == "…"
    assert "Acme" not in written.getvalue()
    assert "Dana" not in written.getvalue()
    assert "example" not in written.getvalue()


@pytest.mark.parametrize(
    "fields",
    [
        {"customer": "Acme"},
        {"customer": "dana@example.com"},
        {"invoice": "the one of Dana"},
        {"state": "Dana said no"},
        {"code": "sk_live_4eC39HqLyjWDarjtT1"},
        {"state": "Dana\nlevel=error"},
        {"run_id": "a" * 500},
        {"amount": 4242424242424242},
        {"amount": "twenty-nine dollars from Dana"},
        {"codes": ["ok", "Dana said no"]},
        {"invoice": {"id": "Dana"}},
        {"state": object()},
        {"at": "when Dana called"},
        {"retry_count": "Dana"},
        {"customer": "+1 415 555 2671"},
        {"charge": "4242 4242 4242 4242"},
    ],
)
def test_an_allowed_field_is_held_to_what_its_name_promises(
    written: Captured, fields: dict[str, Any]
) -> None:
    log.info("read", **fields)

    [name] = fields
    shown = written.line[name]
    assert shown in ("…", ["ok", "…"])


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"run_id": "01a205b8-4a89-7576-94f6-12264db24994"}, None),
        ({"run_id": "01234567-0123-0123-0123-012345678901"}, None),  # digits, but no card
        ({"workflow_id": "dunning-in_1QabcdefGHIJKLMnopqrstu"}, None),
        ({"decision": "in_1Qabc.3"}, None),
        ({"event_type": "invoice.payment_failed"}, None),
        ({"model": "openai/gpt-5-mini"}, None),
        ({"next_action_at": datetime(2026, 6, 29, 14, tzinfo=UTC)}, "2026-06-29T14:00:00+00:00"),
        ({"since": "2026-06-29T14:00:00Z"}, None),
        ({"wait_seconds": timedelta(minutes=2)}, 120.0),
        ({"codes": ("ESC_OPEN_DISPUTE", "CLAMP_MIN_GAP")}, ["ESC_OPEN_DISPUTE", "CLAMP_MIN_GAP"]),
        ({"status": 503}, None),
        ({"found": False}, None),
        ({"outcome": None}, None),
    ],
)
def test_what_an_operator_needs_is_shown(
    written: Captured, fields: dict[str, Any], shown: Any
) -> None:
    log.info("read", **fields)

    [(name, value)] = fields.items()
    assert written.line[name] == (value if shown is None else shown)


def test_bound_context_and_extras_are_held_to_the_same(written: Captured) -> None:
    with structlog.contextvars.bound_contextvars(invoice="in_1", company="Acme"):
        plain.info("told", extra={"attempt": 3, "company": "Acme"})

    assert written.line["invoice"] == "in_1"
    assert written.line["attempt"] == 3
    assert "Acme" not in written.getvalue()


# ── words ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("template", "args", "event"),
    [
        ("%s %s: %s", ("invoice.paid", "in_1Qa", "closed"), "invoice.paid in_1Qa: closed"),
        ("%s was refused", ("Dana Smith",), "… was refused"),
        ("%r was refused", ("Dana",), "… was refused"),
        ("%(who)s was refused", ({"who": "Dana"},), "… was refused"),
        ("failed: %s", (ValueError("Dana said no"),), "failed: ValueError"),
        ("%d of %.1f", (3, 4.25), "3 of 4.2"),
        ("100% sure", (), "100% sure"),
        ("%s", ({"name": "Dana"},), "…"),
        ("paid by %s", (4242424242424242,), "paid by …"),
    ],
)
def test_of_an_arguments_words_only_codes_and_numbers_are_shown(
    written: Captured, template: str, args: tuple[Any, ...], event: str
) -> None:
    plain.info(template, *args)

    assert written.line["event"] == event


@pytest.mark.parametrize(
    ("template", "args"), [("%d were read", ("Dana",)), ("%s and %s were read", ("Dana",))]
)
def test_a_line_that_was_written_wrongly_is_still_a_line(
    written: Captured, template: str, args: tuple[Any, ...]
) -> None:
    record = plain.makeRecord("dunning.plain", logging.INFO, "", 0, template, args, None)

    handlers = logging.getLogger().handlers
    [ours] = [handler for handler in handlers if getattr(handler, "stream", None) is written]
    ours.handle(record)  # ours alone: pytest's would raise

    assert written.line["event"] == template


SECRETS = {
    "dana.smith+x@mail.example.co.uk": "dana",
    "4242 4242 4242 4242": "4242",
    "4242424242424242": "4242",
    "+49 (0)30 901820": "9018",
    "(415) 555-2671": "2671",
    "415-555-2671": "2671",
    "DE89 3704 0044 0532 0130 00": "3704",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc": "4eC3",
    "rk_test_4eC39HqLyjWDarjtT1zdp7dc": "4eC3",
    "whsec_8fJq2lkjdf923jf": "8fJq",
    "pat-eu1-1234abcd-1234-abcd": "1234abcd",
    "sk-proj-abcdefgh12345678": "abcdefgh",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln": "eyJ",
    "Authorization: Bearer abc.def-ghi": "abc.def",
    "https://pay.example.com/pay/tok_123?key=abc#x": "tok_123",
    "postgresql://dunning:hunter2@db.internal/dunning": "hunter2",
    "GET /pay/eyLongToken.abc HTTP/1.1": "eyLong",
    "password=hunter2": "hunter2",
    "api_key: hunter2": "hunter2",
    "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kA==": "q83v",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----": "MIIE",
    "{'name': 'Dana'}": "Dana",
    'message: "Dana said no"': "Dana",
    "it's Dana's, 'Dana": "s, 'Dana",
}


@pytest.mark.parametrize(("secret", "tell_tale"), SECRETS.items())
@pytest.mark.parametrize("frame", ["{}", "read {} now", "read={};", "<{}>", "({})"])
def test_what_looks_like_a_secret_is_masked_in_any_sentence(
    written: Captured, secret: str, tell_tale: str, frame: str
) -> None:
    plain.error(frame.format(secret))
    log.error(frame.format(secret))

    assert tell_tale not in written.getvalue()


@pytest.mark.parametrize(
    "sentence",
    [
        "in_1QabcdefGHIJKLMnopqrstu is settled since 2026-06-29, round 2 of 25",
        "listening on http://127.0.0.1:8000/…",
        "could not be reached, so it's tried again in 30 s",
        "sweep done: 12 started, 3 told, 40 listed",
    ],
)
def test_ordinary_sentences_stay_readable(written: Captured, sentence: str) -> None:
    plain.info(sentence)

    assert written.line["event"] == sentence


@given(st.text(), st.text())
def test_no_text_breaks_a_line_or_the_logger(event: str, value: str) -> None:
    with configured() as out:
        plain.warning(event, extra={"invoice": value})
        plain.warning("%s", value)
        log.warning(event, customer=value)

    assert len(out.lines) == 3


# ── errors ──────────────────────────────────────────────────────────────────────────────


def test_an_error_says_its_kind_and_place_but_not_its_words(written: Captured) -> None:
    try:
        try:
            raise KeyError("Dana Smith")
        except KeyError as cause:
            raise ValueError("Acme GmbH owes 29 USD") from cause
    except ValueError:
        log.exception("reading failed", invoice="in_1")
        plain.exception("reading failed")

    assert "Dana" not in written.getvalue()
    assert "Acme" not in written.getvalue()
    for line in written.lines:
        outer, inner = line["exception"]
        assert outer["type"] == "ValueError"
        assert inner["type"] == "KeyError"
        assert "logs/test_logs.py" in outer["at"][-1]
        assert outer["at"][-1].endswith("_but_not_its_words")


def test_the_operating_system_may_say_why(written: Captured) -> None:
    plain.error("down", exc_info=ConnectionRefusedError(111, "Connection refused"))
    plain.error("down", exc_info=FileNotFoundError(2, "No such file", "/home/dana"))

    first, second = written.lines
    assert first["exception"][0]["says"] == "Connection refused"
    assert second["exception"][0]["says"] == "No such file"
    assert "dana" not in written.getvalue()


def test_an_error_that_promises_to_hold_no_secrets_may_say_why(written: Captured) -> None:
    plain.error("paused", exc_info=UnknownKeyError("k7"))

    assert "sealed with the key k7" in written.line["exception"][0]["says"]


def test_an_error_that_nobody_caught_is_a_line_too(written: Captured) -> None:
    error = RuntimeError("Dana Smith")

    sys.excepthook(RuntimeError, error, None)

    assert written.line["level"] == "critical"
    assert written.line["exception"][0]["type"] == "RuntimeError"
    assert "Dana" not in written.getvalue()


def test_a_chain_that_bites_its_tail_ends(written: Captured) -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first

    plain.error("round and round", exc_info=first)

    assert len(written.line["exception"]) == logs.LONGEST_CHAIN


# ── other people's loggers ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        *("httpx", "httpcore.http11", "stripe", "urllib3.connectionpool", "openai._base_client"),
        *("azure.identity.aio", "msgraph.generated", "kiota_http.middleware", "hubspot.client"),
        *("LiteLLM", "LiteLLM Router", "litellm.utils"),
    ],
)
def test_vendors_may_warn_but_not_chat(written: Captured, name: str) -> None:
    vendor = logging.getLogger(name)
    before = vendor.level
    vendor.setLevel(logging.DEBUG)  # as some do when they are told to debug

    vendor.debug("POST body %s", "…")
    vendor.info("request for dana")
    vendor.warning("rate limited")

    vendor.setLevel(before)
    assert [line["event"] for line in written.lines] == ["rate limited"]


def test_a_library_that_brings_its_own_handler_still_goes_through_us(written: Captured) -> None:
    own = io.StringIO()
    handler = logging.StreamHandler(own)
    logging.getLogger("LiteLLM").addHandler(handler)

    logging.getLogger("LiteLLM").error("refused for dana@example.com")

    logging.getLogger("LiteLLM").removeHandler(handler)
    assert own.getvalue() == ""
    assert written.line["event"] == "refused for …"


def test_uvicorn_goes_through_us_and_its_access_log_nowhere(
    written: Captured, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)  # as it does by default

    logging.getLogger("uvicorn.access").info('%s - "%s"', "1.2.3.4", "GET /pay/secret-token")
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "http://127.0.0.1:8000")

    assert len(written.lines) == 1
    assert "secret-token" not in "".join(capfd.readouterr())


def test_warnings_of_python_are_lines_too(written: Captured) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old thing", stacklevel=1)
        logging.captureWarnings(False)

    assert written.line["logger"] == "py.warnings"


def test_temporals_core_goes_through_us_without_its_failures(written: Captured) -> None:
    forwarding = logs.telemetry().logging
    assert forwarding is not None
    assert forwarding.forwarding is not None
    entry = SimpleNamespace(
        level=logging.WARNING,
        target="temporal_sdk_core::worker::workflow",
        message="Failing workflow task",
        fields={"run_id": str(uuid.uuid4()), "failure": 'Failure { message: "Dana said no" }'},
        time=datetime.now(UTC).timestamp(),
    )

    forwarding.forwarding._on_logs([entry])

    assert written.line["event"] == "Failing workflow task"
    assert written.line["run_id"] == entry.fields["run_id"]
    assert "Dana" not in written.getvalue()


# ── which case ──────────────────────────────────────────────────────────────────────────


async def test_inside_an_activity_a_line_names_its_case(written: Captured) -> None:
    async def step() -> None:
        log.info("by structlog")
        plain.info("by the standard library")
        activity.logger.info("by Temporal's logger for %s", "Dana Smith")

    environment = ActivityEnvironment()
    environment.info = activity.Info(
        **{
            **vars(ActivityEnvironment.default_info()),
            "workflow_id": "dunning-in_1Qabc",
            "workflow_run_id": "01a205b8-4a89-7576-94f6-12264db24994",
            "activity_type": "pay_invoice",
            "attempt": 4,
        }
    )
    await environment.run(step)

    assert len(written.lines) == 3
    for line in written.lines:
        assert line["invoice"] == "in_1Qabc"
        assert line["run_id"] == "01a205b8-4a89-7576-94f6-12264db24994"
        assert line["activity_type"] == "pay_invoice"
        assert line["attempt"] == 4
    assert written.lines[2]["event"] == "by Temporal's logger for …"


async def test_inside_a_workflow_too_even_in_the_sandbox(written: Captured) -> None:
    async with (
        await WorkflowEnvironment.start_local(dev_server_existing_path=temporal()) as env,
        Worker(env.client, task_queue="talk", workflows=[Talks]),
    ):
        handle = await env.client.start_workflow(
            Talks.run, id="dunning-in_1Qabc", task_queue="talk"
        )
        await handle.result()

    [line] = [line for line in written.lines if line["logger"] == "temporalio.workflow"]
    assert line["event"] == "round 2 of …"
    assert line["invoice"] == "in_1Qabc"
    assert line["run_id"] == handle.result_run_id


# ── set-up ──────────────────────────────────────────────────────────────────────────────


class Terminal(Captured):
    def isatty(self) -> bool:
        return True


def test_machines_read_json_and_people_a_line() -> None:
    with configured(json=None) as machine:
        plain.info("told", extra={"invoice": "in_1"})
    with configured(json=False) as person:
        plain.error("told", extra={"invoice": "in_1"}, exc_info=ValueError("Dana"))

    assert json.loads(machine.getvalue())["invoice"] == "in_1"
    assert "told" in person.getvalue()
    assert "ValueError" in person.getvalue()
    assert "Dana" not in person.getvalue()


def test_a_terminal_is_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    with configured():
        screen = Terminal()
        logs.configure("worker", stream=screen)
        plain.info("told")

    assert not screen.getvalue().startswith("{")


def test_setting_up_twice_writes_once() -> None:
    with configured() as first:
        second = Captured()
        logs.configure("worker", True, stream=second)
        plain.info("told")

    assert first.getvalue() == ""
    assert len(second.lines) == 1


def test_what_basic_config_installed_before_us_writes_no_more(
    capfd: pytest.CaptureFixture[str],
) -> None:
    eager = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(eager)
    with configured():
        plain.error("Dana Smith")
    logging.getLogger().removeHandler(eager)

    assert "Dana" not in capfd.readouterr().err
