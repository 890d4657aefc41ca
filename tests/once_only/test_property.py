"""Whatever happens, in whatever order, an invoice is charged once: random stories, played against
the real ledger in a real PostgreSQL, our real paying, and a model of Stripe.

The default size suits CI; `PROOF=full` plays 2,000 stories of 50 steps.
"""

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
import stripe
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from temporalio.exceptions import ApplicationError

from activities import failpoints
from activities import stripe as paying
from activities.database import connect
from activities.ledger import EffectId, Ledger
from activities.records import Records
from activities.stripe import MOST_EPOCHS, StripeActivities
from tests.activities.given import a_playbook, a_ref
from tests.fixtures.postgres import Postgres
from tests.fixtures.stripe import MovableClock
from tests.once_only.vendor import Vendor
from workflows.case import Permit
from workflows.facts import Source
from workflows.nouns import DecisionId, InvoiceId
from workflows.steps import Pay, PayKind, PayResult

FULL = bool(os.environ.get("PROOF"))
SIZE = {"max_examples": 2_000, "stateful_step_count": 50} if FULL else {
    "max_examples": 60, "stateful_step_count": 30,
}  # fmt: skip
CAP = 4  # charges that the rules permit here; their own tests prove their own caps
PLACES = ("before_intent", "after_intent", "after_call", "after_record")


class Killed(BaseException):
    """The process ended here."""


class ModelReader:
    """`stripe_reader.Reader`, reading the model."""

    def __init__(self, world: "Installation") -> None:
        self._world = world

    async def read_light(self, invoice: InvoiceId) -> Any:
        return self._world.vendor.reading(self._world.clock())

    async def key_of(self, charge: str, at: datetime) -> tuple[bool, str | None]:
        return True, next(c.key for c in self._world.vendor.charges if c.id == charge)


class ModelInvoices:
    """The SDK's `invoices`, of which paying uses one call."""

    def __init__(self, world: "Installation") -> None:
        self._world = world

    async def pay_async(self, invoice: str, params: Any, options: Any) -> Any:
        vendor = self._world.vendor
        self._world.keys.append(options["idempotency_key"])
        status, charge = vendor.pay(options["idempotency_key"], self._world.clock())
        if status == 200:
            return stripe.Invoice.construct_from(_paid_invoice(charge), "key")
        raise _error(status, charge)


def _paid_invoice(charge: str | None) -> dict[str, Any]:
    intent = {"status": "succeeded", "latest_charge": charge}
    payment = {"status": "paid", "payment": {"payment_intent": intent}}
    return {"id": "in_1", "status": "paid", "payments": {"data": [payment]}}


def _error(status: int, charge: str | None) -> stripe.StripeError:
    if status == 0:
        return stripe.APIConnectionError("the connection broke")
    if status == 402:
        body = {"code": "card_declined", "decline_code": "insufficient_funds", "charge": charge}
        return stripe.CardError("declined", None, "card_declined", http_status=402,
                                json_body={"error": body})  # fmt: skip
    kind = {400: stripe.InvalidRequestError, 409: stripe.APIError, 500: stripe.APIError}[status]
    if kind is stripe.InvalidRequestError:
        return stripe.InvalidRequestError("paid", None, http_status=400, json_body={"error": {}})
    return stripe.APIError("trouble", http_status=status, json_body={"error": {}})


class Installation:
    """One invoice, our records in a real database, and the model of Stripe."""

    def __init__(self, records: Records, clock: MovableClock) -> None:
        self.clock = clock
        self.records = records
        self.ledger = Ledger(records.pool, clock)
        self.ref = a_ref(f"in_{uuid.uuid4().hex[:12]}")
        self.vendor = Vendor(self.ref.invoice)
        self.keys: list[str] = []
        self.results: dict[int, PayResult] = {}

    async def open(self) -> None:
        await self.records.open_case(
            self.ref, workflow_id="dunning-x", run_id="run", playbook=a_playbook()
        )
        await self.decide()

    async def decide(self) -> None:
        """A round begins: Stripe is read, for the charge to be compared with."""
        reading = self.vendor.reading(self.clock())
        await self.records.put_snapshot(
            self.ref, Source.STRIPE, True, reading.model_dump(mode="json")
        )

    def program(self) -> StripeActivities:
        """A worker that has just started: nothing but the database remembers anything."""
        worker = StripeActivities.__new__(StripeActivities)
        worker._records, worker._ledger = self.records, self.ledger
        worker._live, worker._settle = False, timedelta(seconds=60)
        worker._reader, worker._invoices = ModelReader(self), ModelInvoices(self)  # type: ignore[assignment]
        return worker

    async def pay(self, ordinal: int) -> PayResult | None:
        """One try, as Temporal makes it. None: it must be tried again."""
        order = Pay(ref=self.ref, decision=DecisionId("d"), ordinal=ordinal)
        try:
            result = await self.program().pay_invoice(order)
        except ApplicationError as error:
            if error.non_retryable:
                raise
            self.clock.forward(error.next_retry_delay or timedelta(seconds=1))
            return None
        return result


class Story(RuleBasedStateMachine):
    """Anything may happen next."""

    pool: ClassVar[Any]
    run: ClassVar[Callable[[Awaitable[Any]], Any]]

    def __init__(self) -> None:
        super().__init__()
        clock = MovableClock()
        self.world = Installation(Records(self.pool, clock), clock)
        self.ordinal = 1
        self.killed_at: str | None = None
        type(self).run(self.world.open())

    # ── the program ─────────────────────────────────────────────────────────────────────

    @rule(place=st.sampled_from((None, *PLACES)))
    def temporal_tries_the_charge(self, place: str | None) -> None:
        self._try(self.ordinal, place)

    @rule(back=st.integers(0, 3))
    def a_reset_runs_an_old_charge_again(self, back: int) -> None:
        self._try(max(1, self.ordinal - back), None)

    @rule()
    def two_workers_have_the_same_charge(self) -> None:
        async def both() -> list[Any]:
            tries = (self.world.pay(self.ordinal), self.world.pay(self.ordinal))
            return list(await asyncio.gather(*tries))

        type(self).run(both())

    @precondition(lambda self: self.ordinal < CAP)
    @rule()
    def the_rules_decide_on_another_charge(self) -> None:
        self.ordinal += 1
        type(self).run(self.world.decide())

    # ── the world ───────────────────────────────────────────────────────────────────────

    @rule(fate=st.sampled_from(
        ("lost", "never arrives", "error", "error although done", "in flight", "late")
    ))  # fmt: skip
    def stripe_will_misbehave(self, fate: Any) -> None:
        self.world.vendor.fate = fate

    @rule(bank=st.sampled_from(("approves", "declines")))
    def the_bank_changes_its_mind(self, bank: Any) -> None:
        self.world.vendor.bank = bank

    @rule()
    def the_customer_pays_elsewhere(self) -> None:
        self.world.vendor.is_paid_elsewhere(self.world.clock())

    @rule(amount=st.sampled_from((4900, 2900)))
    def the_amount_changes(self, amount: int) -> None:
        if self.world.vendor.status == "open":
            self.world.vendor.amount = amount

    @rule()
    def the_card_is_replaced(self) -> None:
        self.world.vendor.card = "pm_2"

    @rule(hours=st.sampled_from((0, 1, 13)))
    def time_passes(self, hours: int) -> None:
        self.world.clock.forward(timedelta(hours=hours, seconds=61))

    @rule()
    def a_day_passes_and_stripe_forgets_its_keys(self) -> None:
        self.world.clock.forward(timedelta(hours=24))
        self.world.vendor.forgets_keys()

    def _try(self, ordinal: int, place: str | None) -> None:
        self.killed_at = f"pay.{place}" if place else None
        STOP.name = self.killed_at
        try:
            result = type(self).run(self.world.pay(ordinal))
        except Killed:
            return
        finally:
            STOP.name = None
        if result is not None:
            known = self.world.results.setdefault(ordinal, result)
            assert known == result, "a charge that is settled says the same for ever"

    # ── what must hold ──────────────────────────────────────────────────────────────────

    @invariant()
    def the_invoice_is_paid_at_most_once(self) -> None:
        assert sum(charge.paid for charge in self.world.vendor.charges) <= 1

    @invariant()
    def no_key_charges_twice(self) -> None:
        keys = [charge.key for charge in self.world.vendor.charges if charge.key]
        assert len(keys) == len(set(keys))

    @invariant()
    def each_decision_reaches_the_bank_once(self) -> None:
        ours = [charge for charge in self.world.vendor.charges if charge.key]
        assert len(ours) <= self.ordinal

    @invariant()
    def what_is_done_has_happened(self) -> None:
        at_vendor = {charge.id: charge for charge in self.world.vendor.charges}
        for result in self.world.results.values():
            if result.kind in (PayKind.PAID, PayKind.DECLINED):
                assert result.charge in at_vendor
                assert at_vendor[result.charge].paid is (result.kind is PayKind.PAID)

    @invariant()
    def every_charge_of_ours_has_its_row(self) -> None:
        which = [
            EffectId(invoice=self.world.ref.invoice, purpose="pay", ordinal=ordinal)
            for ordinal in range(1, self.ordinal + 1)
        ]
        rows = [type(self).run(self.world.ledger.find(each)) for each in which]
        keys = {key for row in rows if row for key in row.keys}
        assert set(self.world.keys) <= keys
        assert all(row.epoch < MOST_EPOCHS for row in rows if row)


class Stop:
    """Where the process ends next."""

    name: str | None = None

    def __call__(self, name: str) -> None:
        if name == self.name:
            raise Killed


STOP = Stop()


@pytest.fixture
def story(postgres: Postgres, monkeypatch: pytest.MonkeyPatch):
    """The machine, wired to a database of its own. Rules about timing are proven elsewhere: here
    the rules permit every charge, and Stripe's answers alone decide.
    """
    loop = asyncio.new_event_loop()
    name = loop.run_until_complete(postgres.create())
    Story.pool = loop.run_until_complete(connect(postgres.dsn(name), size=3))
    Story.run = staticmethod(loop.run_until_complete)  # type: ignore[assignment]
    monkeypatch.setattr(paying, "reached", STOP)
    monkeypatch.setattr(failpoints, "reached", STOP)
    monkeypatch.setattr(paying.policy, "permits", lambda *_: Permit(ok=True))
    yield Story
    loop.run_until_complete(Story.pool.close())
    loop.run_until_complete(postgres.drop(name))
    loop.close()


def play(story: type[RuleBasedStateMachine], **size: Any) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        story,
        settings=settings(
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            **(size or SIZE),
        ),
    )


def test_whatever_happens_an_invoice_is_charged_once(story: type[RuleBasedStateMachine]) -> None:
    play(story)
