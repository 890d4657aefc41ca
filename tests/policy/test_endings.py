"""Group 1: when an invoice needs us no more."""

from datetime import timedelta
from typing import Any

import pytest

from tests.policy.cases import NOW, decide, facts, invoice, subscription, usd
from workflows import policy
from workflows.case import Action, DecidedBy, Outcome

ENDED: dict[str, tuple[dict[str, Any], Outcome]] = {
    "STOP_TEST_MODE": ({"invoice": invoice(livemode=False)}, Outcome.NOT_COLLECTIBLE),
    "STOP_ALREADY_PAID": ({"invoice": invoice(status="paid")}, Outcome.PAID_ELSEWHERE),
    "STOP_INVOICE_CLOSED": ({"invoice": invoice(status="void")}, Outcome.NOT_COLLECTIBLE),
    "STOP_INVOICE_DRAFT": ({"invoice": invoice(status="draft")}, Outcome.NOT_COLLECTIBLE),
    "STOP_INCOMPLETE_FIRST_INVOICE": (
        {"subscription": subscription(status="incomplete")},
        Outcome.NOT_COLLECTIBLE,
    ),
    "STOP_SUBSCRIPTION_CANCELED": (
        {"subscription": subscription(status="canceled")},
        Outcome.SUBSCRIPTION_ENDED,
    ),
    "STOP_COLLECTION_PAUSED": (
        {"subscription": subscription(collection_paused=True)},
        Outcome.NOT_COLLECTIBLE,
    ),
}


@pytest.mark.parametrize("code", ENDED)
def test_each_ending_has_its_code_and_its_outcome(code: str) -> None:
    changes, outcome = ENDED[code]

    ending = policy.ending(facts(**changes))

    assert ending is not None
    assert (ending.code, ending.outcome) == (code, outcome)


@pytest.mark.parametrize("code", ENDED)
def test_an_ended_invoice_is_left_alone_whatever_anyone_proposes(code: str) -> None:
    changes, _ = ENDED[code]

    verdict = decide(**changes)

    assert verdict.action is Action.STOP
    assert verdict.decided_by is DecidedBy.POLICY
    assert not verdict.approval


def test_every_ending_is_tried_above() -> None:
    assert set(ENDED) == {rule.code for rule in policy.ENDINGS}


def test_an_open_invoice_with_nothing_left_counts_as_paid() -> None:
    ending = policy.ending(facts(invoice=invoice(remaining=usd(0))))

    assert ending is not None
    assert ending.code == "STOP_ALREADY_PAID"


def test_a_pause_that_is_over_stops_nothing() -> None:
    over = subscription(collection_paused=True, resumes_at=NOW - timedelta(days=1))

    assert policy.ending(facts(subscription=over)) is None


def test_an_invoice_without_a_subscription_is_collected() -> None:
    assert policy.ending(facts(subscription=None)) is None


def test_endings_need_the_stripe_part_only() -> None:
    bare = facts(billing=None, crm=None, failure=None, payment_method=None)

    assert policy.ending(bare) is None
