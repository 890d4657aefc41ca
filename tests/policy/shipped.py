"""The playbook as it is shipped, read with nothing but the standard library."""

import csv
import tomllib
from functools import cache
from pathlib import Path

from workflows.playbook import DeclineRule, Playbook

FOLDER = Path(__file__).parents[2] / "playbook"


@cache
def playbook() -> Playbook:
    return Playbook(declines=declines(), words=words(), usd_per=rates())


def declines() -> tuple[DeclineRule, ...]:
    with (FOLDER / "declines.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            DeclineRule.model_validate(row | {"min_wait_hours": row["min_wait_hours"] or None})
            for row in csv.DictReader(file)
        )


def words() -> dict[str, dict[str, tuple[str, ...]]]:
    return {
        path.stem: {
            language: tuple(phrases)
            for language, phrases in tomllib.loads(path.read_text("utf-8")).items()
        }
        for path in sorted((FOLDER / "words").glob("*.toml"))
    }


def rates() -> dict[str, float]:
    for name in ("playbook.toml",):
        path = FOLDER / name
        if path.exists() and "usd_per" in (found := tomllib.loads(path.read_text("utf-8"))):
            return {code: float(rate) for code, rate in found["usd_per"].items()}
    raise FileNotFoundError("no [usd_per] table in the playbook")
