"""Group 4: when this card or account is not asked again."""

from datetime import timedelta
from typing import Any

import pytest

from tests.policy.cases import (
    NOW,
    ach,
    attempt,
    card,
    codes,
    debit_return,
    facts,
    failure,
    invoice,
    narrow,
    sepa,
)
from tests.policy.shipped import declines, playbook
from workflows import policy
from workflows.case import Action
from workflows.declines import MASTERCARD_ADVICE, VISA_NEVER
from workflows.facts import BankAttempt
from workflows.nouns import InvoiceId

RETRY = Action.SCHEDULE_RETRY
OTHER = InvoiceId("in_other")
NEVER: dict[str, dict[str, Any]] = {
    "NORETRY_NOT_OPEN": {"invoice": invoice(status="mystery")},
    "NORETRY_PROCESSING": {"invoice": invoice(payment_intent_status="processing")},
    "NORETRY_NO_PAYMENT_METHOD": {"payment_method": None},
    "NORETRY_BLOCKED": {
        "failure": failure("generic_decline", network_status="not_sent_to_network")
    },
    "NORETRY_ADVICE_CODE": {"failure": failure(advice_code="do_not_try_again")},
    "NORETRY_NETWORK_ADVICE": {
        "failure": failure(network_advice_code="03"),
        "payment_method": card(brand="mastercard"),
    },
    "NORETRY_VISA_CATEGORY": {"failure": failure("do_not_honor", network_decline_code="46")},
    "NORETRY_AUTH_REQUIRED": {"failure": failure("authentication_required")},
    "NORETRY_EXPIRED_UNCHANGED": {"failure": failure("expired_card")},
    "NORETRY_HARD_DECLINE": {"failure": failure("transaction_not_allowed")},
    "NORETRY_RATE_LIMITED": {"failure": failure(None, code="card_decline_rate_limit_exceeded")},
    "NORETRY_DUPLICATE": {"failure": failure("duplicate_transaction")},
    "NORETRY_OUR_SIDE": {"failure": failure("invalid_amount")},
    "NORETRY_INDIA_CARD": {"payment_method": card(country="IN")},
    "NORETRY_BANK_DEBIT_RETURN": {
        "failure": debit_return("account_closed"),
        "payment_method": ach(),
    },
    "NORETRY_BANK_REINIT_CAP": {
        "failure": debit_return(),
        "payment_method": ach(),
        "invoice": invoice(attempt_count=3),
    },
    "NORETRY_CODE_CAP": {
        "failure": failure("generic_decline"),
        "invoice": invoice(attempt_count=3),
    },
    "NORETRY_ATTEMPT_CAP": {"invoice": invoice(attempt_count=8)},
    "NORETRY_OUR_CAP": {"our_attempts": 4},
    "NORETRY_CARD_CAP": {"attempts": tuple(attempt(day, OTHER) for day in range(2, 12))},
}


@pytest.mark.parametrize("code", NEVER)
def test_each_rule_forbids_the_retry_and_says_so(code: str) -> None:
    options = narrow(**NEVER[code])

    assert RETRY not in options.allowed
    assert options.slots == ()
    assert code in codes(options)


def test_every_rule_of_the_group_is_tried_above() -> None:
    tried_elsewhere = {"NORETRY_STRIPE_HAS_NO_PLAN"}

    group = {rule.code for rule in policy.RULES if rule.group is policy.Group.NEVER_RETRY}

    assert group == set(NEVER) | tried_elsewhere


CARD_BOUND = [
    "NORETRY_BLOCKED",
    "NORETRY_ADVICE_CODE",
    "NORETRY_NETWORK_ADVICE",
    "NORETRY_VISA_CATEGORY",
    "NORETRY_AUTH_REQUIRED",
    "NORETRY_EXPIRED_UNCHANGED",
    "NORETRY_HARD_DECLINE",
    "NORETRY_RATE_LIMITED",
    "NORETRY_CODE_CAP",
]


@pytest.mark.parametrize("code", CARD_BOUND)
def test_a_new_card_lifts_what_was_said_about_the_old_one(code: str) -> None:
    changes = NEVER[code] | {"payment_method": card(updated_at=NOW - timedelta(minutes=1))}

    options = narrow(**changes)

    assert options.default is RETRY
    assert "new_card" in options.slots[0].why
    assert options.slots[0].at == NOW + timedelta(minutes=15)


def test_a_card_renewed_by_the_network_may_be_asked_at_once_but_nobody_is_waiting() -> None:
    renewed = card(exp_year=2031, updated_at=NOW, updated_by="network_updater")

    options = narrow(failure=failure("expired_card"), payment_method=renewed)

    assert options.default is RETRY
    assert "new_card" in options.slots[0].why
    default = options.slot(options.default_slot)
    assert default is not None
    assert default.at >= NOW + timedelta(hours=24)


def test_a_replaced_card_that_is_itself_expired_is_not_charged() -> None:
    expired = card(exp_month=5, exp_year=2026, updated_at=NOW)

    assert RETRY not in narrow(payment_method=expired).allowed


@pytest.mark.parametrize("row", declines(), ids=lambda row: row.code)
def test_the_table_is_obeyed_for_each_of_its_codes(row: Any) -> None:
    """A new row forces a decision: its category and its `retry_off_session` must agree."""
    options = narrow(failure=failure(row.code))

    if row.retry_off_session == "no":
        assert RETRY not in options.allowed
    elif row.category == "soft":
        assert RETRY in options.allowed


@pytest.mark.parametrize("code", MASTERCARD_ADVICE)
def test_mastercards_advice_is_obeyed_on_a_mastercard_only(code: str) -> None:
    said = failure(network_advice_code=code)

    on_mastercard = narrow(failure=said, payment_method=card(brand="mastercard"))
    on_visa = narrow(failure=said)

    assert (RETRY in on_mastercard.allowed) is MASTERCARD_ADVICE[code].again
    assert RETRY in on_visa.allowed


@pytest.mark.parametrize("code", sorted(VISA_NEVER))
def test_a_visa_never_code_forbids_the_retry_on_a_visa_only(code: str) -> None:
    said = failure("do_not_honor", network_decline_code=code)

    assert RETRY not in narrow(failure=said).allowed
    if code not in ("R0", "R1", "R3"):
        assert RETRY in narrow(failure=said, payment_method=card(brand="amex")).allowed


@pytest.mark.parametrize("code", ["", "zz_unheard_of", "🙈", "x" * 500])
def test_a_code_nobody_has_seen_is_asked_once_more_and_no_more(code: str) -> None:
    said = failure(code or None, code="card_declined" if code else "unheard_of_error")

    assert RETRY in narrow(failure=said).allowed
    assert RETRY not in narrow(failure=said, invoice=invoice(attempt_count=2)).allowed


def test_ach_may_be_presented_twice_more_and_sepa_once() -> None:
    short = debit_return()

    second = narrow(failure=short, payment_method=ach(), invoice=invoice(attempt_count=2))
    assert RETRY in second.allowed
    sepa_again = narrow(failure=short, payment_method=sepa(), invoice=invoice(attempt_count=2))
    assert RETRY not in sepa_again.allowed


def test_what_stripe_blocked_counts_for_no_cap() -> None:
    blocked = tuple(
        BankAttempt(**attempt(day, OTHER).model_dump() | {"reached_network": False})
        for day in range(2, 13)
    )

    assert RETRY in narrow(attempts=blocked).allowed


def test_with_stripe_as_owner_a_retry_means_stripes_own_next_one() -> None:
    stripes = playbook().model_copy(
        update={"retries": playbook().retries.model_copy(update={"owner": "stripe"})}
    )
    planned = facts(
        invoice=invoice(auto_advance=True, next_payment_attempt=NOW + timedelta(days=3))
    )

    options = policy.narrow(planned, stripes)

    assert [slot.at for slot in options.slots] == [NOW + timedelta(days=3)]
    assert RETRY not in policy.narrow(facts(), stripes).allowed


def test_a_processing_payment_is_waited_for_and_nobody_is_bothered() -> None:
    under_way = facts(invoice=invoice(payment_intent_status="processing"))

    for action in (RETRY, Action.SEND_UPDATE_LINK):
        permit = policy.permits(under_way, action, playbook())
        assert not permit.ok
        assert permit.reason is not None
        assert permit.reason.code == "NORETRY_PROCESSING"
