"""`dunning check`: does this installation keep its promises? Reads our records and the vendors."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from rich.console import Console
from rich.markup import escape

from activities.database import Pool
from activities.ledger import Ledger
from activities.promises import MailPromises, Promises, Report, all_of
from activities.records import Records
from activities.stripe_api import connect as connect_stripe
from activities.stripe_api import disconnect
from settings import GraphSettings, StartSettings, load
from starter import desk

Check = Callable[[], Awaitable[Report]]


async def examine() -> Report:
    settings = load(StartSettings)
    async with AsyncExitStack() as stack:
        cases = await desk.cases()
        pool = await stack.enter_async_context(desk.database(settings))
        stripe = connect_stripe(
            settings.stripe_api_key.get_secret_value(), settings.stripe_api_base
        )
        stack.push_async_callback(disconnect, stripe)
        checks: list[tuple[str, Check]] = [
            ("Stripe and our records", Promises(pool, stripe, cases).check)
        ]
        if os.environ.get("OUTLOOK_SENDER"):
            checks.append(("mails", await stack.enter_async_context(_mails(pool))))
        report = await all_of(checks)
    if len(checks) == 1:
        report += Report(left_out=("mails (OUTLOOK_SENDER is not set)",))
    return report


@asynccontextmanager
async def _mails(pool: Pool) -> AsyncIterator[Check]:
    from activities import mailbox
    from activities.outlook import OutlookActivities

    settings = load(GraphSettings)
    token = settings.graph_access_token

    async def nothing_is_sent(_: object) -> str:
        return "a check sends nothing"

    async with mailbox.connect(
        settings.outlook_sender,
        api_base=settings.graph_api_base,
        access_token=token.get_secret_value() if token else None,
        environment=os.environ,
    ) as box:
        outlook = OutlookActivities(box, Records(pool), Ledger(pool), nothing_is_sent, live=True)
        yield MailPromises(pool, outlook).check


def show(console: Console, report: Report) -> None:
    for each in report.broken:
        console.print(f"[red]BROKEN[/red] {escape(each.promise)}")
        console.print(f"  {escape(each.sentence)}")
    looked = (
        f"Looked at {report.cases} open cases, {report.charges} charges and {report.mails} mails."
    )
    if report.kept and not any("records" in part for part in report.left_out):
        console.print(f"Every promise is kept. {looked}")
    else:
        console.print(looked)
    for part in report.left_out:
        console.print(f"Not looked at: {escape(part)}.")
