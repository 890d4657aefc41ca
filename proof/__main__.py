"""`python -m proof chaos --seed 7` and `python -m proof all`."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from proof import chaos
from proof.chaos import Size, Verdict
from starter.errors import UserError

SEEDS = 20
KEPT = Path("var/chaos")


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    size = Size(options.cases, options.storm, options.calm)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    if options.command == "all":
        return run_all(range(options.first, options.first + options.seeds), size, console)
    return run_one(options.seed, size, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m proof",
        description="Break everything that can break, and check the promises from the outside.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("chaos", help="one storm")
    one.add_argument("--seed", type=int, required=True)
    every = commands.add_parser("all", help="a storm for each of several seeds, and a table")
    every.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    every.add_argument("--first", type=int, default=1, help="the first seed")
    for command in (one, every):
        command.add_argument("--cases", type=int, default=Size.cases)
        command.add_argument("--storm", type=float, default=Size.storm, help="seconds")
        command.add_argument("--calm", type=float, default=Size.calm, help="seconds at most")
    return parser


def run_one(seed: int, size: Size, console: Console) -> int:
    folder = (KEPT / f"seed-{seed}").absolute()
    try:
        verdict = asyncio.run(chaos.run(seed, size, folder, console))
    except UserError as problem:
        console.print(f"[red]{problem}[/red]")
        return 2
    except asyncio.CancelledError:
        console.print("Stopped.")
        return 2
    return 0 if verdict.good else 1


def run_all(seeds: Sequence[int], size: Size, console: Console) -> int:
    """Each seed in a process of its own, so that none inherits anything from another."""
    codes = {seed: _in_its_own_process(seed, size) for seed in seeds}
    verdicts = [_kept(seed) for seed, code in codes.items() if code in (0, 1)]
    console.print(_table(verdicts))
    cases, faults = sum(v.cases for v in verdicts), sum(v.faults for v in verdicts)
    kills, broken = (
        sum(sum(v.kills.values()) for v in verdicts),
        sum(v.violations for v in verdicts),
    )
    console.print(
        f"{len(verdicts)} of {len(seeds)} seeds ran: {cases:,} cases, {faults:,} faults, "
        f"{kills} kills, {broken} violations."
    )
    return 0 if all(code == 0 for code in codes.values()) else 1


def _in_its_own_process(seed: int, size: Size) -> int:
    argv = [sys.executable, "-m", "proof", "chaos", "--seed", str(seed), *size.options.split()]
    return subprocess.run(argv, check=False).returncode


def _kept(seed: int) -> Verdict:
    body = json.loads((KEPT / f"seed-{seed}" / "verdict.json").read_text())
    return Verdict(**body)


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table(
        "seed",
        "payloads",
        "cases",
        "calls",
        "faults",
        "kills",
        "violations",
        "ended after",
        "seconds",
    )
    for verdict in verdicts:
        ended = verdict.seconds_to_all_ended
        table.add_row(
            str(verdict.seed),
            "sealed" if verdict.sealed else "open",
            str(verdict.cases),
            f"{verdict.calls:,}",
            f"{verdict.faults:,}",
            str(sum(verdict.kills.values())),
            ", ".join(verdict.broken) or "0",
            f"{ended:.0f} s" if ended is not None else "never",
            f"{verdict.seconds:.0f}",
        )
    return table


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # Temporal's runtime now and then aborts at exit, after all work is done
