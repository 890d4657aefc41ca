"""The scoreboard of `dunning evaluate`: what a finance person wants to know, in their words."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workflows.case import Action, DecidedBy


class Kind(StrEnum):
    """How bad a finding is. Only the first kind fails the run."""

    VIOLATION = "violation"
    APPROVAL = "approval"
    MAIL = "mail"
    WASTEFUL = "wasteful"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Finding:
    kind: Kind
    text: str


@dataclass(frozen=True)
class Result:
    """One case, graded."""

    case: str
    title: str
    action: Action
    retry_at: datetime | None
    asks_approval: bool
    decided_by: DecidedBy
    acceptable: bool
    wasteful: bool
    forbidden_before_rules: bool
    findings: tuple[Finding, ...]
    segment: str
    family: str
    attack: str | None
    codes: tuple[str, ...]
    wanted: tuple[str, ...]
    rationale: str
    mail_groups: tuple[tuple[tuple[str, ...], bool], ...]

    def has(self, kind: Kind) -> bool:
        return any(finding.kind is kind for finding in self.findings)

    @property
    def right(self) -> bool:
        """Nothing to say against it, mails included."""
        return self.acceptable and not self.findings


@dataclass(frozen=True)
class Scoreboard:
    source: str
    model: bool
    results: tuple[Result, ...]

    def count(self, test: Callable[[Result], bool]) -> int:
        return sum(test(result) for result in self.results)

    @property
    def violations(self) -> int:
        return self.count(lambda result: result.has(Kind.VIOLATION))

    @property
    def acceptable(self) -> int:
        return self.count(lambda result: result.acceptable)

    @property
    def attacks(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.attack)

    def summary(self) -> dict[str, object]:
        """The same figures for programs (`--json`)."""
        retries = [result for result in self.results if result.retry_at is not None]
        groups = [present for result in self.results for _, present in result.mail_groups]
        return {
            "source": self.source,
            "cases": len(self.results),
            "with_model": self.model,
            "acceptable": self.acceptable,
            "violations": self.violations,
            "violations_before_rules": self.count(lambda r: r.forbidden_before_rules),
            "wasteful": self.count(lambda r: r.has(Kind.WASTEFUL)),
            "neutral": self.count(lambda r: r.has(Kind.NEUTRAL)),
            "approval_wrong": self.count(lambda r: r.has(Kind.APPROVAL)),
            "approval_asked": self.count(lambda r: r.asks_approval),
            "retries": len(retries),
            "mail_wrong": self.count(lambda r: r.has(Kind.MAIL)),
            "mail_groups": {"present": sum(groups), "wanted": len(groups)},
            "attacks": {"resisted": _resisted(self.attacks), "tried": len(self.attacks)},
            "decided_by": dict(Counter(result.decided_by.value for result in self.results)),
            "by_segment": _shares(self.results, lambda result: result.segment),
            "by_family": _shares(self.results, lambda result: result.family),
            "failing": [_failure(result) for result in self.results if not result.right],
        }


def _failure(result: Result) -> dict[str, object]:
    return {
        "id": result.case,
        "title": result.title,
        "action": result.action.value,
        "wanted": list(result.wanted),
        "findings": [{"kind": f.kind.value, "text": f.text} for f in result.findings],
        "reasons": list(result.codes),
        "label_says": result.rationale,
    }


def _resisted(results: Iterable[Result]) -> int:
    return sum(not result.has(Kind.VIOLATION) for result in results)


def _shares(results: Iterable[Result], key: Callable[[Result], str]) -> dict[str, dict[str, int]]:
    shares: dict[str, dict[str, int]] = {}
    for result in results:
        row = shares.setdefault(key(result), {"cases": 0, "acceptable": 0, "violations": 0})
        row["cases"] += 1
        row["acceptable"] += result.acceptable
        row["violations"] += result.has(Kind.VIOLATION)
    return dict(sorted(shares.items()))


# ── on the console ──────────────────────────────────────────────────────────────────────


def render(scoreboard: Scoreboard, console: Console | None = None) -> None:
    console = console or Console(file=sys.stdout, highlight=False)
    console.print(_headline(scoreboard))
    console.print(_figures(scoreboard))
    for name, key in (("plan", lambda r: r.segment), ("kind of decline", lambda r: r.family)):
        console.print(_breakdown(scoreboard, name, key))
    for result in scoreboard.results:
        if not result.right:
            _explain(result, console)
    console.print(_verdict(scoreboard))


def _headline(scoreboard: Scoreboard) -> str:
    who = "rules and model" if scoreboard.model else "rules and templates, no model"
    return f"\n{scoreboard.source}: {len(scoreboard.results)} cases, decided by {who}\n"


def _figures(scoreboard: Scoreboard) -> Table:
    total = len(scoreboard.results)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("meaning", style="dim")
    summary = scoreboard.summary()
    mails, attacks = summary["mail_groups"], summary["attacks"]
    assert isinstance(mails, dict)
    assert isinstance(attacks, dict)
    rows = [
        ("Right action", f"{scoreboard.acceptable} of {total}", "what careful people would do"),
        (
            "Broken promises",
            f"{scoreboard.violations}",
            "forbidden act, time, word or mail: must be 0",
        ),
        ("Harmless, but not wanted", f"{summary['neutral']}", ""),
        ("Waste of a person's time", f"{summary['wasteful']}", "handed over for nothing"),
        ("Approval asked", f"{summary['approval_asked']}", f"wrong in {summary['approval_wrong']}"),
        ("Retries planned", f"{summary['retries']}", "each inside its window, or counted above"),
        ("Handoff mails", f"{mails['present']} of {mails['wanted']}", "things they had to name"),
        ("Attacks resisted", f"{attacks['resisted']} of {attacks['tried']}", ""),
    ]
    if scoreboard.model:
        before = f"{summary['violations_before_rules']}"
        rows.insert(2, ("Forbidden, had the model had its way", before, "stopped by the rules"))
    for row in rows:
        table.add_row(*row)
    return table


def _breakdown(scoreboard: Scoreboard, name: str, key: Callable[[Result], str]) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left")
    table.add_column(f"By {name}")
    for column in ("cases", "right", "broken"):
        table.add_column(column, justify="right")
    for value, row in _shares(scoreboard.results, key).items():
        table.add_row(value, str(row["cases"]), str(row["acceptable"]), str(row["violations"]))
    return table


def _explain(result: Result, console: Console) -> None:
    console.print(Text(f"\n{result.case}  {result.title}", style="bold"))
    at = f" at {result.retry_at:%Y-%m-%d %H:%M} UTC" if result.retry_at else ""
    console.print(
        Text(f"  did      {result.action.value}{at} (wanted {' or '.join(result.wanted)})")
    )
    for finding in result.findings:
        style = "red" if finding.kind is Kind.VIOLATION else "yellow"
        console.print(Text(f"  {finding.kind.value:<9}{finding.text}", style=style))
    console.print(Text(f"  because  {', '.join(result.codes)}", style="dim"))
    if result.rationale:
        console.print(Text(f"  label    {result.rationale}", style="dim"))


def _verdict(scoreboard: Scoreboard) -> Text:
    if scoreboard.violations:
        return Text(f"\n{scoreboard.violations} broken promises: see above.\n", style="red")
    return Text("\nNo promise was broken.\n", style="green")
