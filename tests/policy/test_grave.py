"""Groups 2 and 3: a person takes over, and no model takes it back."""

from typing import Any

import pytest

from tests.policy.cases import (
    NOW,
    billing,
    card,
    codes,
    crm,
    decide,
    dispute,
    failure,
    narrow,
    note,
    ticket,
    usd,
)
from workflows.case import Action, DecidedBy, Proposal
from workflows.facts import PaidInvoice

MASTERCARD = {"payment_method": card(brand="mastercard")}
GRAVE: dict[str, dict[str, Any]] = {
    "ESC_LEGAL_SENSITIVE": {"crm": crm(notes=(note("Chapter 11 filed, automatic stay."),))},
    "ESC_OPEN_DISPUTE": {"disputes": (dispute("needs_response"),)},
    "ESC_FRAUD_SIGNAL": {"failure": failure("fraudulent")},
    "ESC_AUTH_REVOKED": {"failure": failure("revocation_of_authorization")},
    "ESC_NETWORK_REVIEW": {"failure": failure(network_advice_code="42"), **MASTERCARD},
    "ESC_PAYMENT_CLAIM_UNVERIFIED": {"crm": crm(notes=(note("They already paid by wire."),))},
    "ESC_BILLING_DISPUTED": {"crm": crm(tickets=(ticket("You charged us twice!"),))},
    "ESC_BILLING_SAYS_PAID": {
        "billing": billing(
            paid_invoices=(
                PaidInvoice(number="N-0007", amount=usd(199), created=NOW, paid_at=NOW, attempts=1),
            )
        )
    },
}


@pytest.mark.parametrize("code", GRAVE)
def test_only_a_person_may_act(code: str) -> None:
    options = narrow(**GRAVE[code])

    assert options.allowed == (Action.ESCALATE_NOW,)
    assert code in codes(options)


@pytest.mark.parametrize("code", GRAVE)
@pytest.mark.parametrize("action", [Action.SCHEDULE_RETRY, Action.SEND_UPDATE_LINK])
def test_no_model_and_no_person_takes_it_back(code: str, action: Action) -> None:
    for by in (DecidedBy.MODEL, DecidedBy.PERSON):
        verdict = decide(Proposal(action=action, slot_id="S1", by=by), **GRAVE[code])

        assert verdict.action is Action.ESCALATE_NOW
        assert verdict.blocked[0].action is action


@pytest.mark.parametrize("code", [code for code in GRAVE if code != "ESC_AUTH_REVOKED"])
def test_a_new_card_changes_nothing_about_it(code: str) -> None:
    new = card(id="pm_new", fingerprint="fp_new", brand="mastercard")
    changes = GRAVE[code] | {"payment_method": new}
    said = changes.get("failure", failure())
    changes["failure"] = said.model_copy(update={"payment_method": "pm_old"})

    assert narrow(**changes).allowed == (Action.ESCALATE_NOW,)


def test_a_new_card_of_a_customer_who_had_revoked_may_be_charged() -> None:
    revoked = failure("revocation_of_authorization", payment_method="pm_old")

    assert Action.SCHEDULE_RETRY in narrow(failure=revoked).allowed


def test_a_card_renewed_by_the_network_does_not_undo_a_revocation() -> None:
    revoked = failure("revocation_of_authorization")
    renewed = card(updated_at=NOW, updated_by="network_updater")

    assert narrow(failure=revoked, payment_method=renewed).allowed == (Action.ESCALATE_NOW,)


@pytest.mark.parametrize("status", ["won", "lost", "warning_closed"])
def test_a_closed_dispute_blocks_nothing(status: str) -> None:
    assert Action.SCHEDULE_RETRY in narrow(disputes=(dispute(status),)).allowed


def test_a_dispute_status_nobody_knows_counts_as_open() -> None:
    assert narrow(disputes=(dispute("arbitration"),)).allowed == (Action.ESCALATE_NOW,)


def test_do_not_contact_forbids_the_mail_and_not_the_charge() -> None:
    options = narrow(crm=crm(do_not_contact=True))

    assert options.allowed == (Action.SCHEDULE_RETRY, Action.ESCALATE_NOW)


def test_a_marketing_opt_out_forbids_nothing() -> None:
    assert Action.SEND_UPDATE_LINK in narrow(crm=crm(marketing_opt_out=True)).allowed


def test_no_sentence_names_what_must_not_be_named() -> None:
    for code in ("lost_card", "stolen_card", "pickup_card", "fraudulent", "security_violation"):
        said = " ".join(reason.text for reason in narrow(failure=failure(code)).reasons).lower()

        for word in ("lost", "stolen", "pickup", "fraud", "suspicious", "risk score", "security"):
            assert word not in said


def test_a_withdrawn_permission_outlives_the_card_it_was_said_of() -> None:
    said = failure("do_not_honor", network_decline_code="R1")

    verdict = decide(failure=said, payment_method=None)

    assert verdict.action is Action.ESCALATE_NOW
    assert "ESC_AUTH_REVOKED" in {reason.code for reason in verdict.reasons}
