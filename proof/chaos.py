"""One seed: set everything up, storm, calm, judge, tell."""

import json
import os
import shutil
import time
import tomllib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from proof import evidence as gathering
from proof import plan as planning
from proof.evidence import Evidence
from proof.machines import SETTLE_SECONDS, SPEED, Machines
from proof.plan import Plan
from proof.storm import Storm
from proof.world_check import Promise, judge
from sandbox.accounts import Account
from starter import local

MOST_TIMELINES = 5
MOST_LINES = 60


CASES, CASES_A_CORE = 200, 40  # more than that end, but not within the time that is promised


@dataclass(frozen=True)
class Size:
    cases: int = min(CASES, CASES_A_CORE * (os.cpu_count() or 1))
    storm: float = 60.0
    calm: float = 90.0

    @property
    def options(self) -> str:
        return f"--cases {self.cases} --storm {self.storm:g} --calm {self.calm:g}"


@dataclass(frozen=True)
class Verdict:
    """How one seed went, in numbers."""

    seed: int
    cases: int
    sealed: bool
    swept: bool
    faults: int
    calls: int
    kills: dict[str, int]
    webhooks: int
    violations: int
    broken: tuple[str, ...]
    seconds_to_all_ended: float | None
    seconds: float
    cpu_seconds: dict[str, float]

    @property
    def good(self) -> bool:
        return self.violations == 0

    def line(self) -> str:
        ended = self.seconds_to_all_ended
        calm = f"all ended {ended:.0f} s after the storm" if ended is not None else "NOT ALL ENDED"
        return (
            f"seed {self.seed}: {self.cases} cases, {self.calls:,} vendor calls with "
            f"{self.faults:,} faults, {sum(self.kills.values())} kills, "
            f"{self.webhooks:,} webhooks, {self.violations} violations, {calm}, "
            f"{self.seconds:.0f} s in all"
        )


async def run(seed: int, size: Size, folder: Path, console: Console) -> Verdict:
    """Everything that is started is stopped again; logs and evidence stay in `folder`."""
    began = time.monotonic()
    _empty(folder)
    plan = planning.draw(seed, size.cases, size.storm)
    _announce(console, plan, size)
    with local.interruptible(), local.short_folder() as scratch:
        async with AsyncExitStack() as stack:
            family = local.Family(folder / "logs", stack)
            machines = Machines(folder, scratch, plan, family)
            await machines.open()
            return await _perform(machines, size, console, began)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


async def _perform(machines: Machines, size: Size, console: Console, began: float) -> Verdict:
    accounts = await _cast(machines)
    swept = await machines.sweep()
    storm = Storm(machines.plan, machines, accounts, swept)
    console.print(
        f"Everything is up after {time.monotonic() - began:.0f} s; the storm begins."
        + ("" if swept else " There is no sweep yet: nobody relies on it.")
    )
    await storm.rage()
    console.print(f"Calm after {time.monotonic() - began:.0f} s.")
    ended = await storm.calm(size.calm)
    await machines.freeze()
    found = await _gather(machines, storm, accounts)
    promises = judge(found)
    _tell(console, promises, found, storm, size)
    verdict = await _verdict(machines, storm, promises, ended, time.monotonic() - began)
    _keep(machines.folder, verdict, promises, found, storm)
    kills = ", ".join(f"{victim} {count}" for victim, count in sorted(verdict.kills.items()))
    spent = ", ".join(f"{role} {seconds:.0f}" for role, seconds in verdict.cpu_seconds.items())
    console.print(f"Killed {kills}. CPU seconds: {spent}.")
    console.print(f"[bold]{verdict.line()}[/bold]")
    return verdict


async def _cast(machines: Machines) -> dict[int, Account]:
    people = {
        member.number: (member.script, await machines.sandbox.add_account(member.script))
        for member in machines.plan.cast
    }
    await machines.seed_billing({account.invoice: (s, account) for s, account in people.values()})
    return {number: account for number, (_, account) in people.items()}


async def _gather(machines: Machines, storm: Storm, accounts: Mapping[int, Account]) -> Evidence:
    settings = Path(machines.env["DUNNING_PLAYBOOK"]) / "playbook.toml"
    return await gathering.gather(
        plan=machines.plan,
        accounts=accounts,
        sandbox=machines.sandbox,
        client=machines.client,
        dsn=machines.dsn,
        folder=machines.folder,
        logs=machines.family.logs,
        done=storm.done,
        audit_copies=storm.audit_copies,
        caps=tomllib.loads(settings.read_text(encoding="utf-8"))["retries"],
    )


async def _verdict(
    machines: Machines, storm: Storm, promises: list[Promise], ended: float | None, seconds: float
) -> Verdict:
    calls = await machines.sandbox.requests()
    kills: dict[str, int] = {}
    for kill in storm.kills:
        kills[kill.victim] = kills.get(kill.victim, 0) + 1
    return Verdict(
        seed=machines.plan.seed,
        cases=len(machines.plan.cast),
        sealed=machines.plan.sealed,
        swept=storm.sweeps,
        faults=sum(call.fault is not None for call in calls),
        calls=len(calls),
        kills=kills,
        webhooks=len(await machines.sandbox.deliveries()),
        violations=sum(len(promise.breaches) for promise in promises),
        broken=tuple(promise.code for promise in promises if not promise.kept),
        seconds_to_all_ended=ended,
        seconds=round(seconds, 1),
        cpu_seconds={role: round(spent, 1) for role, spent in machines.cpu.items()},
    )


# ── telling ─────────────────────────────────────────────────────────────────────────────


def _announce(console: Console, plan: Plan, size: Size) -> None:
    odds = ", ".join(f"{fault.kind} {fault.probability:.1%}" for fault in plan.faults)
    console.print(
        f"Chaos, seed {plan.seed}: {size.cases} cases, {size.storm:g} s of storm, "
        f"{len(plan.deeds)} acts of people. Payloads "
        f"{'sealed' if plan.sealed else 'open'}; a waited day takes {86_400 / SPEED:g} s; "
        f"an unclear answer rests {SETTLE_SECONDS:g} s.\nOdds of each call: {odds}."
    )


def _tell(
    console: Console, promises: list[Promise], found: Evidence, storm: Storm, size: Size
) -> None:
    for promise in promises:
        mark = "[green]kept  [/green]" if promise.kept else "[red]BROKEN[/red]"
        console.print(f"{promise.code:>4} {mark} {promise.words}: {escape(promise.counted)}")
        for breach in promise.breaches[:10]:
            console.print(f"       {breach.invoice or ''} {escape(breach.what)}")
        if len(promise.breaches) > 10:
            console.print(f"       and {len(promise.breaches) - 10} more")
    concerned = [b.invoice for p in promises for b in p.breaches if b.invoice]
    for invoice in list(dict.fromkeys(concerned))[:MOST_TIMELINES]:
        console.print(f"\n[bold]{invoice}[/bold]")
        for at, line in timeline(found, storm, invoice)[-MOST_LINES:]:
            console.print(f"  {at:%H:%M:%S.%f}  {escape(line)}", soft_wrap=True)
    if concerned:
        console.print(
            f"\nRun it again: python -m proof chaos --seed {storm.plan.seed} {size.options}"
        )


def timeline(found: Evidence, storm: Storm, invoice: str) -> list[tuple[datetime, str]]:
    """What happened to one invoice, from the world, the ledger and the trail, in order."""
    rows = found.by_key()
    lines = [
        (
            charge.at,
            f"WORLD  {charge.who} charged {charge.amount}: {charge.outcome} "
            f"{charge.decline_code or charge.code or ''} key {charge.idempotency_key}",
        )
        for charge in found.effects.charges_of(invoice)
    ]
    lines += [
        (mail.at, f"WORLD  {rows[mail.key]} arrived")
        for mail in found.effects.mails
        if mail.key in rows and rows[mail.key].invoice == invoice
    ]
    lines += [
        (done.at, f"PEOPLE {done.act}: {done.result}")
        for done in found.done
        if done.invoice == invoice
    ]
    lines += [
        (row.created_at, f"LEDGER {row} intended; now {row.state} {row.kind} ({row.reason})")
        for row in found.rows(invoice)
    ]
    lines += [
        (line.recorded_at, f"TRAIL  {line.actor}: {line.event} {line.detail}")
        for line in found.audit.values()
        if line.invoice == invoice
    ]
    return sorted(lines)


def _keep(
    folder: Path, verdict: Verdict, promises: list[Promise], found: Evidence, storm: Storm
) -> None:
    def plain(thing: Any) -> str:
        return str(thing)

    (folder / "verdict.json").write_text(json.dumps(asdict(verdict), default=plain, indent=1))
    if verdict.good:
        return
    body = {
        "promises": [asdict(promise) for promise in promises],
        "effects": found.effects.model_dump(mode="json"),
        "invoices": found.invoices,
        "ledger": [asdict(row) for row in found.ledger],
        "cases": {invoice: asdict(case) for invoice, case in found.cases.items()},
        "audit": [asdict(line) for line in found.audit.values()],
        "decisions": [asdict(decision) for decision in found.decisions],
        "people": [asdict(done) for done in found.done],
        "kills": [asdict(kill) for kill in storm.kills],
    }
    (folder / "evidence.json").write_text(json.dumps(body, default=plain, indent=1))
