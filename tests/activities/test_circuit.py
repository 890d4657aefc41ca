"""A refused key: one alert and one question every five minutes, however many cases there are."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.circuit import Circuit
from activities.errors import refused, retry_later

FIVE_MINUTES = 300.0


@dataclass
class Vendor(ActivityInboundInterceptor):
    """Counts what it is asked, and answers what a test wants."""

    problem: Callable[[], ApplicationError] | None = None
    now: float = 0.0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.circuit = Circuit("stripe", lambda: self.now).intercept_activity(self)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        self.asked.append("")
        if self.problem is not None:
            raise self.problem()
        return "done"

    async def step(self, name: str = "pay_invoice") -> ApplicationError | None:
        """One try of one case's step. Its failure, if it fails."""
        there = ActivityEnvironment()
        there.info = replace(there.info, activity_type=name)

        async def run() -> None:
            await self.circuit.execute_activity(cast(ExecuteActivityInput, None))

        try:
            await there.run(run)
        except ApplicationError as error:
            return error
        return None


@pytest.fixture
def stripe() -> Vendor:
    return Vendor(problem=lambda: refused("Check STRIPE_API_KEY.", everything=True))


async def test_a_thousand_cases_raise_one_alert_and_ask_once(stripe: Vendor) -> None:
    with capture_logs() as logs:
        failures = [await stripe.step() for _ in range(1_000)]

    assert len(stripe.asked) == 1
    assert [line["alert"] for line in logs if line["log_level"] == "error"] == [
        "credentials_refused"
    ]
    assert all(failure and "Check STRIPE_API_KEY" in failure.message for failure in failures)
    assert not any(failure and failure.non_retryable for failure in failures)


async def test_a_refused_key_holds_every_step_and_a_missing_permission_only_its_own(
    stripe: Vendor,
) -> None:
    await stripe.step("pay_invoice")
    held = await stripe.step("recheck_invoice")

    narrow = Vendor(problem=lambda: refused("This key may not charge."))
    await narrow.step("pay_invoice")
    narrow.problem = None
    free = await narrow.step("recheck_invoice")

    assert held is not None
    assert free is None
    assert await narrow.step("pay_invoice") is not None


async def test_after_five_minutes_one_asks_and_the_others_go_on_when_it_is_mended(
    stripe: Vendor,
) -> None:
    await stripe.step()
    stripe.now = FIVE_MINUTES + 1

    still = [await stripe.step() for _ in range(10)]
    stripe.now, stripe.problem = 2 * FIVE_MINUTES + 2, None
    mended = [await stripe.step() for _ in range(10)]

    assert len(stripe.asked) == 2 + 10
    assert all(still)
    assert not any(mended)


async def test_a_second_refusal_alerts_again_only_after_it_had_worked(stripe: Vendor) -> None:
    problem = stripe.problem
    with capture_logs() as logs:
        for minutes in (0, 6, 12):
            stripe.now = minutes * 60
            await stripe.step()
        stripe.now, stripe.problem = 18 * 60, None
        await stripe.step()
        stripe.problem = problem
        await stripe.step()

    assert sum(line["log_level"] == "error" for line in logs) == 2


async def test_a_vendor_that_is_merely_slow_holds_up_nobody() -> None:
    vendor = Vendor(problem=lambda: retry_later("Stripe answered 503."))

    for _ in range(5):
        await vendor.step()

    assert len(vendor.asked) == 5
