"""Scoreboards side by side: rules alone, model alone, both; several playbooks, models, repetitions.

One column is one way to decide. With repetitions it holds several scoreboards of the same cases.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from starter.scoreboard import Kind, Result, Scoreboard


class Who(StrEnum):
    RULES = "rules alone"
    MODEL = "model alone"
    BOTH = "model with rules"


@dataclass(frozen=True)
class Row:
    """A figure of a scoreboard, and what it is a part of."""

    name: str
    figure: Callable[[Scoreboard], int]
    total: Callable[[Scoreboard], int] | None = None
    not_of: frozenset[Who] = frozenset()  # columns in which it means nothing


ROWS = (
    Row("Right action", lambda b: b.acceptable, lambda b: len(b.results)),
    Row("Broken promises", lambda b: b.violations),
    Row("Harmless, but not wanted", lambda b: b.count(lambda r: r.has(Kind.NEUTRAL))),
    Row("Waste of a person's time", lambda b: b.count(lambda r: r.has(Kind.WASTEFUL))),
    Row("Approval wrong", lambda b: b.count(lambda r: r.has(Kind.APPROVAL))),
    Row("Mail wrong", lambda b: b.count(lambda r: r.has(Kind.MAIL)), None, frozenset({Who.MODEL})),
    Row("Attacks resisted", lambda b: b.resisted, lambda b: len(b.attacks)),
    Row("Not asked (nothing to decide)", lambda b: b.not_asked, None,
        frozenset({Who.RULES, Who.BOTH})),
    Row("No usable first answer", lambda b: b.no_answer, None, frozenset({Who.RULES, Who.BOTH})),
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    who: Who
    name: str  # which playbook, which model; empty when there is only one
    runs: tuple[Scoreboard, ...]
    rules: str = ""  # which playbook

    @property
    def title(self) -> str:
        return f"{self.name}: {self.who}" if self.name else self.who.value

    @property
    def binds(self) -> bool:
        """Do broken promises here count? What a model would have done alone was never done."""
        return self.who is not Who.MODEL

    @property
    def worst(self) -> int:
        return max(board.violations for board in self.runs)

    @property
    def actions(self) -> dict[str, Counter[str]]:
        """By case: how often which action was chosen."""
        found: dict[str, Counter[str]] = {}
        for result in self._results():
            found.setdefault(result.case, Counter())[result.action.value] += 1
        return found

    @property
    def differing(self) -> dict[str, dict[str, int]]:
        """Cases that were not decided the same way every time."""
        return {case: dict(seen) for case, seen in self.actions.items() if len(seen) > 1}

    @property
    def always_right(self) -> int:
        """Cases that were answered, and rightly, in every repetition."""
        right = Counter(result.case for result in self._results() if result.acceptable)
        return sum(times == len(self.runs) for times in right.values())

    def _results(self) -> Iterable[Result]:
        return (result for board in self.runs for result in board.results)

    def cell(self, row: Row) -> str:
        """Over repetitions from the lowest to the highest figure."""
        if self.who in row.not_of:
            return "–"
        figures = sorted({row.figure(board) for board in self.runs})
        text = str(figures[0]) if len(figures) == 1 else f"{figures[0]} to {figures[-1]}"
        return f"{text} of {row.total(self.runs[0])}" if row.total else text

    def summary(self) -> dict[str, object]:
        first = self.runs[0]
        told: dict[str, object] = {"column": self.title, "who": self.who.value, "name": self.name}
        told |= first.summary() | {"worst_violations": self.worst}
        if self.who is Who.MODEL:
            told |= {"not_asked": first.not_asked, "no_answer": first.no_answer}
        if self.who is Who.BOTH and first.effort:
            told["effort"] = [asdict(board.effort) for board in self.runs if board.effort]
        if len(self.runs) > 1:
            told["repeated"] = len(self.runs)
            told["same_every_time"] = len(self.actions) - len(self.differing)
            told["right_every_time"] = self.always_right
            told["differing"] = self.differing
        return told


@dataclass(frozen=True)
class Margin:
    """What the model changed, on the cases in which it was asked and answered."""

    name: str
    answered: int
    rules: int  # right, of those answered
    alone: int
    both: int
    better: tuple[str, ...]  # right with the model, not without
    worse: tuple[str, ...]

    @property
    def sentence(self) -> str:
        gain = self.both - self.rules
        verdict = f"The model adds {gain}" if gain > 0 else f"The model costs {-gain}"
        return verdict if gain else "The model changes nothing in the number of right actions"


@dataclass(frozen=True)
class Comparison:
    source: str
    columns: tuple[Column, ...]

    @property
    def main(self) -> Scoreboard:
        """The board shown in full: what would really be done, in the first repetition."""
        return [column for column in self.columns if column.binds][-1].runs[0]

    @property
    def is_plain(self) -> bool:
        return len(self.columns) == 1 and len(self.columns[0].runs) == 1

    @property
    def contenders(self) -> list[Column]:
        """What would really be done, with a model where there is one."""
        both = [column for column in self.columns if column.who is Who.BOTH]
        return both or [column for column in self.columns if column.binds]

    @property
    def violations(self) -> int:
        return sum(column.worst for column in self.columns if column.binds)

    @property
    def margins(self) -> list[Margin]:
        """For each model, in its first repetition."""
        rules = {column.rules: column for column in self.columns if column.who is Who.RULES}
        alone = {column.name: column for column in self.columns if column.who is Who.MODEL}
        return [
            _margin(column, rules[column.rules].runs[0], alone[column.name].runs[0])
            for column in self.columns
            if column.who is Who.BOTH
        ]

    def summary(self) -> dict[str, object]:
        """For programs: the main board as ever; the columns where there is more than one."""
        alone = [column for column in self.columns if column.who is Who.MODEL]
        told = self.main.summary()
        told["violations_before_rules"] = alone[-1].runs[0].violations if alone else 0
        if self.is_plain:
            return told
        columns = [column.summary() for column in self.columns]
        return told | {"columns": columns, "margins": [asdict(one) for one in self.margins]}


def _margin(both: Column, rules: Scoreboard, alone: Scoreboard) -> Margin:
    ids = {result.case for result in alone.results}
    with_model, without = both.runs[0].of_cases(ids), rules.of_cases(ids)
    right = {result.case for result in with_model.results if result.acceptable}
    before = {result.case for result in without.results if result.acceptable}
    return Margin(
        name=both.name,
        answered=len(ids),
        rules=without.acceptable,
        alone=alone.acceptable,
        both=with_model.acceptable,
        better=tuple(sorted(right - before)),
        worse=tuple(sorted(before - right)),
    )
