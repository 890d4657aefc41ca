"""What follows from the facts: sums, habits and calendars, worked out by code, never by a model."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from statistics import median

from workflows import timing
from workflows.exhibits import Evidence, Scalar, day, exhibit
from workflows.facts import Facts
from workflows.money import Money
from workflows.playbook import Playbook
from workflows.situation import in_usd

ON_TIME = timedelta(days=2)  # paid this soon after it was written, at the first attempt

Derived = tuple[str, str, dict[str, Scalar]] | None


def _tenure(facts: Facts, playbook: Playbook) -> Derived:
    days = facts.billing.tenure_days if facts.billing else None
    if days is None:
        return None
    return (
        "tenure",
        f"A customer for {in_words(days)} ({days} days).",
        {"days": days, "words": in_words(days)},
    )


def in_words(days: int) -> str:
    """`14 months`, `3 years`, `9 days`."""
    for size, word in ((365, "year"), (30, "month")):
        if days >= 2 * size:
            return f"{days // size} {word}s"
    return f"{days} day{'' if days == 1 else 's'}"


def _on_time(facts: Facts, playbook: Playbook) -> Derived:
    paid = facts.billing.paid_invoices if facts.billing else ()
    if not paid:
        return None
    good = sum(p.attempts <= 1 and p.paid_at - p.created <= ON_TIME for p in paid)
    text = (
        f"{good} of the last {len(paid)} invoices were paid at once, "
        f"{len(paid) - good} late or after a failure."
    )
    return "paid_on_time", text, {"on_time": good, "invoices": len(paid), "late": len(paid) - good}


def _usual_delay(facts: Facts, playbook: Playbook) -> Derived:
    paid = facts.billing.paid_invoices if facts.billing else ()
    if not paid:
        return None
    days = int(median((p.paid_at - p.created).days for p in paid))
    return (
        "usual_delay",
        f"They usually pay {days} days after the invoice is written.",
        {"days": days},
    )


def _recovery_days(facts: Facts, playbook: Playbook) -> Derived:
    earlier = facts.billing.prior_recoveries if facts.billing else ()
    if not earlier:
        return None
    zone = timing.zone(facts, playbook)
    days = Counter(r.recovered_at.astimezone(zone).day for r in earlier)
    common, times = min(days.items(), key=lambda pair: (-pair[1], pair[0]))
    text = (
        f"{len(earlier)} earlier failures were recovered, "
        f"{times} of them on day {common} of the month."
    )
    return "recovery_day", text, {"day": common, "times": times, "recoveries": len(earlier)}


def _streak(facts: Facts, playbook: Playbook) -> Derived:
    mine = [a for a in facts.attempts if a.invoice in (None, facts.invoice.id) and not a.succeeded]
    codes = [attempt.code for attempt in sorted(mine, key=lambda a: a.at, reverse=True)]
    if len(codes) < 2:
        return None
    same = next((i for i, c in enumerate(codes) if c != codes[0]), len(codes))
    text = (
        f"The last {same} failed attempts gave the same code; {len(codes)} attempts failed in all."
    )
    return "same_code_streak", text, {"same": same, "failed": len(codes)}


def _open_balance(facts: Facts, playbook: Playbook) -> Derived:
    totals: Counter[str] = Counter(
        {facts.invoice.remaining.currency: facts.invoice.remaining.amount}
    )
    for other in facts.other_open_invoices:
        totals[other.remaining.currency] += other.remaining.amount
    sums = [
        Money(amount=amount, currency=currency).plain for currency, amount in sorted(totals.items())
    ]
    count = 1 + len(facts.other_open_invoices)
    return (
        "open_balance",
        f"Open in all: {' and '.join(sums)} on {count} invoice{'' if count == 1 else 's'}.",
        {"total": " and ".join(sums), "invoices": count},
    )


_BANDS = (100, 1_000, 10_000, 100_000)


def _mrr_band(facts: Facts, playbook: Playbook) -> Derived:
    value = in_usd(facts.billing.mrr, playbook) if facts.billing and facts.billing.mrr else None
    if value is None:
        return None
    below = next((band for band in _BANDS if value < band), None)
    above = next((band for band in reversed(_BANDS) if value >= band), None)
    words = (
        f"under {below:,} USD"
        if above is None
        else f"over {above:,} USD"
        if below is None
        else f"{above:,} to {below:,} USD"
    )
    return "mrr_band", f"Monthly revenue band: {words}.", {"from_usd": above, "to_usd": below}


def _renewal(facts: Facts, playbook: Playbook) -> Derived:
    coming = [
        d.close_date
        for d in (facts.crm.deals if facts.crm else ())
        if d.close_date and d.close_date >= facts.now
    ]
    if not coming:
        return None
    days = (min(coming) - facts.now).days
    return (
        "next_deal",
        f"The next open deal closes in {days} days.",
        {"days": days, "date": day(min(coming))},
    )


def _period_end(facts: Facts, playbook: Playbook) -> Derived:
    end = facts.subscription.current_period_end if facts.subscription else None
    if end is None or end < facts.now:
        return None
    return (
        "period_end",
        f"The paid period ends in {(end - facts.now).days} days.",
        {"days": (end - facts.now).days, "date": day(end)},
    )


def _local_time(facts: Facts, playbook: Playbook) -> Derived:
    local = facts.now.astimezone(timing.zone(facts, playbook))
    text = f"For the customer it is {local:%A}, {local:%Y-%m-%d %H:%M}."
    return "local_time", text, {"date": f"{local:%Y-%m-%d}"}


def _paydays(facts: Facts, playbook: Playbook) -> Derived:
    today = facts.now.astimezone(timing.zone(facts, playbook)).date()
    days = timing.paydays(facts, playbook, today, today + timedelta(days=20))[:3]
    if not days:
        return None
    text = f"Days on which money is likely to arrive: {', '.join(map(str, days))}."
    return "paydays", text, {f"day_{number}": str(day) for number, day in enumerate(days, start=1)}


def _bank_days(facts: Facts, playbook: Playbook) -> Derived:
    today = facts.now.astimezone(timing.zone(facts, playbook)).date()
    days = [str(timing.bank_days_after(facts, today, count)) for count in (1, 2)]
    return (
        "next_bank_days",
        f"The next bank days are {' and '.join(days)}.",
        {"first": days[0], "second": days[1]},
    )


def _card_changed(facts: Facts, playbook: Playbook) -> Derived:
    method, failure = facts.payment_method, facts.failure
    if method is None or failure is None:
        return None
    swapped = failure.payment_method is not None and failure.payment_method != method.id
    newer = method.updated_at is not None and method.updated_at > failure.failed_at
    if not (swapped or newer):
        return None
    return (
        "card_changed",
        "What would be charged next has changed since the failure.",
        {"changed": True},
    )


# In the order in which they are numbered.
DEDUCTIONS: tuple[Callable[[Facts, Playbook], Derived], ...] = (
    _tenure,
    _on_time,
    _usual_delay,
    _recovery_days,
    _streak,
    _open_balance,
    _mrr_band,
    _renewal,
    _period_end,
    _local_time,
    _paydays,
    _bank_days,
    _card_changed,
)


def deductions(facts: Facts, playbook: Playbook) -> Iterator[Evidence]:
    """All of them that the facts allow."""
    found = [one for make in DEDUCTIONS if (one := make(facts, playbook)) is not None]
    for number, (kind, text, value) in enumerate(found, start=1):
        yield exhibit(f"DER.{number}", kind, text, facts.now, more=value)
