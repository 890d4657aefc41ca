"""`dunning start INVOICE`: open a case by hand, once Stripe has confirmed that it exists."""

from settings import StartSettings
from starter import desk
from starter.errors import UserError
from starter.stripe_reading import check_invoice


async def open_case(settings: StartSettings, invoice: str, *, again: bool) -> str:
    cases = await desk.cases_to_start(settings)
    await check_invoice(settings, invoice)
    if await cases.start(invoice, again=again):
        return f"Started. `dunning status {invoice}` says where it stands."
    if await cases.is_open(invoice):
        return f"{invoice} has an open case already; `dunning status {invoice}` shows it."
    raise UserError(
        f"The case of {invoice} was closed before. `dunning explain {invoice}` tells its story; "
        f"`dunning start {invoice} --again` opens a new one on purpose."
    )
