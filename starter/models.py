"""`dunning models check`: how each configured model does, and what to do where it does badly."""

import asyncio
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from activities.model_check import Examined, configured, examine
from starter.errors import MISUSE, UserError
from workflows.playbook import Playbook

HOW_TO_CONFIGURE = (
    "No model is configured: a rule table decides and templates write. To use one, set model under "
    "[agent.decide] and [agent.draft] in playbook.toml, or DUNNING_DECIDE_MODEL and "
    "DUNNING_DRAFT_MODEL (any litellm model string), and put the provider's key into the "
    "environment."
)
LANGUAGE = {True: "yes", False: "no", None: "–"}


def check(playbook: Playbook) -> list[Examined]:
    """Each model in its turn. Raises `UserError` when there is none."""
    models = configured(playbook)
    if not models:
        raise UserError(HOW_TO_CONFIGURE, MISUSE)
    return asyncio.run(_each(playbook, models))


async def _each(playbook: Playbook, models: list[Any]) -> list[Examined]:
    return [await examine(playbook, purpose, name) for purpose, name in models]


def show(console: Console, examined: list[Examined]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("model", "asked to", "usable", "schema", "language"):
        table.add_column(column)
    for column in ("seconds", "tokens in", "out", "USD a question"):
        table.add_column(column, justify="right")
    for one in examined:
        price = f"{one.cost_usd:.4f}" + ("" if one.price_known else " (guessed)")
        table.add_row(
            escape(one.model), one.purpose, "yes" if one.usable else "no", one.schema,
            LANGUAGE[one.language_honoured], f"{one.seconds:.1f}", str(one.tokens_in),
            str(one.tokens_out), price,
        )  # fmt: skip
    console.print(table)
    for one in examined:
        said = [f"{one.problem}."] if one.problem else []
        for sentence in (*said, *one.advice):
            console.print(f"{escape(one.model)}, {one.purpose}: {escape(sentence)}")


def as_json(one: Examined) -> dict[str, Any]:
    return asdict(one) | {
        "cost_usd": float(one.cost_usd),
        "language_honoured": one.language_honoured,
    }
