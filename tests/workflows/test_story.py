"""The story of a case, branch by branch: who was charged, who was mailed, how it ended."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError

from tests.workflows.conftest import Case, Recovery
from tests.workflows.outside import (
    SUBSCRIPTION_ENDED,
    VOID,
    Outside,
    escalate,
    link,
    retry,
    stop,
)
from workflows import steps
from workflows.case import Action, State
from workflows.steps import LetterKind, PayKind, PaymentState

HANDOFF, LINK, STAND_DOWN = LetterKind.HANDOFF, LetterKind.UPDATE_LINK, LetterKind.STAND_DOWN
APPROVAL, REMINDER = LetterKind.APPROVAL, LetterKind.REMINDER


# ── a smart retry ──────────────────────────────────────────────────────────────────────


async def test_a_retry_on_the_planned_day_recovers_the_money(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2)]
    case = await recovery.start()

    assert await case.outcome() == "recovered"
    assert outside.charges == [1]
    assert outside.mails == []


async def test_a_declined_retry_feeds_the_next_round(recovery: Recovery, outside: Outside) -> None:
    outside.plans = [retry(days=2), retry(days=4)]
    outside.bank = [PayKind.DECLINED, PayKind.PAID]
    case = await recovery.start()

    assert await case.outcome() == "recovered"
    assert outside.charges == [1, 2]
    assert (await case.status()).attempts == 2


async def test_a_customer_who_pays_while_we_wait_is_not_charged_again(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2)]
    case = await recovery.start()
    await case.reaches(State.WAITING_TO_RETRY)

    outside.pays()  # and the webhook is lost

    assert await case.outcome() == "paid_elsewhere"
    assert outside.charges == []


async def test_a_payment_that_stripe_tells_us_of_ends_the_wait_at_once(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=20)]
    case = await recovery.start()
    await case.reaches(State.WAITING_TO_RETRY)

    outside.pays()
    await case.stripe("invoice.paid")

    await case.reaches(State.CLOSED)
    assert await case.outcome() == "paid_elsewhere"


async def test_a_payment_between_recheck_and_charge_is_not_charged_again(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2)]
    outside.before(steps.PAY, outside.pays)
    case = await recovery.start()

    assert await case.outcome() == "paid_elsewhere"
    assert outside.charges == []


async def test_a_bank_debit_under_way_is_never_asked_for_again(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2)]
    outside.bank = [PayKind.PROCESSING]
    case = await recovery.start()
    for _ in range(3):  # three days of asking, then the bank has paid
        outside.before(steps.RECHECK, lambda: None)
    outside.before(steps.RECHECK, lambda: None)
    outside.before(steps.RECHECK, outside.pays)

    assert await case.outcome() == "recovered"
    assert outside.charges == [1]


async def test_a_debit_that_was_already_under_way_is_waited_for(
    recovery: Recovery, outside: Outside
) -> None:
    outside.payment = PaymentState.PROCESSING
    outside.after(steps.RECHECK, outside.pays)
    case = await recovery.start()

    assert await case.outcome() == "paid_elsewhere"
    assert outside.charges == []


async def test_rules_that_object_at_wake_up_stop_the_charge_and_the_case_decides_again(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2), escalate()]
    outside.objection = "a dispute was opened"
    case = await recovery.start()

    assert await case.outcome() == "exhausted"
    assert outside.charges == []


async def test_an_unclear_charge_ends_in_a_persons_hands(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2)]
    outside.bank = [PayKind.UNCLEAR]
    case = await recovery.start()
    await case.reaches(State.WAITING_TO_RETRY)
    await case.env.sleep(timedelta(days=2, hours=1))
    await case.reaches(State.AWAITING_CSM)

    assert outside.mails == [HANDOFF]


async def test_a_charge_that_fails_for_good_ends_in_a_persons_hands(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2)]
    outside.down = {"pay_invoice"}
    case = await recovery.start()

    assert await case.outcome() == "exhausted"
    assert HANDOFF in outside.mails


async def test_a_new_card_during_the_wait_is_decided_upon_at_once(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=20), retry(days=0.01)]
    case = await recovery.start()
    await case.reaches(State.WAITING_TO_RETRY)

    outside.card = "visa-2"
    await case.stripe("payment_method.attached")

    assert await case.outcome() == "recovered"
    assert len(outside.concluded) == 2
    assert outside.charges == [2]


async def test_an_event_that_changed_nothing_does_not_disturb_the_wait(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2)]
    case = await recovery.start()
    before = await case.reaches(State.WAITING_TO_RETRY)

    await case.stripe("invoice.updated", event="evt_1")
    await case.stripe("invoice.updated", event="evt_1")

    assert (await case.status()).next_action_at == before.next_action_at
    assert await case.outcome() == "recovered"
    assert len(outside.concluded) == 1


async def test_when_stripe_owns_the_retries_we_only_wait_for_them(
    recovery: Recovery, outside: Outside
) -> None:
    outside.ours = False
    outside.plans = [retry(days=2)]
    case = await recovery.start()
    await case.reaches(State.WAITING_TO_RETRY)
    outside.after(steps.RECHECK, outside.pays)

    assert await case.outcome() == "paid_elsewhere"
    assert outside.charges == []
    assert "take_ownership" not in outside.calls


# ── a self-serve link ──────────────────────────────────────────────────────────────────


async def test_a_link_goes_to_the_customer_and_the_csm_hears_of_it(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [link()]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CUSTOMER)

    outside.pays()
    await case.stripe("invoice.paid")

    assert await case.outcome() == "recovered"  # paid after our link went out
    assert outside.mails == [LINK, HANDOFF, STAND_DOWN]
    assert outside.notes == ["decided", "closed"]


async def test_a_link_is_held_for_the_customers_working_hours(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [link(days=1)]
    case = await recovery.start()
    status = await case.reaches(State.AWAITING_CUSTOMER)

    assert status.next_action is Action.SEND_UPDATE_LINK
    assert outside.mails == []
    await case.env.sleep(timedelta(days=1, minutes=1))
    while not outside.mails:
        await case.status()
    assert outside.mails[0] is LINK


async def test_a_payment_while_the_link_is_held_means_no_mail_at_all(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [link(days=1)]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CUSTOMER)
    outside.pays()
    await case.stripe("invoice.paid")

    assert await case.outcome() == "paid_elsewhere"
    assert outside.mails == []


async def test_a_new_card_after_the_link_is_charged_in_the_next_round(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [link(), retry(days=0.01)]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CUSTOMER)
    outside.card = "visa-2"
    await case.stripe("customer.updated")

    assert await case.outcome() == "recovered"
    assert outside.charges == [2]


async def test_an_unanswered_link_is_followed_by_another_decision(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [link(), escalate("CONTACT_FREQ_CAP")]
    case = await recovery.start()

    assert await case.outcome() == "exhausted"
    assert outside.mails == [LINK, HANDOFF, HANDOFF, REMINDER, REMINDER]


async def test_without_a_usable_address_a_link_becomes_a_handoff(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [link()]
    outside.blocked_mails = {LINK}
    case = await recovery.start()
    await case.reaches(State.AWAITING_CSM)

    assert outside.mails == [HANDOFF]


async def test_a_small_account_reaches_the_csm_only_when_the_link_waits_too_long(
    recovery: Recovery, outside: Outside
) -> None:
    outside.tell_csm = False
    outside.plans = [link(), escalate()]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CUSTOMER)
    assert outside.mails == [LINK]

    await case.env.sleep(timedelta(days=3, minutes=1))

    while HANDOFF not in outside.mails:
        await case.status()
    assert (await case.status()).state is State.AWAITING_CUSTOMER


# ── a handoff ──────────────────────────────────────────────────────────────────────────


async def test_an_escalation_reminds_and_ends_with_the_last_deadline(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [escalate()]
    case = await recovery.start()

    assert await case.outcome() == "exhausted"
    assert outside.mails == [HANDOFF, REMINDER, REMINDER]
    assert not outside.owned  # the retries went back to Stripe


async def test_a_csm_who_has_it_ends_the_case_and_keeps_the_retries_off(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [escalate()]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CSM)

    await case.handle.signal("approve", {"actor": "dana"})

    assert await case.outcome() == "handed_over"
    assert outside.owned
    assert STAND_DOWN not in outside.mails


async def test_a_csm_can_choose_another_action_instead(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [escalate()]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CSM)

    await case.handle.signal("approve", {"actor": "dana", "action": "schedule_retry"})

    assert await case.outcome() == "recovered"
    assert outside.mails == [HANDOFF, STAND_DOWN]


async def test_money_after_a_handoff_tells_the_csm_to_stand_down(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [escalate()]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CSM)
    while HANDOFF not in outside.mails:
        await case.status()
    outside.pays()
    await case.stripe("invoice.paid")

    assert await case.outcome() == "recovered"
    assert outside.mails == [HANDOFF, STAND_DOWN]


async def test_a_second_round_that_escalates_for_the_same_reason_does_not_mail_twice(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [escalate()]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CSM)
    outside.card = "visa-2"
    await case.stripe("payment_method.attached")

    assert await case.outcome() == "exhausted"
    assert outside.mails.count(HANDOFF) == 1


async def test_a_snoozed_handoff_reminds_later(recovery: Recovery, outside: Outside) -> None:
    outside.plans = [escalate()]
    case = await recovery.start()
    while (before := (await case.reaches(State.AWAITING_CSM)).next_action_at) is None:
        await asyncio.sleep(0)
    until = before + timedelta(days=2)

    await case.handle.signal("snooze", {"until": until.isoformat()})

    while (await case.status()).next_action_at != until:
        await asyncio.sleep(0)
    assert outside.mails == [HANDOFF]


# ── approval ───────────────────────────────────────────────────────────────────────────


async def test_a_large_charge_waits_for_approval_and_then_for_its_day(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2, approval="APPR_AMOUNT")]
    case = await recovery.start()
    status = await case.reaches(State.AWAITING_APPROVAL)
    assert status.pending_decision
    assert status.pending_decision.action is Action.SCHEDULE_RETRY

    await case.handle.signal("approve")

    await case.reaches(State.WAITING_TO_RETRY)
    assert outside.charges == []
    assert await case.outcome() == "recovered"
    assert [entry.event for entry in outside.entries if entry.actor == "someone"] == ["approved"]


@pytest.mark.parametrize("body", [(), ({"actor": "dana", "reason": "call first"},)])
async def test_a_rejection_ends_in_the_csms_hands_never_in_a_charge(
    recovery: Recovery, outside: Outside, body: tuple[dict[str, str], ...]
) -> None:
    outside.plans = [retry(days=2, approval="APPR_AMOUNT")]
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)

    await case.handle.signal("reject", args=list(body))

    await case.reaches(State.AWAITING_CSM)
    assert await case.outcome() == "exhausted"
    assert outside.charges == []
    assert HANDOFF in outside.mails


async def test_silence_counts_as_no(recovery: Recovery, outside: Outside) -> None:
    outside.plans = [retry(days=2, approval="APPR_AMOUNT")]
    case = await recovery.start()

    assert await case.outcome() == "exhausted"
    assert outside.charges == []
    assert outside.mails[:2] == [APPROVAL, HANDOFF]


async def test_a_payment_while_approval_is_pending_ends_the_case(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2, approval="APPR_AMOUNT")]
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)
    while APPROVAL not in outside.mails:
        await case.status()
    outside.pays()
    await case.stripe("invoice.paid")

    assert await case.outcome() == "paid_elsewhere"
    assert outside.mails == [APPROVAL, STAND_DOWN]


async def test_an_approver_can_take_another_action(recovery: Recovery, outside: Outside) -> None:
    outside.plans = [retry(days=2, approval="APPR_AMOUNT")]
    case = await recovery.start()
    await case.reaches(State.AWAITING_APPROVAL)
    await case.handle.signal("approve", {"action": "send_update_link", "actor": "dana"})

    await case.reaches(State.AWAITING_CUSTOMER)
    assert outside.charges == []
    while LINK not in outside.mails:
        await case.status()


async def test_a_snooze_gives_the_approver_more_time(recovery: Recovery, outside: Outside) -> None:
    outside.plans = [retry(days=2, approval="APPR_AMOUNT")]
    case = await recovery.start()
    before = await case.reaches(State.AWAITING_APPROVAL)
    while APPROVAL not in outside.mails:
        await case.status()
    until = (
        (before.pending_decision.expires_at + timedelta(days=5))
        if before.pending_decision
        else None
    )
    assert until
    await case.handle.signal("snooze", {"until": until.isoformat()})

    while (pending := (await case.status()).pending_decision) and pending.expires_at != until:
        await asyncio.sleep(0)
    assert pending


async def test_a_snooze_before_an_approval_does_not_delay_what_was_approved(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=2, approval="APPR_AMOUNT")]
    cases: list[Case] = []

    async def snooze_and_approve() -> None:
        while not cases:
            await asyncio.sleep(0)
        await cases[0].handle.signal("snooze")
        await cases[0].handle.signal("approve")

    outside.before(steps.SEND, snooze_and_approve)
    cases.append(await recovery.start())

    status = await cases[0].reaches(State.WAITING_TO_RETRY)
    assert status.next_action_at
    assert status.next_action_at == outside.planned[-1]


# ── endings ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ending", "outcome"), [(VOID, "not_collectible"), (SUBSCRIPTION_ENDED, "subscription_ended")]
)
async def test_what_is_settled_when_we_look_is_left_alone(
    recovery: Recovery, outside: Outside, ending: object, outcome: str
) -> None:
    outside.ending = ending  # type: ignore[assignment]
    case = await recovery.start()

    assert await case.outcome() == outcome
    assert outside.charges == []
    assert outside.mails == []
    assert "take_ownership" not in outside.calls


async def test_what_the_playbook_filters_out_is_left_to_stripe(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [stop()]
    case = await recovery.start()

    assert await case.outcome() == "not_collectible"
    assert outside.charges == []
    assert outside.mails == []
    assert not outside.owned


async def test_a_subscription_cancelled_mid_case_stands_the_csm_down(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [link()]
    case = await recovery.start()
    await case.reaches(State.AWAITING_CUSTOMER)
    outside.ending = SUBSCRIPTION_ENDED
    await case.stripe("customer.subscription.deleted")

    assert await case.outcome() == "subscription_ended"
    assert outside.mails == [LINK, HANDOFF, STAND_DOWN]


async def test_a_case_that_a_person_closed_stays_closed(
    recovery: Recovery, outside: Outside
) -> None:
    from workflows.case import Outcome

    outside.closed_before = Outcome.HANDED_OVER
    case = await recovery.start()

    assert await case.outcome() == "handed_over"
    assert outside.calls == ["open_case"]


PLANS = {
    State.WAITING_TO_RETRY: retry(days=2),
    State.AWAITING_APPROVAL: retry(days=2, approval="APPR_AMOUNT"),
    State.AWAITING_CUSTOMER: link(),
    State.AWAITING_CSM: escalate(),
}


@pytest.mark.parametrize("state", PLANS, ids=lambda state: state.value)
async def test_a_cancel_signal_ends_every_waiting_state_and_gives_the_retries_back(
    recovery: Recovery, outside: Outside, state: State
) -> None:
    outside.plans = [PLANS[state]]
    case = await recovery.start()
    await case.reaches(state)

    await case.handle.signal("cancel", {"actor": "dana", "reason": "wire on its way"})

    assert await case.outcome() == "cancelled"
    assert outside.charges == []
    assert not outside.owned
    assert "wire on its way" in outside.closed[0].entries[-1].detail


@pytest.mark.parametrize("state", PLANS, ids=lambda state: state.value)
async def test_temporals_own_cancel_cleans_up_and_ends_as_canceled(
    recovery: Recovery, outside: Outside, state: State
) -> None:
    outside.plans = [PLANS[state]]
    case = await recovery.start()
    await case.reaches(state)

    await case.handle.cancel()

    with pytest.raises(WorkflowFailureError):
        await case.outcome()
    assert outside.charges == []
    assert not outside.owned
    assert [close.outcome for close in outside.closed] == ["cancelled"]


async def test_a_case_that_never_opened_can_be_cancelled_in_temporal(
    recovery: Recovery, outside: Outside
) -> None:
    def our_database_is_down() -> None:
        outside.before(steps.OPEN_CASE, our_database_is_down)
        raise ConnectionError

    outside.before(steps.OPEN_CASE, our_database_is_down)
    case = await recovery.start()
    while "open_case" not in outside.calls:
        await asyncio.sleep(0)

    await case.handle.cancel()

    with pytest.raises(WorkflowFailureError):
        await case.outcome()
    assert "close_case" not in outside.calls


@pytest.mark.parametrize("step", [steps.RECHECK, steps.WEIGH, steps.CONCLUDE, steps.ANNOUNCE])
async def test_a_cancel_that_arrives_while_we_work_wins_before_the_next_act(
    recovery: Recovery, outside: Outside, step: steps.Step[steps.Noun, steps.Noun]
) -> None:
    outside.plans = [retry(days=0)]
    cases = []

    async def cancel() -> None:
        while not cases:
            await asyncio.sleep(0)
        await cases[0].handle.signal("cancel")

    outside.before(step, cancel)
    cases.append(await recovery.start())

    assert await cases[0].outcome() == "cancelled"
    assert outside.charges == []


async def test_a_cancel_during_the_charge_lets_it_finish_and_tells_the_truth(
    recovery: Recovery, outside: Outside
) -> None:
    outside.plans = [retry(days=0)]
    cases = []

    async def cancel() -> None:
        while not cases:
            await asyncio.sleep(0)
        await cases[0].handle.signal("cancel")

    outside.before(steps.PAY, cancel)
    cases.append(await recovery.start())

    assert await cases[0].outcome() == "recovered"
    assert outside.charges == [1]


# ── sources and the agent ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", ["billing", "crm"])
async def test_a_source_that_fails_is_missing_never_a_failed_case(
    recovery: Recovery, outside: Outside, source: str
) -> None:
    outside.plans = [retry(days=2)]
    outside.down = {f"gather_{source}"}
    case = await recovery.start()

    assert await case.outcome() == "recovered"
    assert outside.missing == (source,)


async def test_an_agent_that_is_down_leaves_the_decision_to_the_rules(
    recovery: Recovery, outside: Outside
) -> None:
    outside.model = True
    outside.plans = [link()]
    outside.down = {"propose", "write_letter_with_model"}
    outside.after(steps.SEND, outside.pays)
    case = await recovery.start()

    assert await case.outcome() == "recovered"
    assert outside.concluded[0].problem == "The agent did not answer in time."
    assert outside.calls.count("write_letter_from_template") >= 1


async def test_the_agent_looks_things_up_at_most_twice_and_four_times_in_all(
    recovery: Recovery, outside: Outside
) -> None:
    outside.model = True
    outside.plans = [retry(days=2)]
    case = await recovery.start()
    status = await case.status()
    wish = steps.LookUp(
        ref=steps.Ref(invoice=status.invoice, cycle=1, round=1, now=_now()),
        tool="read_note",
        evidence_id="NOTE.1",
    )
    outside.wishes = [(wish, wish, wish)] * 5

    assert await case.outcome() == "recovered"
    assert outside.calls.count("look_up") <= 4
    assert outside.calls.count("propose") <= 3


async def test_a_crm_that_is_down_delays_no_money(recovery: Recovery, outside: Outside) -> None:
    outside.plans = [retry(days=2)]
    outside.down = {"write_note", "announce_retry"}
    case = await recovery.start()

    assert await case.outcome() == "recovered"


def _now() -> steps.Utc:
    from datetime import UTC, datetime

    return datetime.now(UTC)
