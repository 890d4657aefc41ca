"""Group 5 and the slots: when a retry may be made, and when it is likely to work."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.policy.cases import (
    FAILED,
    NOW,
    ach,
    attempt,
    billing,
    card,
    codes,
    crm,
    customer,
    debit_return,
    facts,
    failure,
    invoice,
    narrow,
    note,
    sepa,
    subscription,
    usd,
)
from tests.policy.shipped import playbook
from workflows import policy, timing
from workflows.case import Action, Slot
from workflows.facts import Facts, PaidInvoice, PastRecovery
from workflows.nouns import InvoiceId

NEW_YORK = ZoneInfo("America/New_York")
MASTERCARD = card(brand="mastercard")


def slots(now: datetime, **changes: object) -> tuple[Slot, ...]:
    failed = now - timedelta(minutes=6)
    said = changes.pop("failure", failure())
    whole = {
        "now": now,
        "failure": said.model_copy(update={"failed_at": failed}),  # type: ignore[attr-defined]
        "invoice": changes.pop("invoice", invoice(created=now - timedelta(hours=1))),
        "subscription": subscription(current_period_end=now + timedelta(days=30)),
    }
    return policy.narrow(facts(**whole | changes), playbook()).slots


def with_why(found: tuple[Slot, ...], why: str) -> Slot:
    return next(slot for slot in found if why in slot.why)


# ── gaps and waits ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("advice", "hours"),
    [("24", 24), ("25", 24), ("26", 48), ("27", 96), ("28", 144), ("29", 192), ("30", 240)],
)
def test_mastercards_wait_is_kept_and_never_shortens_our_own(advice: str, hours: int) -> None:
    options = narrow(
        failure=failure(network_advice_code=advice, advice_code="try_again_later"),
        payment_method=MASTERCARD,
    )

    assert options.slots[0].at >= NOW + timedelta(hours=hours)
    assert "CLAMP_NETWORK_WAIT" in codes(options)


def test_a_technical_fault_is_tried_again_after_an_hour() -> None:
    first = narrow(failure=failure("processing_error")).slots[0]

    assert timedelta(hours=1) <= first.at - NOW <= timedelta(hours=2)


def test_one_card_is_asked_once_a_day_over_all_invoices() -> None:
    this_morning = attempt(0.1, InvoiceId("in_other"))

    first = narrow(failure=failure("processing_error"), attempts=(this_morning,)).slots[0]

    assert first.at >= this_morning.at + timedelta(hours=24)


def test_stripes_own_retry_is_kept_clear_of() -> None:
    planned = invoice(auto_advance=True, next_payment_attempt=NOW + timedelta(hours=2))

    options = narrow(invoice=planned, failure=failure("processing_error"))

    assert "CLAMP_STRIPE_SCHEDULE_CONFLICT" in codes(options)
    assert options.slots[0].at >= NOW + timedelta(hours=2 + 24)


def test_an_old_failure_has_already_waited() -> None:
    two_days_ago = failure(failed_at=NOW - timedelta(days=2))

    assert narrow(failure=two_days_ago).slots[0].at <= NOW + timedelta(hours=1)


# ── bank days ───────────────────────────────────────────────────────────────────────────


def test_a_debit_skips_the_weekend_and_labor_day() -> None:
    friday = datetime(2026, 9, 4, 18, tzinfo=UTC)

    found = slots(friday, payment_method=ach(), failure=debit_return())

    # Friday's return + 2 bank days: Monday 7 is a federal holiday, so Tuesday 8 and Wednesday 9.
    assert found[0].at.astimezone(NEW_YORK).date() == date(2026, 9, 9)
    for slot in found:
        assert slot.at.astimezone(NEW_YORK).weekday() < 5


def test_the_federal_reserve_works_on_the_friday_before_a_saturday_holiday() -> None:
    calendar = timing.bank_calendar("usd", 2026)

    assert calendar.works(date(2026, 7, 3))  # Independence Day is Saturday 4 July 2026
    assert not calendar.works(date(2026, 11, 26))


def test_target_is_closed_on_good_friday_and_easter_monday() -> None:
    calendar = timing.bank_calendar("eur", 2026)

    assert not calendar.works(date(2026, 4, 3))
    assert not calendar.works(date(2026, 4, 6))
    assert calendar.works(date(2026, 10, 3)) or date(2026, 10, 3).weekday() == 5


def test_sepa_waits_three_days_at_least() -> None:
    monday = datetime(2026, 2, 2, 9, tzinfo=UTC)
    berlin = customer(timezone="Europe/Berlin", country="DE")

    found = slots(
        monday,
        payment_method=sepa(),
        failure=debit_return(),
        customer=berlin,
        invoice=invoice(amount=usd(1).model_copy(update={"currency": "eur"}), created=monday),
    )

    assert found[0].at >= monday + timedelta(hours=72)


# ── paydays, habits, promises ───────────────────────────────────────────────────────────


def test_short_of_funds_two_days_before_month_end_waits_for_the_money() -> None:
    monday = datetime(2026, 6, 29, 14, tzinfo=UTC)

    found = slots(monday)

    # The last business day is Tuesday 30 June; by Wednesday morning the money is booked.
    payday = with_why(found, "payday").at.astimezone(NEW_YORK)
    assert (payday.date(), payday.hour) == (date(2026, 7, 1), 9)


def test_the_day_of_month_on_which_earlier_failures_came_right_is_learnt() -> None:
    past = tuple(
        PastRecovery(
            failed_at=datetime(2026, month, 2, 8, tzinfo=UTC),
            recovered_at=datetime(2026, month, 5, 15, tzinfo=UTC),
            via="retry",
        )
        for month in (2, 3, 4)
    )

    found = slots(datetime(2026, 5, 2, 9, tzinfo=UTC), billing=billing(prior_recoveries=past))

    assert with_why(found, "earlier_success").at.astimezone(NEW_YORK).date() == date(2026, 5, 5)


def test_a_payday_of_their_own_shows_in_when_they_paid_late() -> None:
    paid = tuple(
        PaidInvoice(
            number=None,
            amount=usd(199),
            created=datetime(2026, month, 20, tzinfo=UTC),
            paid_at=datetime(2026, month, 25, 12, tzinfo=UTC),
            attempts=2,
        )
        for month in (2, 3, 4)
    )
    known = facts(billing=billing(paid_invoices=paid))

    found = timing.paydays(known, playbook(), date(2026, 6, 16), date(2026, 6, 29))

    assert date(2026, 6, 25) in found


def test_a_promised_day_is_waited_for() -> None:
    promised = note("Spoke to Ada: please retry the card on 18 June, funds will be there.")

    options = narrow(crm=crm(notes=(promised,)))

    assert options.slots[0].at.astimezone(NEW_YORK).date() >= date(2026, 6, 18)
    assert "CLAMP_PROMISED_DAY" in codes(options)
    default = options.slot(options.default_slot)
    assert default is not None
    assert "promised_day" in default.why


# ── the list itself ─────────────────────────────────────────────────────────────────────


def test_slots_are_sorted_numbered_ahead_and_at_most_six() -> None:
    found = narrow().slots

    assert [slot.slot_id for slot in found] == [f"S{n}" for n in range(1, len(found) + 1)]
    assert [slot.at for slot in found] == sorted(slot.at for slot in found)
    assert len(found) <= 6
    assert all(slot.at > NOW for slot in found)


def test_the_last_slot_is_before_the_card_ends() -> None:
    ends_in_june = card(exp_month=6, exp_year=2026)

    assert all(
        slot.at < datetime(2026, 7, 1, tzinfo=UTC)
        for slot in narrow(payment_method=ends_in_june).slots
    )


def test_slots_end_before_the_paid_period_does() -> None:
    soon = subscription(current_period_end=NOW + timedelta(days=12))

    assert all(slot.at <= NOW + timedelta(days=11) for slot in narrow(subscription=soon).slots)


def test_two_invoices_are_not_retried_in_the_same_minute() -> None:
    minutes = {narrow(invoice=invoice(id=InvoiceId(f"in_{n}"))).slots[0].at for n in range(20)}

    assert len(minutes) > 5


def test_a_morning_stays_a_morning_when_the_clocks_change() -> None:
    before = datetime(2026, 10, 30, 13, tzinfo=UTC)  # New York goes back on Sunday 1 November

    for slot in slots(before):
        local = slot.at.astimezone(NEW_YORK)
        assert local.hour == 9 or "soonest" in slot.why


def test_an_unknown_time_zone_falls_back_to_the_country_then_the_card_then_ours() -> None:
    lost = customer(timezone="Mars/Olympus", country="JP")
    nowhere = customer(timezone=None, country=None)

    assert str(timing.zone(facts(customer=lost), playbook())) == "Asia/Tokyo"
    assert str(timing.zone(facts(customer=nowhere), playbook())) == "America/New_York"
    assert str(timing.zone(facts(customer=nowhere, payment_method=None), playbook())) == "UTC"


# ── contact hours ───────────────────────────────────────────────────────────────────────


def contact(now: datetime, **changes: object) -> datetime:
    known: Facts = facts(now=now, failure=failure(failed_at=now), **changes)
    return timing.contact_time(known, playbook(), now)


def test_in_office_hours_a_customer_is_written_to_at_once() -> None:
    assert contact(NOW) == NOW


def test_at_night_the_mail_waits_for_the_morning() -> None:
    night = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)  # 23:00 on Tuesday in New York

    assert contact(night) == datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def test_after_hours_on_friday_it_waits_for_monday() -> None:
    friday = datetime(2026, 6, 12, 23, 0, tzinfo=UTC)

    assert contact(friday) == datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def test_in_the_gulf_friday_is_the_weekend_and_sunday_is_not() -> None:
    bahrain = customer(timezone="Asia/Bahrain", country="BH")

    friday = datetime(2026, 6, 12, 8, 0, tzinfo=UTC)
    sunday = datetime(2026, 6, 14, 8, 0, tzinfo=UTC)

    assert contact(friday, customer=bahrain) == datetime(2026, 6, 14, 5, 0, tzinfo=UTC)
    assert contact(sunday, customer=bahrain) == sunday


def test_nobody_is_written_to_on_a_public_holiday() -> None:
    labor_day = datetime(2026, 9, 7, 15, 0, tzinfo=UTC)

    assert contact(labor_day).astimezone(NEW_YORK).date() == date(2026, 9, 8)


def test_a_country_nobody_knows_has_weekends_at_least() -> None:
    nowhere = customer(timezone="UTC", country="ZZ")
    saturday = datetime(2026, 6, 13, 10, 0, tzinfo=UTC)

    assert contact(saturday, customer=nowhere) == datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


def test_the_failure_is_counted_from_when_it_happened_at_a_wake_up() -> None:
    at = FAILED + timedelta(hours=24)

    early = policy.permits(facts(now=at - timedelta(minutes=1)), Action.SCHEDULE_RETRY, playbook())
    on_time = policy.permits(facts(now=at), Action.SCHEDULE_RETRY, playbook())

    assert not early.ok
    assert early.not_before == at
    assert on_time.ok
