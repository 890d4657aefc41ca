"""When: retry slots that are already legal, and hours at which a customer may be written to.

The model never computes a time; it picks a slot from the list made here. Bank calendars follow the
scheme of the *currency*; mornings, paydays and office hours follow the customer's own clock.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workflows.case import Slot
from workflows.declines import BANK_DEBITS
from workflows.facts import Facts
from workflows.nouns import Utc
from workflows.playbook import Playbook

MOST_SLOTS = 6
MORNING = 9  # banks have booked the night's credits by then
SPREAD_MINUTES = 30  # renewals fail in bursts; our retries should not (no thundering herd)
COOLING_OFF = timedelta(hours=72)  # Adaptive Acceptance: Stripe support advises 2-3 days
NEAR = timedelta(minutes=90)  # slots closer than this are one slot
FULL_DAY = timedelta(days=1)

WHY_ORDER = (
    "new_card", "soonest", "network_wait", "promised_day", "earlier_success", "payday",
    "after_three_days", "bank_day_morning", "second_payday", "last_useful_day", "stripe_schedule",
)  # fmt: skip


# ── calendars ───────────────────────────────────────────────────────────────────────────

SATURDAY_SUNDAY = frozenset({5, 6})

# Where most people of a country live by the clock, when we know the country only.
_CAPITAL_ZONE = {
    "US": "America/New_York", "CA": "America/Toronto", "MX": "America/Mexico_City",
    "BR": "America/Sao_Paulo", "AR": "America/Argentina/Buenos_Aires", "CL": "America/Santiago",
    "CO": "America/Bogota", "GB": "Europe/London", "IE": "Europe/Dublin", "PT": "Europe/Lisbon",
    "ES": "Europe/Madrid", "FR": "Europe/Paris", "DE": "Europe/Berlin", "AT": "Europe/Vienna",
    "CH": "Europe/Zurich", "IT": "Europe/Rome", "NL": "Europe/Amsterdam", "BE": "Europe/Brussels",
    "LU": "Europe/Luxembourg", "DK": "Europe/Copenhagen", "NO": "Europe/Oslo",
    "SE": "Europe/Stockholm", "FI": "Europe/Helsinki", "PL": "Europe/Warsaw", "CZ": "Europe/Prague",
    "HU": "Europe/Budapest", "RO": "Europe/Bucharest", "GR": "Europe/Athens",
    "TR": "Europe/Istanbul",
    "IL": "Asia/Jerusalem", "AE": "Asia/Dubai", "SA": "Asia/Riyadh", "BH": "Asia/Bahrain",
    "KW": "Asia/Kuwait", "QA": "Asia/Qatar", "EG": "Africa/Cairo", "ZA": "Africa/Johannesburg",
    "NG": "Africa/Lagos", "KE": "Africa/Nairobi", "IN": "Asia/Kolkata", "SG": "Asia/Singapore",
    "MY": "Asia/Kuala_Lumpur", "TH": "Asia/Bangkok", "VN": "Asia/Ho_Chi_Minh", "ID": "Asia/Jakarta",
    "PH": "Asia/Manila", "HK": "Asia/Hong_Kong", "CN": "Asia/Shanghai", "TW": "Asia/Taipei",
    "JP": "Asia/Tokyo", "KR": "Asia/Seoul", "AU": "Australia/Sydney", "NZ": "Pacific/Auckland",
}  # fmt: skip


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone(facts: Facts, playbook: Playbook) -> ZoneInfo:
    """The customer's clock: their own zone, else their country's, else the card's, else ours."""
    method = facts.payment_method
    countries = (facts.customer.country, method.country if method else None)
    names = [facts.customer.timezone, *(_CAPITAL_ZONE.get((c or "").upper()) for c in countries)]
    for name in (*names, playbook.company.timezone):
        if name and (found := _zone(name)) is not None:
            return found
    return ZoneInfo("UTC")


@dataclass(frozen=True)
class Calendar:
    """Which days are working days somewhere. Without a known country only weekends count."""

    weekend: frozenset[int]
    off: frozenset[date]

    def works(self, day: date) -> bool:
        return day.weekday() not in self.weekend and day not in self.off


@lru_cache(maxsize=512)
def office_calendar(country: str | None, year: int) -> Calendar:
    """Business days of a country, its own weekend included (Friday and Saturday in the Gulf)."""
    import holidays

    if not country:
        return Calendar(SATURDAY_SUNDAY, frozenset())
    try:
        table = holidays.country_holidays(country.upper(), years=(year, year + 1))
    except (NotImplementedError, AttributeError, ValueError):
        return Calendar(SATURDAY_SUNDAY, frozenset())
    return Calendar(frozenset(table.weekend), frozenset(table))


# The settlement system of a currency: days on which its banks exchange debits.
_SCHEME = {
    "usd": "US", "gbp": "GB", "cad": "CA", "aud": "AU", "nzd": "NZ", "sek": "SE", "nok": "NO",
    "dkk": "DK", "pln": "PL", "czk": "CZ", "huf": "HU", "ron": "RO", "chf": "CH",
}  # fmt: skip


@lru_cache(maxsize=256)
def bank_calendar(currency: str, year: int) -> Calendar:
    """Settlement days: US Federal Reserve, TARGET, UK and others, by the currency's scheme.

    https://www.federalreserve.gov/aboutthefed/k8.htm: a Saturday holiday is not moved to Friday.
    https://www.ecb.europa.eu/paym/target: TARGET closing days.
    """
    import holidays

    years = (year, year + 1)
    if currency == "eur":
        table = holidays.financial_holidays("XECB", years=years)
        return Calendar(SATURDAY_SUNDAY, frozenset(table))
    country = _SCHEME.get(currency)
    if country is None:
        return Calendar(SATURDAY_SUNDAY, frozenset())
    part = "ENG" if country == "GB" else None
    days = holidays.country_holidays(country, subdiv=part, years=years)
    if country == "US":
        return Calendar(SATURDAY_SUNDAY, frozenset(d for d in days if not _moved(d, days[d])))
    return Calendar(SATURDAY_SUNDAY, frozenset(days))


def _moved(day: date, name: str) -> bool:
    """Observed by offices on the Friday before; the Federal Reserve is open then."""
    return day.weekday() == 4 and "observed" in name.lower()


def is_debit(facts: Facts) -> bool:
    return facts.payment_method is not None and facts.payment_method.type in BANK_DEBITS


def is_business_day(facts: Facts, day: date) -> bool:
    return office_calendar(facts.customer.country, day.year).works(day)


def is_bank_day(facts: Facts, day: date) -> bool:
    return bank_calendar(facts.invoice.remaining.currency, day.year).works(day)


def is_retry_day(facts: Facts, day: date) -> bool:
    """Debits move on bank days only; for a card a planned morning is a working one."""
    return is_bank_day(facts, day) if is_debit(facts) else is_business_day(facts, day)


def bank_days_after(facts: Facts, start: date, count: int) -> date:
    """The `count`-th bank day after `start`."""
    day = start
    for _ in range(60):
        if count <= 0:
            break
        day += FULL_DAY
        count -= is_bank_day(facts, day)
    return day


# ── what the customer's own history says ────────────────────────────────────────────────


def paydays(facts: Facts, playbook: Playbook, start: date, end: date) -> tuple[date, ...]:
    """Days on which money is likely to arrive: the 15th, the last business day, and their own.

    A day of the month is their own when most of their late-paid invoices were paid around it.
    """
    own = _own_day_of_month(facts, playbook)
    found: set[date] = set()
    month = start.replace(day=1)
    while month <= end:
        found |= {_day_in(month, 15), _last_business_day(facts, month)}
        if own is not None:
            found.add(_day_in(month, own))
        month = _next_month(month)
    return tuple(sorted(day for day in found if start <= day <= end))


def earlier_success_days(
    facts: Facts, playbook: Playbook, start: date, end: date
) -> tuple[date, ...]:
    """Days like those of earlier recoveries: the same day of month, weekday or delay."""
    local = zone(facts, playbook)
    past = facts.billing.prior_recoveries if facts.billing else ()
    days = [recovery.recovered_at.astimezone(local).date() for recovery in past]
    if not days:
        return ()
    if (own := _common(day.day for day in days)) is not None and len(days) >= 2:
        return tuple(d for d in _every_day(start, end) if d.day == min(own, _month_length(d)))
    if len(days) >= 3 and len({day.weekday() for day in days}) == 1:
        return tuple(d for d in _every_day(start, end) if d.weekday() == days[0].weekday())
    delays = sorted((r.recovered_at - r.failed_at).days for r in past)
    failed = facts.failure.failed_at if facts.failure else facts.now
    usual = failed.astimezone(local).date() + timedelta(days=delays[len(delays) // 2])
    return (usual,) if start <= usual <= end else ()


def _own_day_of_month(facts: Facts, playbook: Playbook) -> int | None:
    local = zone(facts, playbook)
    paid = facts.billing.paid_invoices if facts.billing else ()
    late = [p.paid_at.astimezone(local).date() for p in paid if p.paid_at - p.created > FULL_DAY]
    return _common(day.day for day in late) if len(late) >= 2 else None


def _common(days: Iterable[int]) -> int | None:
    """The day of month that most of them lie around (one day of tolerance), its latest form."""
    counts = Counter(days)
    total = sum(counts.values())
    best = max(counts, key=lambda day: (_around(counts, day), day))
    if _around(counts, best) * 3 < total * 2:
        return None
    return max(day for day in counts if abs(day - best) <= 1)


def _around(counts: Counter[int], day: int) -> int:
    return counts[day - 1] + counts[day] + counts[day + 1]


def _every_day(start: date, end: date) -> Iterator[date]:
    for offset in range(max(0, (end - start).days) + 1):
        yield start + timedelta(days=offset)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _month_length(day: date) -> int:
    return (_next_month(day) - FULL_DAY).day


def _day_in(month: date, day: int) -> date:
    return month.replace(day=min(day, _month_length(month)))


def _last_business_day(facts: Facts, month: date) -> date:
    day = _next_month(month) - FULL_DAY
    while not is_business_day(facts, day) and day.day > 20:
        day -= FULL_DAY
    return day


# ── retry slots ─────────────────────────────────────────────────────────────────────────


def retry_slots(
    facts: Facts,
    playbook: Playbook,
    earliest: Utc,
    latest: Utc,
    *,
    new_card_at: Utc | None = None,
    network_wait: bool = False,
    promised: date | None = None,
) -> tuple[Slot, ...]:
    """At most six instants in [earliest, latest], each already legal, sorted, `S1` first.

    `new_card_at` opens earlier than `earliest`: the usual gap belongs to the card that failed.
    """
    wanted = list(_wanted(facts, playbook, earliest, latest, network_wait, promised))
    if new_card_at is not None:
        wanted.append((_legal(facts, playbook, new_card_at), "new_card"))
    opens = min(earliest, new_card_at) if new_card_at is not None else earliest
    floor = max(opens, facts.now)
    merged = _merge((at, why) for at, why in wanted if floor <= at <= latest)
    chosen = sorted(merged, key=lambda slot: _rank(slot[1]))[:MOST_SLOTS]
    return tuple(
        Slot(slot_id=f"S{n}", at=at, label=label(at, facts, playbook), why=why)
        for n, (at, why) in enumerate(sorted(chosen), start=1)
    )


def label(at: datetime, facts: Facts, playbook: Playbook) -> str:
    """`Wed 1 Jul 2026, 09:10 (America/New_York)`."""
    local = at.astimezone(zone(facts, playbook))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} ({local.tzinfo})"


def _wanted(
    facts: Facts,
    playbook: Playbook,
    earliest: datetime,
    latest: datetime,
    network_wait: bool,
    promised: date | None,
) -> Iterator[tuple[datetime, str]]:
    local = zone(facts, playbook)
    first_day, last_day = earliest.astimezone(local).date(), latest.astimezone(local).date()

    def morning(day: date) -> datetime:
        return _morning(facts, playbook, day, earliest)

    soonest = _legal(facts, playbook, earliest + _spread(facts))
    yield soonest, "soonest"
    if network_wait:
        yield soonest, "network_wait"
    yield morning(first_day), "bank_day_morning"
    anchor = max(earliest, facts.now + COOLING_OFF)
    yield _morning(facts, playbook, anchor.astimezone(local).date(), anchor), "after_three_days"
    if promised is not None and promised <= last_day:
        yield morning(promised + FULL_DAY), "promised_day"
    for day in earlier_success_days(facts, playbook, first_day, last_day)[:1]:
        yield morning(day), "earlier_success"
    coming = paydays(facts, playbook, first_day - FULL_DAY, last_day)
    for day, why in zip(coming, ("payday", "second_payday"), strict=False):
        yield morning(day + FULL_DAY), why  # the morning after: by then the money is booked
    yield _last_morning(facts, playbook, latest), "last_useful_day"


def _spread(facts: Facts) -> timedelta:
    """A few minutes that depend on the invoice alone: the same every time, different for each."""
    digest = hashlib.sha256(facts.invoice.id.encode()).digest()
    return timedelta(minutes=1 + digest[0] % SPREAD_MINUTES)


def _at(facts: Facts, playbook: Playbook, day: date, hour: int) -> datetime:
    local = datetime.combine(day, time(hour), tzinfo=zone(facts, playbook))
    return local.astimezone(UTC) + _spread(facts)


def _morning(facts: Facts, playbook: Playbook, day: date, earliest: datetime) -> datetime:
    """The first working morning on or after `day` that is not before `earliest`."""
    for _ in range(40):
        at = _at(facts, playbook, day, MORNING)
        if at >= earliest and _legal_day(facts, playbook, at):
            return at
        day += FULL_DAY
    return _at(facts, playbook, day, MORNING)


def _last_morning(facts: Facts, playbook: Playbook, latest: datetime) -> datetime:
    day = latest.astimezone(zone(facts, playbook)).date()
    for _ in range(20):
        at = _at(facts, playbook, day, MORNING)
        if at <= latest and _legal_day(facts, playbook, at):
            return at
        day -= FULL_DAY
    return _at(facts, playbook, day, MORNING)


def _legal(facts: Facts, playbook: Playbook, at: datetime) -> datetime:
    """`at` itself for a card; for a debit the first bank-day morning from then on."""
    if not is_debit(facts):
        return at
    local = at.astimezone(zone(facts, playbook))
    if _legal_day(facts, playbook, at) and 6 <= local.hour < 18:
        return at
    return _morning(facts, playbook, local.date(), at)


def _legal_day(facts: Facts, playbook: Playbook, at: datetime) -> bool:
    """Debits are asked for only where it is a bank day by the customer's calendar and by UTC's."""
    local = at.astimezone(zone(facts, playbook)).date()
    if not is_debit(facts):
        return is_retry_day(facts, local)
    return all(is_bank_day(facts, day) for day in {local, at.astimezone(UTC).date()})


def start_of(facts: Facts, playbook: Playbook, day: date) -> datetime:
    """Midnight at which this day begins for the customer."""
    return datetime.combine(day, time(0), tzinfo=zone(facts, playbook)).astimezone(UTC)


def legal_from(facts: Facts, playbook: Playbook, at: datetime) -> datetime:
    """The first instant from `at` on at which this may be charged: a debit's bank-day morning."""
    return _legal(facts, playbook, at)


def is_legal(facts: Facts, playbook: Playbook, at: datetime) -> bool:
    """May a retry be made on this day at all? Only bank debits have days on which it may not."""
    return not is_debit(facts) or _legal_day(facts, playbook, at)


def _merge(wanted: Iterable[tuple[datetime, str]]) -> list[tuple[datetime, tuple[str, ...]]]:
    merged: list[tuple[datetime, tuple[str, ...]]] = []
    for at, why in sorted(wanted):
        if merged and at - merged[-1][0] < NEAR:
            merged[-1] = (merged[-1][0], (*merged[-1][1], why))
        else:
            merged.append((at, (why,)))
    return [(at, tuple(sorted(set(why), key=WHY_ORDER.index))) for at, why in merged]


def _rank(why: tuple[str, ...]) -> int:
    return min(WHY_ORDER.index(name) for name in why)


# ── contact hours ───────────────────────────────────────────────────────────────────────


def contact_time(facts: Facts, playbook: Playbook, at: Utc) -> Utc:
    """The next instant at which this customer may be written to: their office hours and days."""
    opens, closes = playbook.contact.hours
    clock = zone(facts, playbook)
    ready = max(at, facts.now, _after_last_mail(facts, playbook))
    local = ready.astimezone(clock)
    for _ in range(60):
        moment = max(local, datetime.combine(local.date(), time(opens), tzinfo=clock))
        if is_business_day(facts, local.date()) and moment.hour < closes:
            return moment.astimezone(UTC)
        local = datetime.combine(local.date() + FULL_DAY, time(0), tzinfo=clock)
    return ready


def _after_last_mail(facts: Facts, playbook: Playbook) -> datetime:
    gap = timedelta(days=playbook.contact.min_gap_days)
    return max((mail.at + gap for mail in facts.customer_mails), default=facts.now)
