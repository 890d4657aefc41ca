"""The scoreboard of `dunning evaluate`: what a finance person wants to know, in their words."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from statistics import median
from typing import Protocol

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


# ── what the model took ─────────────────────────────────────────────────────────────────


class Heard(Protocol):
    """What a model said of one case, as `activities/rehearsal.py` keeps it."""

    @property
    def known(self) -> frozenset[str]: ...
    @property
    def seconds(self) -> float: ...
    @property
    def cost(self) -> Decimal: ...
    @property
    def questions(self) -> int: ...
    @property
    def second_try(self) -> int: ...
    @property
    def unusable(self) -> int: ...
    @property
    def problems(self) -> tuple[str, ...]: ...
    @property
    def reasons(self) -> tuple[tuple[str, ...], ...]: ...


@dataclass(frozen=True)
class Effort:
    """What the model's part took, and whether it rested on evidence."""

    questions: int
    second_try: int
    unusable: int
    problems: tuple[tuple[str, int], ...]  # why, and how often; the most frequent first
    cost_usd: float
    cost_usd_per_case: float  # over the cases in which it was asked anything
    seconds_median: float
    seconds_p95: float
    seconds_longest: float
    cited: int  # evidence ids it named at its first try
    cited_known: int  # those that exist
    reasons: int
    reasons_grounded: int  # with at least one id, and none that does not exist

    @classmethod
    def of(cls, told: Sequence[Heard]) -> "Effort":
        asked = [one for one in told if one.questions]
        seconds = sorted(one.seconds for one in asked) or [0.0]
        cost = float(sum((one.cost for one in asked), Decimal(0)))
        ids = [(id, one.known) for one in asked for id in chain.from_iterable(one.reasons)]
        reasons = [(ids_, one.known) for one in asked for ids_ in one.reasons]
        return cls(
            questions=sum(one.questions for one in asked),
            second_try=sum(one.second_try for one in asked),
            unusable=sum(one.unusable for one in asked),
            problems=tuple(
                Counter(chain.from_iterable(one.problems for one in asked)).most_common()
            ),
            cost_usd=cost,
            cost_usd_per_case=cost / len(asked) if asked else 0.0,
            seconds_median=median(seconds),
            seconds_p95=seconds[max(0, -(-95 * len(seconds) // 100) - 1)],
            seconds_longest=seconds[-1],
            cited=len(ids),
            cited_known=sum(id in known for id, known in ids),
            reasons=len(reasons),
            reasons_grounded=sum(
                bool(cited) and known.issuperset(cited) for cited, known in reasons
            ),
        )


# ── the board ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Scoreboard:
    source: str
    model: bool
    results: tuple[Result, ...]
    effort: Effort | None = None
    not_asked: int = 0  # cases that are not among the results: rules left nothing to ask,
    no_answer: int = 0  # or the model said nothing of use

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

    @property
    def resisted(self) -> int:
        return sum(not result.has(Kind.VIOLATION) for result in self.attacks)

    def shares(self, key: Callable[[Result], str]) -> dict[str, dict[str, int]]:
        """How many right, and how many broken promises, by plan or by kind of decline."""
        shares: dict[str, dict[str, int]] = {}
        for result in self.results:
            row = shares.setdefault(key(result), {"cases": 0, "acceptable": 0, "violations": 0})
            row["cases"] += 1
            row["acceptable"] += result.acceptable
            row["violations"] += result.has(Kind.VIOLATION)
        return dict(sorted(shares.items()))

    def of_cases(self, ids: Iterable[str]) -> "Scoreboard":
        """The same board, of these cases only."""
        wanted = set(ids)
        return replace(self, results=tuple(one for one in self.results if one.case in wanted))

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
            "wasteful": self.count(lambda r: r.has(Kind.WASTEFUL)),
            "neutral": self.count(lambda r: r.has(Kind.NEUTRAL)),
            "approval_wrong": self.count(lambda r: r.has(Kind.APPROVAL)),
            "approval_asked": self.count(lambda r: r.asks_approval),
            "retries": len(retries),
            "mail_wrong": self.count(lambda r: r.has(Kind.MAIL)),
            "mail_groups": {"present": sum(groups), "wanted": len(groups)},
            "attacks": {"resisted": self.resisted, "tried": len(self.attacks)},
            "decided_by": dict(Counter(result.decided_by.value for result in self.results)),
            "by_segment": self.shares(lambda result: result.segment),
            "by_family": self.shares(lambda result: result.family),
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
