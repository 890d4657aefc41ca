"""No failed invoice is lost: every so often, compare what Stripe holds with what we know.

Works when no webhook ever arrived. Started by the Temporal Schedule `dunning-sweep`.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows import steps

SCHEDULE = "dunning-sweep"


@workflow.defn(name="SweepOpenInvoices")
class SweepOpenInvoices:
    """One pass. A vendor that is down spoils its own part only; the next pass comes soon."""

    @workflow.init
    def __init__(self) -> None:
        self.failed: list[str] = []

    @workflow.run
    async def run(self) -> steps.Swept:
        order = steps.Sweeping(at=workflow.now())
        found = await steps.FIND_MISSED(order, "Compare Stripe's open invoices with our cases")
        caught = await steps.CATCH_UP(found, "Start missing cases, tell the others")
        looked = [
            await self.part(steps.RECONCILE, order, "Read back charges without a clear answer"),
            await self.part(steps.RECONCILE_MAILS, order, "Look for mails that may have gone out"),
            await self.part(steps.RECONCILE_NOTES, order, "Look for notes that may be written"),
        ]
        checked = [
            await self.part(steps.CHECK, order, "Check the promises"),
            await self.part(steps.CHECK_MAILS, order, "Check that mails went out"),
        ]
        swept = caught.model_copy(
            update={
                "reconciled": sum(each.reconciled for each in looked),
                "unclear": sum(each.unclear for each in looked),
                "broken": tuple(promise for each in checked for promise in each.broken),
                "failed": tuple(self.failed),
            }
        )
        workflow.set_current_details(told(swept))
        return swept

    async def part(
        self, step: steps.Step[steps.Sweeping, steps.Swept], order: steps.Sweeping, summary: str
    ) -> steps.Swept:
        try:
            return await step(order, summary)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self.failed.append(step.name)
            return steps.Swept()


def told(swept: steps.Swept) -> str:
    """One pass, for people: in the Web UI and by `dunning sweep`."""
    lines = [
        f"Started {len(swept.started)} missing cases, restarted {len(swept.restarted)} lost runs, "
        f"told {len(swept.told)} cases that something moved.",
        f"Read back {swept.reconciled} unclear effects; {swept.unclear} stay unclear.",
    ]
    if swept.left_count:
        some = ", ".join(swept.left[:10])
        lines.append(
            f"{swept.left_count} open invoices were not started: older than the lookback, or more "
            f"than one pass starts ({some}{' …' if swept.left_count > 10 else ''})."
        )
    lines += [f"Did not work this time: {name.replace('_', ' ')}." for name in swept.failed]
    lines += [f"BROKEN PROMISE: {promise}" for promise in swept.broken]
    return "\n\n".join(lines)
