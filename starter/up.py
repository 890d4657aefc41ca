"""`dunning up`: everything on this machine, against the real Stripe, HubSpot and Outlook.

Temporal and PostgreSQL are started here unless TEMPORAL_ADDRESS or DATABASE_URL name others. Their
data stays in a folder between runs, so a case that waits for weeks survives a restart.
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from settings import WebSettings, WorkerSettings, load
from starter import local, migrate, sweeping, temporal
from starter.errors import FAILED, UserError

TO_COME = "postgresql:///started-by-dunning-up"  # until our own server says where it listens


@dataclass(frozen=True)
class Ports:
    web: int
    temporal: int
    ui: int


async def run(ports: Ports, state: Path) -> int:
    console = Console(highlight=False)
    _check(ports)
    family = local.Family(state / "logs")
    try:
        with local.interruptible():
            async with family.stack:
                ui = await _servers(family, ports, state)
                await migrate.run(lambda line: console.print(f"  {line}"))
                await sweeping.switch(on=True)
                await _processes(family, ports)
                _say_where(console, ports, ui, family.logs)
                ended = await family.until_one_ends()
                raise UserError(f"{ended.name} ended by itself:\n{ended.last_words()}")
    except asyncio.CancelledError:
        console.print("Stopped. Open cases go on where they were with the next `dunning up`.")
        return 0
    return FAILED


def _check(ports: Ports) -> None:
    """Everything that can be wrong is said before anything starts."""
    os.environ.setdefault("DATABASE_URL", TO_COME)
    load(WebSettings)
    load(WorkerSettings)
    local.must_be_free(ports.web, "the webhook", "--port")
    if not os.environ.get("TEMPORAL_ADDRESS"):
        local.must_be_free(ports.temporal, "Temporal", "--temporal-port")
        local.must_be_free(ports.ui, "Temporal's Web UI", "--ui-port")


async def _servers(family: local.Family, ports: Ports, state: Path) -> str | None:
    """What is not configured elsewhere. Answers the Web UI's address, if it is ours."""
    if os.environ["DATABASE_URL"] == TO_COME:
        postgres = local.postgres(state / "postgres")
        os.environ["DATABASE_URL"] = await family.stack.enter_async_context(postgres)
    if os.environ.get("TEMPORAL_ADDRESS"):
        await temporal.connect()
        return None
    server = await local.start_temporal(
        family, port=ports.temporal, ui_port=ports.ui, database=state / "temporal.db"
    )
    os.environ["TEMPORAL_ADDRESS"] = server.address
    return server.ui


async def _processes(family: local.Family, ports: Ports) -> None:
    env = local.plain_environment() | dict(os.environ)
    worker = await family.dunning("worker", env=env)
    web = await family.dunning("serve", "--port", str(ports.web), env=env)
    await local.ready("the webhook", web_answers(ports.web), web)
    if not worker.alive:
        raise UserError(f"The worker ended at once:\n{worker.last_words()}")


def web_answers(port: int) -> local.Probe:
    async def probe() -> bool:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
            return (await http.get(f"http://{local.LOOPBACK}:{port}/healthz")).is_success

    return probe


def _say_where(console: Console, ports: Ports, ui: str | None, logs: Path) -> None:
    console.print("\n[bold]Dunning recovery is running.[/bold]")
    console.print(f"  Stripe's webhook   http://127.0.0.1:{ports.web}/webhooks/stripe")
    console.print("                     (stripe listen --forward-to it, or your TLS proxy)")
    if ui:
        console.print(f"  Temporal Web UI    {ui}")
    console.print(f"  Logs               {logs}/worker.log, {logs}/serve.log")
    console.print("  Try                dunning doctor · dunning start in_… --dry-run")
    console.print("Ctrl-C stops it.\n")
