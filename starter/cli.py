"""The `dunning` command line. Each command says what it does, shows an example, and does one thing.

Exit codes: 0 done, 1 failed or a promise is broken, 2 wrong usage (a missing setting is that too).
Everything heavy is imported inside the commands, so that `dunning --help` answers at once.
"""

import asyncio
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import typer

from settings import EXIT_CODE as SETTINGS_EXIT_CODE
from settings import SettingsError, StartSettings, WebSettings, load
from starter.errors import FAILED, MISUSE, UserError

P = ParamSpec("P")

PIPE_WIDTH = 240
INTERRUPTED = 130  # as shells report it

app = typer.Typer(
    name="dunning",
    help="Recovers failed subscription invoices: every failed invoice becomes one durable case.\n\n"
    "To see it work on this machine, with nothing set up:  dunning demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

models_app = typer.Typer(
    help="Judge the language models, if any are configured.\n\nExample:  dunning models check",
    no_args_is_help=True,
)
prompts_app = typer.Typer(
    help="Judge what the models are told.\n\nExample:  dunning prompts lint",
    no_args_is_help=True,
)
app.add_typer(models_app, name="models")
app.add_typer(prompts_app, name="prompts")

Invoice = Annotated[str, typer.Argument(metavar="INVOICE", help="Stripe's invoice id, in_…")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DecisionId = Annotated[
    str | None, typer.Option(help="The decision meant; the pending one when left out.")
]
Actor = Annotated[str | None, typer.Option(help="Who decides. Your login name when left out.")]
Why = Annotated[str | None, typer.Option("--reason", help="Why; kept with the case.")]


def command(work: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """An async command: run it, and leave with the exit code it answers."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(asyncio.run(work(*args, **kwargs)) or 0)

    return run


# ── see it ──────────────────────────────────────────────────────────────────────────────


@app.command()
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Stay up afterwards, to look around and approve.")
    ] = False,
    model: Annotated[
        bool, typer.Option(help="Let the sandbox's model provider decide some cases.")
    ] = True,
) -> None:
    """Watch failed invoices being recovered, in about a minute.

    Starts a real Temporal server with its Web UI, a real PostgreSQL, stand-ins for Stripe, HubSpot
    and Outlook, the worker and the webhook, all on this machine. Needs no account and no setting.
    Ends with 0 only if every story ended as scripted.

    Example:  dunning demo --keep
    """
    from starter import demo as demonstration

    keep = keep or bool(os.environ.get("KEEP"))
    folder = Path("var/demo").absolute()
    raise typer.Exit(asyncio.run(demonstration.run(folder, keep=keep, with_model=model)))


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the webhook and the pay page.")] = 8000,
    temporal_port: Annotated[int, typer.Option(help="Port of the local Temporal.")] = 7233,
    ui_port: Annotated[int, typer.Option(help="Port of its Web UI.")] = 8233,
    state: Annotated[Path, typer.Option(help="Where local servers keep their data.")] = Path(
        "var/up"
    ),
) -> None:
    """Run everything on this machine, for your real systems.

    Starts what is not configured elsewhere (Temporal unless TEMPORAL_ADDRESS is set, PostgreSQL
    unless DATABASE_URL is), migrates, and runs the worker and the webhook until Ctrl-C.

    Example:  dunning up --port 8000
    """
    from starter import up as everything

    ports = everything.Ports(web=port, temporal=temporal_port, ui=ui_port)
    state = state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    raise typer.Exit(asyncio.run(everything.run(ports, state)))


# ── run it ──────────────────────────────────────────────────────────────────────────────


@app.command()
def worker(
    queues: Annotated[
        str | None,
        typer.Option(help="Only these: cases, stripe, hubspot, graph, agent."),
    ] = None,
) -> None:
    """Run the worker: it carries out the cases.

    Polls every task queue, or only some, so that for instance the model's key can live in a process
    of its own. Stops on SIGTERM after finishing what is under way.

    Example:  dunning worker --queues stripe,hubspot,graph
    """
    from starter.running import run_worker

    run_worker([part.strip() for part in queues.split(",") if part.strip()] if queues else None)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Run the webhook and the customers' pay page.

    Point a Stripe webhook endpoint at /webhooks/stripe of this server (behind your TLS proxy).

    Example:  dunning serve --host 0.0.0.0 --port 8000
    """
    from starter.running import run_server

    run_server(load(WebSettings), host, port)


@app.command()
@command
async def migrate() -> None:
    """Set up what we keep elsewhere. Safe to repeat.

    Our schema in PostgreSQL, the search attributes in Temporal and, when HUBSPOT_ACCESS_TOKEN is
    set, the note property in HubSpot that keeps notes from being written twice.

    Example:  dunning migrate
    """
    from starter.migrate import run

    await run(_print)


@app.command()
@command
async def doctor(as_json: Json = False) -> int:
    """Check every system, and name what is missing.

    Makes one harmless call to each and says which scope, permission or setting it lacks.
    Ends with 1 if something must be fixed before cases can be worked on.

    Example:  dunning doctor
    """
    from starter.doctor import examine, show

    findings = await examine()
    if as_json:
        _print_json([finding.model_dump(mode="json") for finding in findings])
    else:
        show(_console(), findings)
    return FAILED if any(finding.bad for finding in findings) else 0


# ── steer cases ─────────────────────────────────────────────────────────────────────────


@app.command()
@command
async def start(
    invoice: Invoice,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen; change nothing anywhere.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Open a new case although one was closed before.")
    ] = False,
) -> int:
    """Open a case by hand, as a failed payment would.

    With --dry-run: reads everything, lets rules and agent decide, drafts the mails, prints all of
    it, and writes nothing anywhere.

    Example:  dunning start in_1P9example --dry-run
    """
    _check_invoice(invoice)
    if dry_run:
        from starter.dry_run import run as rehearse

        return await rehearse(_console(), invoice)
    from starter.starting import open_case

    _print(await open_case(load(StartSettings), invoice, again=again))
    return 0


@app.command()
@command
async def status(
    invoice: Annotated[str | None, typer.Argument(metavar="[INVOICE]", help="in_…")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    as_json: Json = False,
) -> None:
    """List the open cases, or show one.

    Example:  dunning status in_1P9example
    """
    from starter import desk
    from starter import status as view

    if invoice is not None:
        _check_invoice(invoice)
        found = await (await desk.cases()).status(invoice)
        _print(found.model_dump_json()) if as_json else view.show_case(_console(), found)
        return
    async with desk.records() as records:
        listed = await view.lines((await desk.cases()).client, records, everything=everything)
    if as_json:
        _print_json([line.model_dump(mode="json") for line in listed])
    else:
        view.show_lines(_console(), listed)


@app.command()
@command
async def approve(
    invoice: Invoice,
    decision_id: DecisionId = None,
    actor: Actor = None,
    reason: Why = None,
    action: Annotated[
        str | None,
        typer.Option(help="Do this instead: schedule_retry, send_update_link, escalate_now."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Approve the pending decision.

    On a case that waits for the customer-success manager it means: I have it, close the case. With
    --action another act is done instead, if the rules permit it.

    Example:  dunning approve in_1P9example --reason "talked to their CFO"
    """
    order = _order(decision_id=decision_id, actor=actor, reason=reason, action=_action(action))
    await _decide(invoice, order | {"verdict": "approve"}, as_json)


@app.command()
@command
async def reject(
    invoice: Invoice,
    decision_id: DecisionId = None,
    actor: Actor = None,
    reason: Why = None,
    as_json: Json = False,
) -> None:
    """Reject the pending decision.

    The case goes to the customer-success manager; nothing is charged and nothing sent.

    Example:  dunning reject in_1P9example --reason "renewal talks"
    """
    order = _order(decision_id=decision_id, actor=actor, reason=reason)
    await _decide(invoice, order | {"verdict": "reject"}, as_json)


@app.command()
@command
async def cancel(
    invoice: Invoice, actor: Actor = None, reason: Why = None, as_json: Json = False
) -> None:
    """Stop a case for good.

    The retries go back to Stripe, as they were found.

    Example:  dunning cancel in_1P9example --reason "credited"
    """
    from starter import desk

    _check_invoice(invoice)
    found = await (await desk.cases()).stop(invoice, _order(actor=actor, reason=reason))
    _show(found, as_json)


@app.command()
@command
async def snooze(
    invoice: Invoice,
    until: Annotated[
        str | None, typer.Option(help="2026-12-01 or 2026-12-01T09:00Z; else some days.")
    ] = None,
    actor: Actor = None,
    reason: Why = None,
    as_json: Json = False,
) -> None:
    """Let a case rest for some days.

    Whatever it waits for is put off, without --until by the playbook's snooze_days. Times are the
    case's own time.

    Example:  dunning snooze in_1P9example --until 2026-12-01
    """
    from starter import desk

    _check_invoice(invoice)
    order = _order(actor=actor, reason=reason, until=_instant(until))
    _show(await (await desk.cases()).snooze(invoice, order), as_json)


@app.command()
@command
async def explain(
    invoice: Invoice,
    facts: Annotated[
        bool, typer.Option("--facts", help="With all the evidence of each round.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell the story of a case.

    What was known, decided and done, when, and why, from our records.

    Example:  dunning explain in_1P9example
    """
    from starter import desk
    from starter import explain as telling
    from workflows.nouns import InvoiceId

    _check_invoice(invoice)
    async with desk.records() as records:
        story = await telling.tell(records, InvoiceId(invoice))
    _print(story.model_dump_json()) if as_json else telling.show(_console(), story, facts=facts)


@app.command()
@command
async def sweep(
    on: Annotated[bool, typer.Option("--on", help="Let it run on its schedule.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Pause it.")] = False,
    as_json: Json = False,
) -> None:
    """Show, start or pause the sweep.

    It looks on a schedule for failed invoices that no webhook told us about.

    Example:  dunning sweep --on
    """
    from starter.sweeping import switch

    if on and off:
        raise UserError("Choose --on or --off, not both.", MISUSE)
    found = await switch(on if on or off else None)
    _print_json(found) if as_json else _print(found["text"])


@app.command()
@command
async def check(as_json: Json = False) -> int:
    """Check that every promise is kept.

    Compares our records with Stripe, the mailbox and Temporal, changes nothing, and prints a plain
    sentence for each broken promise. Ends with 1 if there is one.

    Example:  dunning check --json
    """
    from starter.check import examine, show

    report = await examine()
    if as_json:
        _print_json(report.model_dump(mode="json") | {"kept": report.kept})
    else:
        show(_console(), report)
    return 0 if report.kept else FAILED


# ── judge it ────────────────────────────────────────────────────────────────────────────


@app.command()
def evaluate(
    cases: Annotated[Path, typer.Argument(metavar="CASES.jsonl", help="Labelled cases.")],
    out: Annotated[Path | None, typer.Option(help="Write one JSON line per case here.")] = None,
    as_json: Json = False,
    repeat: Annotated[
        int, typer.Option(min=1, max=100, help="So many times; tells how far answers agree.")
    ] = 1,
    playbook: Annotated[
        list[Path] | None,
        typer.Option(help="Judge this folder; several times: side by side."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Judge this model; several times: side by side."),
    ] = None,
) -> None:
    """Judge the decisions on labelled cases.

    Runs each through evidence, rules, agent and draft check, and prints a scoreboard. Needs no
    setting and touches no system but the model's, if the playbook or DUNNING_DECIDE_MODEL names
    one; then rules alone, model alone and model with rules stand side by side.

    Example:  dunning evaluate cases/own.jsonl --out results.jsonl
    """
    from starter.evaluate import evaluate as judge

    if not cases.is_file():
        raise UserError(f"There is no file {cases}.", MISUSE)
    contenders = _contenders(playbook or [], model or [])
    if out is not None and len(contenders) > 1:
        raise UserError("--out writes the answers of one playbook and one model only.", MISUSE)
    raise typer.Exit(judge(cases, contenders, out=out, as_json=as_json, repeat=repeat))


@models_app.command("check")
def check_models(as_json: Json = False) -> None:
    """Ask each configured model one question.

    The case is an invented one, and nothing is recorded. Says whether the answer can be used,
    whether it kept to the schema and to the customer's language, how long it took and what it
    cost. Ends with 1 if a model is not usable, with 2 if none is configured.

    Example:  dunning models check
    """
    from starter import models

    examined = models.check(_playbook())
    if as_json:
        _print_json([models.as_json(one) for one in examined])
    else:
        models.show(_console(), examined)
    fit = all(one.usable and one.language_honoured is not False for one in examined)
    raise typer.Exit(0 if fit else FAILED)


@prompts_app.command("lint")
def lint_prompts() -> None:
    """Read the prompts as a careful colleague would.

    Unused inputs, words that are never explained, examples that break their own schema, real data.
    Ends with 1 if there is something to say, with 2 if the playbook cannot be read.

    Example:  dunning prompts lint
    """
    from activities.playbook import lint

    remarks = lint(_playbook())
    for remark in remarks:
        _print(remark)
    if not remarks:
        _print("Nothing to say about the prompts.")
    raise typer.Exit(FAILED if remarks else 0)


# ── small parts ─────────────────────────────────────────────────────────────────────────


def _playbook(folder: Path | None = None, model: str = "") -> Any:
    """A playbook with the environment's models in it. One that cannot be read is misuse."""
    from activities.playbook import PlaybookError, with_models
    from activities.playbook import load as read
    from settings import ModelSettings

    chosen = load(ModelSettings)
    try:
        playbook = read(folder or chosen.dunning_playbook)
    except PlaybookError as error:
        raise UserError(str(error), MISUSE) from None
    return with_models(
        playbook,
        model or chosen.dunning_decide_model or "",
        model or chosen.dunning_draft_model or "",
        chosen.dunning_model_api_base or "",
    )


def _contenders(playbooks: list[Path], models: list[str]) -> list[Any]:
    """Each playbook with each model; a name is only for what there is more than one of."""
    from starter.evaluate import Contender

    return [
        Contender(
            _playbook(folder, model),
            rules=str(folder) if len(playbooks) > 1 else "",
            model=model if len(models) > 1 else "",
        )
        for folder in (playbooks or (None,))
        for model in models or [""]
    ]


async def _decide(invoice: str, order: dict[str, Any], as_json: bool) -> None:
    from starter import desk

    _check_invoice(invoice)
    _show(await (await desk.cases()).decide(invoice, order), as_json)


def _show(found: Any, as_json: bool) -> None:
    from starter.status import show_case

    _print(found.model_dump_json()) if as_json else show_case(_console(), found)


def _order(**fields: str | None) -> dict[str, Any]:
    fields["actor"] = fields.get("actor") or _login()
    return {name: value for name, value in fields.items() if value is not None}


def _login() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "the command line"


def _check_invoice(invoice: str) -> None:
    if not re.fullmatch(r"in_[A-Za-z0-9_]{1,200}", invoice):
        raise UserError(
            f"{invoice!r} is not a Stripe invoice id. It starts with in_, as in in_1P9example; "
            "an invoice number is something else.",
            MISUSE,
        )


def _action(name: str | None) -> str | None:
    choices = ("schedule_retry", "send_update_link", "escalate_now")
    if name is not None and name not in choices:
        raise UserError(f"--action is one of {', '.join(choices)}.", MISUSE)
    return name


def _instant(text: str | None) -> str | None:
    """ISO 8601; a plain date means its first moment, in UTC."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            "--until is a date or a time, as in 2026-12-01 or 2026-12-01T09:00Z.", MISUSE
        ) from None
    if at.tzinfo is None and len(text) > len("2026-12-01"):
        raise UserError("--until needs a time zone, as in 2026-12-01T09:00Z.", MISUSE)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def _console() -> Any:
    from rich.console import Console

    # Into a pipe nothing is wrapped, so that grep finds whole lines.
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def _print(text: str) -> None:
    typer.echo(text)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


# ── leaving ─────────────────────────────────────────────────────────────────────────────


def plain(error: Exception) -> tuple[str, int]:
    """An error as one sentence for people, and the exit code."""
    if isinstance(error, SettingsError):
        return str(error), SETTINGS_EXIT_CODE
    if isinstance(error, UserError):
        return str(error), error.exit_code
    if type(error).__name__ in SAYS_IT_ALL:
        return str(error), FAILED
    kind = type(error).__name__
    return (
        f"Something went wrong that should not ({kind}: {error}). Run it again with "
        "`dunning --trace …` and report what it prints.",
        FAILED,
    )


# Errors of other modules whose text is written for people; by name, because importing their modules
# just to compare would make every command slow.
SAYS_IT_ALL = frozenset(
    {
        "UnreachableError",
        "NoSuchCaseError",
        "RefusedError",
        "PlaybookError",
        "MigrationError",
        "BadKeyRing",
        "BadKeyRingError",
    }
)


def run(arguments: list[str]) -> int:
    """One command, from its words to its exit code."""
    trace = "--trace" in arguments
    try:
        app([word for word in arguments if word != "--trace"], prog_name="dunning")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else FAILED
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except Exception as error:
        if trace:
            raise
        text, code = plain(error)
        typer.echo(text, err=True)
        return code
    return 0


def main() -> NoReturn:
    """Leave with the chosen exit code: temporalio may abort a normal interpreter exit (code -6)."""
    code = run(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
