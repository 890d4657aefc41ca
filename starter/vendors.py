"""The vendors' clients as the command line uses them, each built from its own settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from activities.hubspot import HubspotActivities
from activities.hubspot import connect as connect_hubspot
from activities.ledger import Ledger
from activities.records import Records
from activities.stripe_api import connect as connect_stripe
from activities.stripe_api import disconnect
from activities.stripe_reader import Reader
from settings import HubspotSettings, StripeSettings


@asynccontextmanager
async def stripe(settings: StripeSettings) -> AsyncIterator[Reader]:
    client = connect_stripe(settings.stripe_api_key.get_secret_value(), settings.stripe_api_base)
    try:
        yield Reader(client)
    finally:
        await disconnect(client)


def hubspot(settings: HubspotSettings, records: Records, ledger: Ledger) -> HubspotActivities:
    token = settings.hubspot_access_token.get_secret_value()
    return HubspotActivities(connect_hubspot(token, settings.hubspot_api_base), records, ledger)
