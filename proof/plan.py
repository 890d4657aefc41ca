"""What happens in one storm, drawn up front from one seed, so that a failing seed can be run again.

The plan repeats exactly: accounts, faults' odds, kills, human acts and their instants. How the real
processes interleave does not: they run on a real machine. A seed is the same storm, not the same
nanosecond.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from string import ascii_lowercase
from typing import Literal

from proof import cast
from sandbox.accounts import AccountScript
from sandbox.faults import Fault, FaultKind

Victim = Literal["worker-1", "worker-2", "temporal", "receiver", "postgres"]
Act = Literal[
    "fails",
    "customer_pays",
    "cancel_subscription",
    "void",
    "mark_uncollectible",
    "new_card",
    "credit",
    "customer_is_declined",
    "settle",
    "terminate",
    "approve",
    "reject",
    "cancel",
    "snooze",
    "decide",
    "stop",
]

STORM_FAULTS: tuple[FaultKind, ...] = (
    "latency",
    "rate_limit",
    "error_stored",
    "cut_before",
    "cut_after",
)
WORKERS: tuple[Victim, ...] = ("worker-1", "worker-2")
A_WORKER_DIES_EVERY = (2.0, 8.0)  # seconds, while both work
POSTGRES_IS_DOWN = 5.0  # seconds
TEMPORAL_DEATHS, RECEIVER_DEATHS, POSTGRES_STOPS = 3, 5, 2  # in a storm of a minute
LAST_FAILURE = 0.7  # of the storm: by then every invoice has failed
NEED_A_PERSON = (
    "is_a_large_account_with_a_lost_card",
    "owes_so_much_that_a_person_must_agree",
    "is_about_to_renew",
    "disputes_an_earlier_charge",
)


@dataclass(frozen=True)
class Member:
    """One account of the storm."""

    number: int
    kind: str
    script: AccountScript
    webhook_lost: bool  # Stripe's first word never arrives; only the sweep can find it


@dataclass(frozen=True)
class Deed:
    """What somebody does to one account, so many seconds into the storm."""

    at: float
    member: int
    act: Act
    tell_us: bool = True


@dataclass(frozen=True)
class Kill:
    at: float
    victim: Victim


@dataclass(frozen=True)
class Plan:
    seed: int
    storm: float
    canary: str
    sealed: bool  # are Temporal's payloads encrypted?
    cast: tuple[Member, ...]
    deeds: tuple[Deed, ...]
    kills: tuple[Kill, ...]
    lives: Mapping[Victim, tuple[float, ...]]  # how long each worker works before it is killed
    faults: tuple[Fault, ...]


def unheard(plan: Plan) -> frozenset[int]:
    """Members of whose failure no webhook told us."""
    return frozenset(member.number for member in plan.cast if member.webhook_lost)


def draw(seed: int, cases: int, storm: float) -> Plan:
    """The storm of this seed."""
    rng = Random(seed)
    canary = "qzv" + "".join(rng.choices(ascii_lowercase, k=7))
    members = tuple(_member(rng, number, canary) for number in range(cases))
    return Plan(
        seed=seed,
        storm=storm,
        canary=canary,
        sealed=seed % 2 == 1,
        cast=members,
        deeds=tuple(sorted(_deeds(rng, members, storm), key=lambda deed: deed.at)),
        kills=tuple(sorted(_kills(rng, storm), key=lambda kill: kill.at)),
        lives={worker: _lives(rng, storm) for worker in WORKERS},
        faults=_faults(rng),
    )


def _member(rng: Random, number: int, canary: str) -> Member:
    kind, script = cast.account(rng, number, canary, datetime.now(UTC))
    return Member(number, kind, script, webhook_lost=rng.random() < 0.04)


# ── bad luck ────────────────────────────────────────────────────────────────────────────


def _faults(rng: Random) -> tuple[Fault, ...]:
    """Each kind strikes 5–8 % of all calls to every vendor; one nasty kind more rarely."""
    common = [
        Fault(kind=kind, probability=rng.uniform(0.05, 0.08), seconds=_seconds(rng, kind))
        for kind in STORM_FAULTS
    ]
    nasty = Fault(kind="error_after", probability=rng.uniform(0.01, 0.03))
    return (*common, nasty)


def _seconds(rng: Random, kind: FaultKind) -> float:
    return round(rng.uniform(0.3, 0.8), 2) if kind == "latency" else 1.0


def _kills(rng: Random, storm: float) -> list[Kill]:
    share = storm / 60
    kills = _spread(rng, storm, "temporal", TEMPORAL_DEATHS * share)
    kills += _spread(rng, storm, "receiver", RECEIVER_DEATHS * share)
    kills += _spread(rng, storm - POSTGRES_IS_DOWN, "postgres", POSTGRES_STOPS * share)
    return kills


def _lives(rng: Random, storm: float) -> tuple[float, ...]:
    """With two workers, one is killed every 2 to 8 s, and every life is twice as long."""
    lives: list[float] = []
    while sum(lives) < storm:
        lives.append(len(WORKERS) * rng.uniform(*A_WORKER_DIES_EVERY))
    return tuple(lives)


def _spread(rng: Random, span: float, victim: Victim, times: float) -> list[Kill]:
    """Once in each of so many equal parts of the span, so that two never fall together."""
    count = max(1, round(times))
    part = span / count
    return [Kill(part * (number + rng.uniform(0.1, 0.9)), victim) for number in range(count)]


# ── people ──────────────────────────────────────────────────────────────────────────────


def _deeds(rng: Random, members: tuple[Member, ...], storm: float) -> list[Deed]:
    deeds: list[Deed] = []
    for member in members:
        began = rng.uniform(0.0, LAST_FAILURE * storm)
        deeds.append(Deed(began, member.number, "fails", tell_us=not member.webhook_lost))
        deeds += _of_the_customer(rng, member, began, storm)
        deeds += _of_colleagues(rng, member, began, storm)
    return deeds


def _of_the_customer(rng: Random, member: Member, began: float, storm: float) -> list[Deed]:
    """10 % pay elsewhere, 5 % are cancelled, some change the card or the amount meanwhile."""

    def sometime() -> float:
        return rng.uniform(began, storm)

    deeds = []
    luck = rng.random()
    told = rng.random() < 0.8
    if luck < 0.10:
        deeds.append(Deed(sometime(), member.number, "customer_pays", told))
    elif luck < 0.15:
        act: Act = rng.choice(("cancel_subscription", "void", "mark_uncollectible"))
        deeds.append(Deed(sometime(), member.number, act, told))
    elif luck < 0.25:
        deeds.append(Deed(sometime(), member.number, "new_card", told))
    elif luck < 0.29:
        deeds.append(
            Deed(sometime(), member.number, rng.choice(("credit", "customer_is_declined")))
        )
    elif luck < 0.30:
        deeds.append(Deed(sometime(), member.number, "terminate"))
    if member.kind == "pays_by_bank_debit":
        deeds += [Deed(sometime(), member.number, "settle") for _ in range(6)]
    return deeds


def _of_colleagues(rng: Random, member: Member, began: float, storm: float) -> list[Deed]:
    """Those who are asked answer, now and then twice; 5 % of all cases see orders that race."""
    deeds = []
    if member.kind in NEED_A_PERSON:
        says: Act = rng.choices(("approve", "decide", "reject"), (6, 3, 2))[0]
        deeds += [
            Deed(began + wait, member.number, says)
            for wait in (rng.uniform(1, 3), rng.uniform(3, 6), rng.uniform(6, 15), storm)
            if began + wait <= storm
        ]
    if rng.random() < 0.05:
        at = rng.uniform(began + 0.5, storm)
        race: tuple[Act, ...] = ("approve", "reject", "cancel", "stop", "snooze", "approve")
        deeds += [
            Deed(at + rng.uniform(0, 0.3), member.number, act)
            for act in rng.sample(race, k=rng.randrange(2, 5))
        ]
    return deeds
