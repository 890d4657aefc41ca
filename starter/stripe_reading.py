"""What this side reads of Stripe: the bill behind a click, and whether an invoice exists at all."""

from typing import TYPE_CHECKING

from temporalio.exceptions import ApplicationError

from settings import StripeSettings
from starter.errors import UserError
from starter.pay import Bill, CannotReadBillError
from workflows.nouns import InvoiceId

if TYPE_CHECKING:
    from activities.stripe_reader import Reader


class Bills:
    """The invoice behind a customer's click. Stripe's SDK is loaded at the first one."""

    def __init__(self, settings: StripeSettings) -> None:
        self._settings = settings
        self._reader: Reader | None = None

    async def read(self, invoice: InvoiceId) -> Bill:
        from activities.stripe_api import Gone, connect
        from activities.stripe_reader import Reader

        if self._reader is None:
            key = self._settings.stripe_api_key.get_secret_value()
            self._reader = Reader(connect(key, self._settings.stripe_api_base))
        try:
            found = await self._reader.invoice(invoice)
        except Gone:
            return Bill("deleted", None)
        except ApplicationError as error:
            raise CannotReadBillError(error.message) from error
        return Bill(str(found.get("status")), found.get("hosted_invoice_url"))


async def check_invoice(settings: StripeSettings, invoice: str) -> None:
    """A typing error is told at once, not by a case that ends as not collectible."""
    from activities.stripe_api import Gone
    from starter import vendors

    mode = "live" if settings.live else "test"
    try:
        async with vendors.stripe(settings) as reader:
            await reader.invoice(InvoiceId(invoice))
    except Gone:
        raise UserError(
            f"Stripe has no invoice {invoice} in {mode} mode. Check the id, and that "
            "STRIPE_API_KEY belongs to the right account."
        ) from None
    except ApplicationError as error:
        raise UserError(error.message) from error
