"""The scoreboard on the console, in a finance person's words."""

import sys
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from starter.columns import ROWS, Column, Comparison, Margin
from starter.scoreboard import Effort, Kind, Result, Scoreboard

PIPE_WIDTH = 240
Key = Callable[[Result], str]
BREAKDOWNS: tuple[tuple[str, Key], ...] = (
    ("plan", lambda result: result.segment),
    ("kind of decline", lambda result: result.family),
)


def render(comparison: Comparison, console: Console | None = None) -> None:
    # Into a pipe nothing is wrapped, so that grep finds whole lines.
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    console = console or Console(file=sys.stdout, highlight=False, width=width)
    board = comparison.main
    console.print(_headline(comparison))
    if comparison.is_plain:
        console.print(_figures(board))
    else:
        _compare(comparison, console)
    for name, key in BREAKDOWNS:
        console.print(_breakdown(comparison, name, key))
    for column in comparison.contenders:
        _explain_all(column, console, comparison)
    console.print(_verdict(comparison))


def _headline(comparison: Comparison) -> str:
    board = comparison.main
    who = "rules and model" if board.model else "rules and templates, no model"
    return f"\n{comparison.source}: {len(board.results)} cases, decided by {who}\n"


def _verdict(comparison: Comparison) -> Text:
    if comparison.violations:
        return Text(f"\n{comparison.violations} broken promises: see above.\n", style="red")
    return Text("\nNo promise was broken.\n", style="green")


# ── one column ──────────────────────────────────────────────────────────────────────────


def _figures(board: Scoreboard) -> Table:
    total = len(board.results)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("meaning", style="dim")
    summary = board.summary()
    mails = summary["mail_groups"]
    assert isinstance(mails, dict)
    rows = [
        ("Right action", f"{board.acceptable} of {total}", "what careful people would do"),
        ("Broken promises", f"{board.violations}", "forbidden act, time, word or mail: must be 0"),
        ("Harmless, but not wanted", f"{summary['neutral']}", ""),
        ("Waste of a person's time", f"{summary['wasteful']}", "handed over for nothing"),
        ("Approval asked", f"{summary['approval_asked']}", f"wrong in {summary['approval_wrong']}"),
        ("Retries planned", f"{summary['retries']}", "each inside its window, or counted above"),
        ("Handoff mails", f"{mails['present']} of {mails['wanted']}", "things they had to name"),
        ("Attacks resisted", f"{board.resisted} of {len(board.attacks)}", ""),
    ]
    for row in rows:
        table.add_row(*row)
    return table


# ── several columns ─────────────────────────────────────────────────────────────────────


def _compare(comparison: Comparison, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for column in comparison.columns:
        table.add_column(column.title, justify="right")
    for row in ROWS:
        table.add_row(row.name, *(column.cell(row) for column in comparison.columns))
    console.print(table)
    for margin in comparison.margins:
        _tell_margin(margin, console)
    for column in comparison.contenders:
        _tell_effort(column, console)
        _tell_repeats(column, console)


def _tell_margin(margin: Margin, console: Console) -> None:
    title = f"\nWhere the model answered{f' ({margin.name})' if margin.name else ''}"
    console.print(Text(title, style="bold"))
    console.print(
        f"  {margin.answered} cases. Right: {margin.rules} by rules alone, {margin.alone} by the "
        f"model alone, {margin.both} by both. {margin.sentence}."
    )
    for word, cases in (("Better", margin.better), ("Worse", margin.worse)):
        if cases:
            console.print(Text(f"  {word} with the model: {', '.join(cases)}"))


def _tell_effort(column: Column, console: Console) -> None:
    efforts = [board.effort for board in column.runs if board.effort]
    if not efforts:
        return
    console.print(Text(f"\nWhat the model's part took: {column.title}", style="bold"))
    for name, tell in EFFORT:
        seen = list(dict.fromkeys(tell(effort) for effort in efforts))
        console.print(Text(f"  {name:<17}{'; '.join(seen)}"))


LONGEST_WHY = 120

EFFORT: tuple[tuple[str, Callable[[Effort], str]], ...] = (
    ("Cost", lambda e: f"{e.cost_usd:.4f} USD, {e.cost_usd_per_case:.4f} a case"),
    (
        "Seconds a case",
        lambda e: (
            f"median {e.seconds_median:.1f}, 95 of 100 within {e.seconds_p95:.1f}, "
            f"longest {e.seconds_longest:.1f}"
        ),
    ),
    (
        "Unusable",
        lambda e: f"{e.unusable} of {e.questions} questions; {e.second_try} needed a second try",
    ),
    (
        "Because",
        lambda e: "; ".join(f"{n} × {why[:LONGEST_WHY]}" for why, n in e.problems[:3]) or "–",
    ),
    (
        "Grounded",
        lambda e: (
            f"{e.cited_known} of {e.cited} cited pieces of evidence exist, "
            f"{e.reasons_grounded} of {e.reasons} reasons rest on evidence only"
        ),
    ),
)


def _tell_repeats(column: Column, console: Console) -> None:
    times = len(column.runs)
    if times == 1:
        return
    cases = len(column.actions)
    same = cases - len(column.differing)
    console.print(Text(f"\nRepeated {times} times: {column.title}", style="bold"))
    console.print(Text(f"  Same action every time  {same} of {cases}"))
    console.print(Text(f"  Right every time        {column.always_right} of {cases}"))
    console.print(Text(f"  Broken promises         {column.worst} in the worst repetition"))
    for case, seen in column.differing.items():
        what = ", ".join(f"{action} {count}" for action, count in seen.items())
        console.print(Text(f"  {case:<9}{what}", style="yellow"))


def _breakdown(comparison: Comparison, name: str, key: Key) -> Table:
    if comparison.is_plain:
        return _breakdown_of_one(comparison.main, name, key)
    table = Table(box=None, pad_edge=False)
    table.add_column(f"By {name}: right of cases (broken)")
    shares = [column.runs[0].shares(key) for column in comparison.columns]
    for column in comparison.columns:
        table.add_column(column.title, justify="right")
    for value in sorted({value for share in shares for value in share}):
        table.add_row(value, *(_share(share.get(value)) for share in shares))
    return table


def _share(row: dict[str, int] | None) -> str:
    if row is None:
        return "–"
    broken = f" ({row['violations']})" if row["violations"] else ""
    return f"{row['acceptable']} of {row['cases']}{broken}"


def _breakdown_of_one(board: Scoreboard, name: str, key: Key) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left")
    table.add_column(f"By {name}")
    for column in ("cases", "right", "broken"):
        table.add_column(column, justify="right")
    for value, row in board.shares(key).items():
        table.add_row(value, str(row["cases"]), str(row["acceptable"]), str(row["violations"]))
    return table


# ── what went wrong ─────────────────────────────────────────────────────────────────────


def _explain_all(column: Column, console: Console, comparison: Comparison) -> None:
    """In full for the only contender; with several, broken promises alone."""
    only = len(comparison.contenders) == 1
    wrong = [result for result in _once_each(column) if not result.right]
    shown = wrong if only else [result for result in wrong if result.has(Kind.VIOLATION)]
    if shown and not only:
        console.print(Text(f"\n{column.title}", style="bold underline"))
    for result in shown:
        _explain(result, console)


def _once_each(column: Column) -> Iterable[Result]:
    """Of repetitions, each case with the same findings once."""
    seen = {(r.case, r.action, r.findings): r for board in column.runs for r in board.results}
    return seen.values()


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
