"""The storm and the calm after it: plays a plan against the real processes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

import asyncpg
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from proof.evidence import AuditLine, Done, read_audit
from proof.machines import Machines, until
from proof.plan import POSTGRES_IS_DOWN, WORKERS, Act, Deed, Kill, Plan, Victim, unheard
from sandbox.accounts import Account, good_card
from sandbox.control import SandboxError
from starter.temporal import (
    Cases,
    NoSuchCaseError,
    RefusedError,
    UnreachableError,
    case_id,
)

POST_IS_CARRIED_EVERY = (0.4, 1.5)  # seconds: until then events pile up, to be shuffled
TOLD = 3  # every event arrives so often
PATIENCE = 25.0  # seconds that a person tries to get an order through
AUDIT_IS_COPIED_EVERY = 7.0
SWEEPS_EVERY = 30.0
LOOKS_EVERY = 1.5
ORDERS: tuple[Act, ...] = ("approve", "reject", "cancel", "snooze", "decide", "stop")
RESTING_WITH_PEOPLE = (
    'WorkflowType="RecoverInvoice" AND ExecutionStatus="Running"'
    ' AND DunningState IN ("awaiting_approval", "awaiting_csm")'
)
RUNNING = 'WorkflowType="RecoverInvoice" AND ExecutionStatus="Running"'


@dataclass
class Storm:
    """One storm over one company. What was done, when and with what success is kept in `done`."""

    plan: Plan
    machines: Machines
    accounts: Mapping[int, Account]
    sweeps: bool
    done: list[Done] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    audit_copies: list[dict[int, AuditLine]] = field(default_factory=list)
    began: float = 0.0

    # ── the storm ───────────────────────────────────────────────────────────────────────

    async def rage(self) -> None:
        self.began = time.monotonic()
        sandbox = self.machines.sandbox
        await sandbox.set_faults(self.plan.faults, seed=self.plan.seed)
        await sandbox.hold_events()
        steady = [
            asyncio.create_task(work)
            for work in (
                self._carry_post(),
                self._copy_audit(),
                self._sweep_now_and_then(),
                self.machines.supervise(),
                *(self._hunt(worker, lives) for worker, lives in self.plan.lives.items()),
            )
        ]
        acts = [self._at(deed.at, self._carry_out, deed) for deed in self.plan.deeds]
        kills = [self._at(kill.at, self._strike, kill) for kill in self.plan.kills]
        try:
            await asyncio.gather(
                *acts, *kills, self._rotate_keys(), self._sleep_until(self.plan.storm)
            )
        finally:
            await _stop(steady)

    async def _at(
        self, at: float, work: Callable[[Any], Coroutine[Any, Any, None]], what: Any
    ) -> None:
        await self._sleep_until(at)
        await work(what)

    async def _sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, self.began + at - time.monotonic()))

    async def _strike(self, kill: Kill) -> None:
        await self.machines.kill(kill.victim)
        self.kills.append(Kill(time.monotonic() - self.began, kill.victim))
        if kill.victim == "postgres":
            await asyncio.sleep(POSTGRES_IS_DOWN)
        await self.machines.revive(kill.victim)

    async def _hunt(self, worker: Victim, lives: tuple[float, ...]) -> None:
        """Let this worker work for as long as planned, kill it, start it, and so on. To kill one
        that is still starting would prove nothing, so a life begins when it says that it is ready.
        """
        for life in lives:
            await until(partial(self._has_worked, worker, life), every=0.1)
            await self._strike(Kill(0.0, worker))

    def _has_worked(self, worker: Victim, seconds: float) -> bool:
        return self.machines.works_since(worker) >= seconds

    async def _rotate_keys(self) -> None:
        """Payload keys, link keys and webhook secret, as docs/operations.md tells people to: all
        learn the new ones, then all use them. What is not restarted by hand is struck down.
        """
        halves = (self.machines.learn_new_keys, self.machines.use_new_keys)
        for number, half in enumerate(halves, start=1):
            await self._sleep_until(self.plan.storm * number / 3)
            await half()
            for victim in (*WORKERS, "receiver"):
                await self._strike(Kill(0.0, victim))

    async def _carry_post(self) -> None:
        """Events pile up for a moment, then each is delivered three times, all in any order."""
        rng = Random(f"{self.plan.seed} post")
        while True:
            await asyncio.sleep(rng.uniform(*POST_IS_CARRIED_EVERY))
            await self._deliver(rng)
            await self.machines.sandbox.hold_events()

    async def _deliver(self, rng: Random) -> None:
        sandbox = self.machines.sandbox
        held = await sandbox.release_events("kept")
        again = held * (TOLD - 1)
        rng.shuffle(again)
        for event in again:
            await sandbox.deliver(event)

    async def _copy_audit(self) -> None:
        while True:
            await asyncio.sleep(AUDIT_IS_COPIED_EVERY)
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                self.audit_copies.append(await read_audit(self.machines.dsn))

    async def _sweep_now_and_then(self) -> None:
        while self.sweeps:
            await self.machines.sweep()
            await asyncio.sleep(SWEEPS_EVERY)

    # ── what people do ──────────────────────────────────────────────────────────────────

    async def _carry_out(self, deed: Deed) -> None:
        if deed.act == "terminate" and not self.sweeps:
            return  # nobody would start it again: there is no sweep in this installation
        account = self.accounts[deed.member]
        order = deed.act in ORDERS or deed.act == "terminate"
        work = self._order(deed, account) if order else self._in_the_world(deed, account)
        asked = datetime.now(UTC)
        try:
            await work
            result = "done"
        except (SandboxError, RefusedError, NoSuchCaseError) as no:
            result = f"no: {no}"
        except (RPCError, UnreachableError, TimeoutError) as lost:
            result = f"lost: {type(lost).__name__}"
        self.done.append(Done(asked, datetime.now(UTC), account.invoice, deed.act, result))

    async def _in_the_world(self, deed: Deed, account: Account) -> None:
        sandbox, invoice, tell_us = self.machines.sandbox, account.invoice, deed.tell_us
        match deed.act:
            case "fails":
                await sandbox.fail(invoice, tell_us=tell_us or not self.sweeps)
            case "customer_pays":
                await sandbox.customer_pays(invoice, tell_us=tell_us)
            case "cancel_subscription":
                await sandbox.cancel_subscription(account.subscription or "", tell_us=tell_us)
            case "void":
                await sandbox.void(invoice, tell_us=tell_us)
            case "mark_uncollectible":
                await sandbox.mark_uncollectible(invoice, tell_us=tell_us)
            case "new_card":
                await sandbox.replace_card(account.customer, good_card(), tell_us=tell_us)
            case "credit":
                await sandbox.credit(invoice, 100)
            case "customer_is_declined":
                await sandbox.customer_is_declined(invoice)
            case "settle":
                await sandbox.settle(invoice)
            case other:
                raise AssertionError(f"nobody in the world can {other}")

    async def _order(self, deed: Deed, account: Account) -> None:
        """People try until they get through: their orders arrive at least once."""
        handle = self._handle(account.invoice)
        body = {"actor": f"colleague {deed.member % 7}", "reason": "as planned"}
        cases = Cases(self.machines.client)
        match deed.act:
            case "terminate":
                await _insisting(lambda: handle.terminate("chaos"))
            case "decide":
                await cases.decide(account.invoice, body | {"verdict": "approve"})
            case "stop":
                await cases.stop(account.invoice, body)
            case _:
                await _insisting(lambda: handle.signal(deed.act, body))

    def _handle(self, invoice: str) -> "WorkflowHandle[Any, Any]":
        return self.machines.client.get_workflow_handle(case_id(invoice))

    # ── the calm ────────────────────────────────────────────────────────────────────────

    async def calm(self, seconds: float) -> float | None:
        """Nothing fails any more. Answers after how long every case had ended; None: not all."""
        began = time.monotonic()
        await self.machines.sandbox.set_faults([])
        await self.machines.all_up()
        await self._deliver(Random(0))
        helping = [
            asyncio.create_task(work)
            for work in (self._help_on(), self._sweep_now_and_then(), self.machines.supervise())
        ]
        try:
            async with asyncio.timeout(seconds):
                while not await self._all_over():  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(LOOKS_EVERY)
                return time.monotonic() - began
        except TimeoutError:
            return None
        finally:
            await _stop(helping)
            await self.machines.sandbox.release_events("kept")

    async def _all_over(self) -> bool:
        try:
            running = await self.machines.client.count_workflows(RUNNING)
            return running.count == 0 and await self._each_has_run()
        except RPCError:
            return False

    async def _each_has_run(self) -> bool:
        """No list is believed: every invoice's own case says that it is closed. One that was
        settled before any webhook or sweep told us of it has none.
        """
        limit = asyncio.Semaphore(16)

        async def closed(member: int, invoice: str) -> bool:
            async with limit:
                try:
                    return (await self._handle(invoice).describe()).close_time is not None
                except RPCError:
                    return member in quiet and not await self._is_open(invoice)

        quiet = unheard(self.plan)
        answers = await asyncio.gather(*(closed(n, a.invoice) for n, a in self.accounts.items()))
        return all(answers)

    async def _is_open(self, invoice: str) -> bool:
        return bool((await self.machines.sandbox.invoice(invoice))["status"] == "open")

    async def _help_on(self) -> None:
        """Colleagues answer what waits for them, and banks settle."""
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            with suppress(RPCError):
                await self._approve_what_waits()
            for member in self.plan.cast:
                if member.kind == "pays_by_bank_debit":
                    with suppress(SandboxError):
                        await self.machines.sandbox.settle(self.accounts[member.number].invoice)

    async def _approve_what_waits(self) -> None:
        body = {"actor": "colleague in the calm"}
        async for run in self.machines.client.list_workflows(RESTING_WITH_PEOPLE):
            with suppress(RPCError):
                await self.machines.client.get_workflow_handle(run.id).signal("approve", body)


async def _insisting(order: Callable[[], Awaitable[None]]) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return await order()
        except RPCError as error:
            unknown = error.status.name == "NOT_FOUND"  # the case has not begun, or it is closed
            if unknown or time.monotonic() > until:
                raise
        await asyncio.sleep(0.5)


async def _stop(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
