"""No failed invoice is lost: every so often, compare what Stripe holds with what we know.

Works when no webhook ever arrived. Started by the Temporal Schedule `dunning-sweep`.
"""

from temporalio import workflow

from workflows import steps

SCHEDULE = "dunning-sweep"


@workflow.defn(name="SweepOpenInvoices")
class SweepOpenInvoices:
    @workflow.run
    async def run(self) -> steps.Swept:
        order = steps.Sweeping(at=workflow.now())
        found = await steps.FIND_MISSED(order, "Compare Stripe's open invoices with our cases")
        caught = await steps.CATCH_UP(found, "Start missing cases, tell the others")
        reconciled = await steps.RECONCILE(order, "Read back what never got a clear answer")
        checked = await steps.CHECK(order, "Check the promises")
        swept = caught.model_copy(
            update={
                "reconciled": reconciled.reconciled,
                "unclear": reconciled.unclear,
                "broken": checked.broken,
            }
        )
        workflow.set_current_details(_told(swept))
        return swept


def _told(swept: steps.Swept) -> str:
    lines = [
        f"Started {len(swept.started)} missing cases, restarted {len(swept.restarted)} lost runs, "
        f"told {len(swept.told)} cases that something moved.",
        f"Read back {swept.reconciled} unclear effects; {swept.unclear} stay unclear.",
    ]
    if swept.left:
        lines.append(f"{swept.left} open invoices are left for later passes.")
    lines += [f"BROKEN PROMISE: {promise}" for promise in swept.broken]
    return "\n\n".join(lines)
