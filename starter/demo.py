"""`dunning demo`: real servers and processes, stand-ins for the vendors, and the stories they tell.

What runs is what would run in production: Temporal, PostgreSQL, `dunning worker`, `dunning serve`.
Only Stripe, HubSpot, Outlook and the model provider are `sandbox/`, reached over HTTP by their own
SDKs. Nothing of this machine's real settings is read.
"""

import asyncio
import base64
import os
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import httpx
from rich.console import Console
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.migrations import migrate
from sandbox.control import Sandbox
from sandbox.demo_accounts import Story, stories, viewers_own
from starter import local
from starter.demo_billing import seed
from starter.demo_show import Screen, curtain, save_mails
from starter.demo_stage import LOOKS_EVERY, Play, Stage
from starter.errors import FAILED, UserError
from starter.temporal import Cases
from starter.up import web_answers

SPEED = 43_200.0  # a waited day takes two seconds
LOG_WIDTH = 120  # where there is no terminal to ask
PATIENCE = 150.0  # seconds until we stop waiting for a story
SENDER = "billing@northwind-cloud.example"
COMPANY = {  # what the demo's company writes into its playbook
    "expires_days = 3": "expires_days = 14",  # at this speed three days are six seconds
    'name = "Our company"': 'name = "Northwind Cloud"',
    'signature = "The billing team"': 'signature = "Billing at Northwind Cloud"',
    'fallback_owner = ""': 'fallback_owner = "collections@northwind-cloud.example"',
}


async def run(folder: Path, *, keep: bool, with_model: bool) -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
    try:
        with local.interruptible(), local.short_folder() as scratch:
            family = local.Family(folder / "logs")
            async with family.stack:
                demo = Demo(console, folder, scratch, family, with_model)
                return await demo.play(keep)
    except asyncio.CancelledError:
        console.print("\nStopped.")
        return 0 if keep else FAILED


class Demo:
    """One performance."""

    def __init__(
        self, console: Console, folder: Path, scratch: Path, family: local.Family, model: bool
    ) -> None:
        self.console = console
        self.folder = folder
        self.scratch = scratch
        self.family = family
        self.with_model = model and find_spec("sandbox.model") is not None
        self.began = time.monotonic()

    async def play(self, keep: bool) -> int:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.console.print("Starting Temporal, PostgreSQL and the stand-ins …")
        server, dsn, sandbox = await self._servers()
        env = self._environment(server, dsn, sandbox)
        plays = await self._cast(sandbox, dsn)
        web = await self._processes(env, sandbox)
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        stage = Stage(sandbox, Cases(client, speed=SPEED), plays)
        self._say_where(server, web)
        try:
            await self._until_all_is_told(stage)
        finally:
            await stage.close()
        return await self._end(stage, sandbox, server, keep)

    # ── setting up ──────────────────────────────────────────────────────────────────────

    async def _servers(self) -> tuple[local.TemporalServer, str, Sandbox]:
        temporal = local.start_temporal(
            self.family, port=local.free_port(7233), ui_port=local.free_port(8233)
        )
        postgres = self.family.stack.enter_async_context(local.postgres(self.scratch / "pg"))
        server, dsn, sandbox = await asyncio.gather(temporal, postgres, self._sandbox())
        await migrate(dsn)
        self.dsn = dsn
        return server, dsn, sandbox

    async def _sandbox(self) -> Sandbox:
        port = local.free_port(12_111)
        argv = (sys.executable, "-m", "sandbox", "--port", str(port))
        child = await self.family.start("sandbox", argv, local.plain_environment())
        sandbox = Sandbox(f"http://{local.LOOPBACK}:{port}")
        await self.family.stack.enter_async_context(sandbox)
        await local.ready("the sandbox", lambda: _is_up(f"{sandbox.url}/_sandbox"), child)
        return sandbox

    def _environment(
        self, server: local.TemporalServer, dsn: str, sandbox: Sandbox
    ) -> dict[str, str]:
        """Everything our processes read: only this machine, only made-up secrets."""
        no_config = self.scratch / "temporal.toml"
        no_config.write_text("")
        self.web_port = local.free_port(8000)
        self.webhook_secret = "whsec_" + secrets.token_urlsafe(24)
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        env = local.plain_environment() | sandbox.env()
        env |= {
            "TEMPORAL_ADDRESS": server.address,
            "TEMPORAL_CONFIG_FILE": str(no_config),
            "DATABASE_URL": dsn,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "OUTLOOK_SENDER": SENDER,
            "DUNNING_PLAYBOOK": str(demo_playbook(self.scratch)),
            "DUNNING_LINK_KEYS": f"demo:{key}",
            "DUNNING_PUBLIC_URL": f"http://{local.LOOPBACK}:{self.web_port}",
            "DUNNING_CLOCK_SPEED": str(SPEED),
            "DUNNING_SETTLE_SECONDS": "2",
        }
        if self.with_model:
            env |= {
                "DUNNING_DECIDE_MODEL": "openai/sandbox",
                "DUNNING_DRAFT_MODEL": "openai/sandbox",
                "OPENAI_API_KEY": "sandbox",
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            }
        _write_env(self.folder / "env.sh", env)
        return env

    async def _cast(self, sandbox: Sandbox, dsn: str) -> Sequence[Play]:
        cast: Sequence[Story] = stories(datetime.now(UTC))
        plays = [Play(story, await sandbox.add_account(story.script)) for story in cast]
        await seed(dsn, plays)
        return plays

    async def _processes(self, env: dict[str, str], sandbox: Sandbox) -> str:
        worker = await self.family.dunning("worker", env=env)
        web = await self.family.dunning("serve", "--port", str(self.web_port), env=env)
        setup = await self.family.dunning("migrate", env=env)
        await self.family.finish(setup, "`dunning migrate`")
        sweep = await self.family.dunning("sweep", "--on", env=env)
        await self.family.finish(sweep, "`dunning sweep --on`")
        await local.ready("the webhook", web_answers(self.web_port), web)
        if not worker.alive:
            raise UserError(f"The worker ended at once:\n{worker.last_words()}")
        origin = f"http://{local.LOOPBACK}:{self.web_port}"
        await sandbox.set_webhook(f"{origin}/webhooks/stripe", self.webhook_secret)
        return origin

    # ── the performance ─────────────────────────────────────────────────────────────────

    def _say_where(self, server: local.TemporalServer, web: str) -> None:
        self.console.print(
            f"Ready after {time.monotonic() - self.began:.1f} s. "
            f"A waited day takes {86_400 / SPEED:.0f} seconds.\n"
            f"Temporal Web UI: {server.ui}   webhook: {web}/webhooks/stripe\n"
        )

    async def _until_all_is_told(self, stage: Stage) -> None:
        opening = asyncio.create_task(stage.open())
        try:
            with Screen(self.console, stage.plays) as screen:
                async with asyncio.timeout(PATIENCE):
                    while not await stage.look():
                        screen.update()
                        self._nobody_fell()
                        await asyncio.sleep(LOOKS_EVERY)
                screen.update()
        except TimeoutError:
            self.console.print(f"[red]Some stories did not end within {PATIENCE:.0f} s.[/red]")
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    def _nobody_fell(self) -> None:
        for child in self.family.children:
            if not child.alive:
                raise UserError(f"{child.name} ended by itself:\n{child.last_words()}")

    async def _end(
        self, stage: Stage, sandbox: Sandbox, server: local.TemporalServer, keep: bool
    ) -> int:
        await stage.count_money()
        curtain(self.console, stage.plays)
        index = save_mails(self.folder / "mails", (await sandbox.effects()).mails)
        self.console.print(f"\nEvery mail:      {index}")
        self.console.print(f"Logs:            {self.folder / 'logs'}")
        self.console.print(f"Temporal Web UI: {server.ui}")
        good = not any(play.differences() for play in stage.plays)
        seconds = time.monotonic() - self.began
        if good:
            self.console.print(f"[green]All stories ended as scripted, in {seconds:.0f} s.[/green]")
        else:
            self.console.print("[red]Not every story ended as scripted; see above.[/red]")
        if keep:
            await self._stay(stage, sandbox)
        else:
            self.console.print("(`make demo KEEP=1` stays up, so that you can look around.)")
        return 0 if good else FAILED

    async def _stay(self, stage: Stage, sandbox: Sandbox) -> None:
        invoice = await self._one_for_the_viewer(stage, sandbox)
        self.console.print(
            "\nEverything stays up until Ctrl-C. One more case waits for you, at the speed of real "
            "life. In another terminal:\n"
            f"  . {self.folder / 'env.sh'}\n"
            f"  dunning status {invoice}\n"
            f"  dunning approve {invoice}    (or reject, snooze, cancel)\n"
            f"  dunning explain {invoice}\n"
            "  dunning status --all\n"
            "  dunning doctor",
            soft_wrap=True,
        )
        await self.family.until_one_ends()

    async def _one_for_the_viewer(self, stage: Stage, sandbox: Sandbox) -> str:
        story = viewers_own(datetime.now(UTC))
        play = Play(story, await sandbox.add_account(story.script))
        await seed(self.dsn, [play])
        await sandbox.fail(play.invoice, tell_us=False)
        await replace(stage.cases, speed=1.0).start(play.invoice)
        return play.invoice


async def _is_up(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
        return (await http.get(url)).is_success


def demo_playbook(scratch: Path) -> Path:
    """The playbook as shipped, with the demo's own company in it."""
    folder = scratch / "playbook"
    shutil.copytree(local.ROOT / "playbook", folder)
    settings = folder / "playbook.toml"
    text = settings.read_text(encoding="utf-8")
    for line, ours in COMPANY.items():
        if line not in text:
            raise UserError(f"playbook/playbook.toml no longer holds the line {line!r}.")
        text = text.replace(line, ours, 1)
    settings.chmod(0o644)
    settings.write_text(text, encoding="utf-8")
    return folder


def _write_env(path: Path, env: dict[str, str]) -> None:
    """So that a viewer's own `dunning` commands reach this demo."""
    ours = {name: value for name, value in env.items() if os.environ.get(name) != value}
    ours.pop("PYTHONUNBUFFERED", None)
    lines = [f"export {name}='{value}'" for name, value in sorted(ours.items())]
    lines.append(f"PATH='{Path(sys.executable).parent}':$PATH")
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
