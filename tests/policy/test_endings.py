"""Group 1: when an invoice needs us no more."""

from datetime import timedelta
from typing import Any

import pytest

from tests.policy.cases import NOW, billing, decide, facts, invoice, subscription, usd
from tests.policy.shipped import playbook
from workflows import policy
from workflows.case import Action, DecidedBy, Outcome, Proposal
from workflows.money import Money
from workflows.playbook import Filters, Playbook

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


# ── what the playbook leaves to Stripe ──────────────────────────────────────────────────


def with_filters(**filters: Any) -> Playbook:
    return playbook().model_copy(update={"filters": Filters(**filters)})


def test_an_invoice_below_the_least_amount_is_left_to_stripe_with_the_numbers() -> None:
    small = facts(invoice=invoice(amount=usd(4)))

    verdict = policy.policy(small, None, with_filters(min_amount_usd=5))

    assert verdict.action is Action.STOP
    assert not verdict.approval
    assert [(r.code, r.text) for r in verdict.reasons] == [
        (
            "STOP_FILTERED",
            "4.00 USD is worth 4.00 USD; invoices below 5 USD are left to Stripe.",
        )
    ]


def test_an_invoice_of_the_least_amount_is_worth_a_case() -> None:
    enough = facts(invoice=invoice(amount=usd(5)))

    assert policy.policy(enough, None, with_filters(min_amount_usd=5)).action is not Action.STOP


def test_a_plan_that_is_skipped_is_left_to_stripe_however_it_is_spelt() -> None:
    free = facts(billing=billing(tier="Free"))

    options = policy.narrow(free, with_filters(skip_plan_tiers=("FREE",)))

    assert options.allowed == (Action.STOP,)
    assert options.default is Action.STOP
    assert options.reasons[0].text == "Invoices of the free plan are left to Stripe."


@pytest.mark.parametrize(
    "unknown",
    [
        {"invoice": invoice(amount=Money(amount=1, currency="xof"))},
        {"billing": None},
        {"billing": billing(tier=None)},
    ],
)
def test_what_cannot_be_told_is_never_filtered(unknown: dict[str, Any]) -> None:
    known = facts(billing=None) if "invoice" in unknown else facts()
    of = with_filters(min_amount_usd=0.01, skip_plan_tiers=("growth",))

    verdict = policy.policy(known.model_copy(update=unknown), None, of)

    assert verdict.action is not Action.STOP


def test_the_shipped_playbook_filters_nothing() -> None:
    penny = facts(invoice=invoice(amount=Money(amount=1, currency="usd")))

    assert policy.policy(penny, None, playbook()).action is not Action.STOP


@pytest.mark.parametrize("action", [Action.SCHEDULE_RETRY, Action.SEND_UPDATE_LINK])
def test_nobodys_wish_charges_or_mails_what_is_filtered(action: Action) -> None:
    of = with_filters(min_amount_usd=1_000)
    wish = Proposal(action=action, slot_id="S1", by=DecidedBy.PERSON)

    verdict = policy.clamp(facts(), policy.narrow(facts(), playbook()), wish, of)
    permit = policy.permits(facts(), action, of)

    assert verdict.action is Action.STOP
    assert permit.reason is not None
    assert permit.reason.code == "STOP_FILTERED"
    assert not permit.ok
