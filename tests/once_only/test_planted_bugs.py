"""A test of the tests: eight classic bugs are planted, one at a time, and a proof turns red.

Each bug is a patch that lives here only. `caught` runs a proof that passes on the real code
(elsewhere in this suite, under the same name) and demands that it fails.
"""

import asyncio
import secrets
from collections.abc import Awaitable
from typing import Any

import pytest
import stripe
from hypothesis import Phase
from temporalio.common import WorkflowIDReusePolicy

from activities import failpoints
from activities.ledger import Effect, EffectId, Ledger
from activities.outlook import OutlookActivities
from activities.records import Records
from activities.stripe import StripeActivities
from sandbox.control import Sandbox
from starter import temporal
from starter.pay import PayPage
from tests.activities import test_outlook
from tests.activities.people import Objections
from tests.activities.test_outlook import clock, outlook, recheck, sandbox  # noqa: F401
from tests.fixtures.installation import Installation
from tests.once_only import test_crash_points, test_duplicates, test_property
from tests.once_only.conftest import Company
from tests.once_only.test_property import story  # noqa: F401
from tests.starter import test_pay
from tests.starter.conftest import Site, site  # noqa: F401
from tests.workflows.conftest import Recovery, outside, recovery  # noqa: F401
from tests.workflows.outside import Outside
from workflows.messages import Inbox
from workflows.steps import Send, SendKind, SendResult

SIZE = {
    "max_examples": 300,
    "stateful_step_count": 30,
    "phases": (Phase.generate,),  # found is enough: it need not be made small
    "report_multiple_bugs": False,
}


def breaks_the_property(story: Any) -> bool:  # noqa: F811
    """A random key cannot be played again exactly; Hypothesis then wraps the failure it saw."""
    try:
        test_property.play(story, **SIZE)
    except Exception as error:
        return _tells_of_a_broken_invariant(error)
    return False


def _tells_of_a_broken_invariant(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_tells_of_a_broken_invariant, error.exceptions))
    return isinstance(error, AssertionError)


def a_request_is_only_late(story: Any) -> None:  # noqa: F811
    """The one story of the property test that this bug needs: chance alone finds it seldom."""
    told = story()
    told.stripe_will_misbehave("late")
    told.temporal_tries_the_charge(None)
    told.temporal_tries_the_charge(None)
    told.each_decision_reaches_the_bank_once()


async def caught(proof: Awaitable[None]) -> None:
    """The proof must fail, by its own assertion."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await proof


# ── paying ──────────────────────────────────────────────────────────────────────────────


def test_a_random_key_is_caught(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Each try has a key of its own: Stripe cannot know that it is the same charge."""
    monkeypatch.setattr(Effect, "key", property(lambda _: "d1:" + secrets.token_hex(20)))

    assert breaks_the_property(story)


def test_a_new_key_after_a_time_out_is_caught(
    story: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first request was only late: both are carried out."""
    real = StripeActivities._refused

    async def impatient(
        self: StripeActivities, effect: Effect, error: stripe.StripeError, *rest: Any
    ) -> Any:
        if error.http_status is None:
            await self._ledger.new_epoch(effect, "it timed out")
        return await real(self, effect, error, *rest)

    a_request_is_only_late(story)
    monkeypatch.setattr(StripeActivities, "_refused", impatient)

    with pytest.raises(AssertionError):
        a_request_is_only_late(story)


# ── mailing ─────────────────────────────────────────────────────────────────────────────


async def test_a_one_shot_send_is_caught(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `sendMail` works: each call is a mail, and no draft shows that it was sent."""

    async def one_shot(self: OutlookActivities, order: Send) -> SendResult:
        letter = await self._letter(order)
        row = await self._ledger.intend(
            EffectId(
                invoice=order.ref.invoice, purpose=f"mail:{order.kind}", ordinal=order.ordinal
            ),
            cycle=order.ref.cycle,
            case_at=order.ref.now,
        )
        if row.final:
            return SendResult(kind=SendKind.SENT)
        mail = await self._mail(order, letter, row)
        assert mail is not None
        await self._mailbox.send((await self._mailbox.draft(mail)).id)
        failpoints.reached("mail.after_call")
        await self._ledger.settle(row, {"kind": "sent"})
        return SendResult(kind=SendKind.SENT)

    monkeypatch.setattr(OutlookActivities, "send_letter", one_shot)

    await caught(
        test_crash_points.test_killed_anywhere_it_happens_once(
            company, "mail:handoff", "after_call", monkeypatch
        )
    )


async def test_a_send_without_a_recheck_is_caught(
    outlook: OutlookActivities,  # noqa: F811
    sandbox: Sandbox,  # noqa: F811
    records: Records,
    recheck: Objections,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(OutlookActivities, "_objection", nothing)

    await caught(
        test_outlook.test_a_customer_who_paid_between_draft_and_send_gets_no_mail(
            outlook, sandbox, records, recheck
        )
    )


async def test_a_record_before_the_call_is_caught(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written down as sent, then killed before it was: nobody ever sends it."""
    real = OutlookActivities._send

    async def record_first(self: OutlookActivities, row: Effect, item: Any) -> SendResult:
        await Ledger.settle(self._ledger, row, {"kind": "sent"})
        failpoints.reached("mail.after_record")
        return await real(self, row, item)

    monkeypatch.setattr(OutlookActivities, "_send", record_first)

    await caught(
        test_crash_points.test_killed_anywhere_it_happens_once(
            company, "mail:handoff", "after_record", monkeypatch
        )
    )


# ── cases, links and messages ───────────────────────────────────────────────────────────


class AnyIdAgain:
    """Temporal's policies, with one of them wrong."""

    REJECT_DUPLICATE = WorkflowIDReusePolicy.ALLOW_DUPLICATE
    ALLOW_DUPLICATE = WorkflowIDReusePolicy.ALLOW_DUPLICATE


@pytest.mark.system
async def test_an_allowed_duplicate_is_caught(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal, "WorkflowIDReusePolicy", AnyIdAgain)

    await caught(test_duplicates.test_a_late_failure_event_opens_no_second_case(installation))


@pytest.fixture
def a_page_that_acts_on_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PayPage, "show", PayPage.go)


async def test_a_get_that_acts_is_caught(a_page_that_acts_on_get: None, site: Site) -> None:  # noqa: F811
    await caught(test_pay.test_looking_does_nothing(site))


async def test_signals_that_are_not_deduplicated_are_caught(
    recovery: Recovery,  # noqa: F811
    outside: Outside,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hears_everything(self: Inbox, event_id: str) -> bool:
        self.stripe_moved = True
        return True

    monkeypatch.setattr(Inbox, "stripe_event", hears_everything)

    await caught(test_duplicates.test_a_delivery_heard_before_is_not_looked_into(recovery, outside))


def test_every_proof_used_here_is_itself_part_of_the_suite() -> None:
    proofs = (
        test_crash_points.test_killed_anywhere_it_happens_once,
        test_property.test_whatever_happens_an_invoice_is_charged_once,
        test_outlook.test_a_customer_who_paid_between_draft_and_send_gets_no_mail,
        test_duplicates.test_a_late_failure_event_opens_no_second_case,
        test_duplicates.test_a_delivery_heard_before_is_not_looked_into,
        test_pay.test_looking_does_nothing,
    )

    assert all(proof.__name__.startswith("test_") for proof in proofs)
    assert all(asyncio.iscoroutinefunction(proof) for proof in proofs if proof is not proofs[1])
