"""`dunning migrate`: what we keep in other systems, set up or brought up to date."""

import os
from collections.abc import Callable

from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.migrations import migrate
from settings import HubspotSettings, RecordsSettings, Settings, load
from starter import temporal
from starter.desk import plainly
from starter.errors import UserError

Tell = Callable[[str], None]


async def run(tell: Tell) -> None:
    await our_schema(load(RecordsSettings).database_url.get_secret_value(), tell)
    await search_attributes(tell)
    await sweep_schedule(tell)
    if os.environ.get("HUBSPOT_ACCESS_TOKEN"):
        await note_property(load(HubspotSettings), tell)
    else:
        tell("HubSpot: skipped, HUBSPOT_ACCESS_TOKEN is not set.")


async def our_schema(dsn: str, tell: Tell) -> None:
    with plainly(dsn):
        applied = await migrate(dsn)
    tell(f"PostgreSQL: {'applied ' + ', '.join(applied) if applied else 'up to date'}.")


async def search_attributes(tell: Tell) -> None:
    client = await temporal.connect()
    try:
        added = await temporal.register_attributes(client)
    except RPCError as error:
        if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED):
            wanted = ", ".join(temporal.attribute_list())
            raise UserError(
                "Temporal does not let us register search attributes. Create them in your "
                f"namespace: {wanted}."
            ) from error
        raise temporal.plain_error(error, "") from error
    tell(f"Temporal: {'added ' + ', '.join(added) if added else 'search attributes up to date'}.")


async def sweep_schedule(tell: Tell) -> None:
    """Created paused; one that is there keeps its state, and gets the playbook's period."""
    from activities.playbook import load as read_playbook
    from starter import sweeping

    settings = load(Settings)
    every = read_playbook(settings.dunning_playbook).sweep.every_minutes
    created = await sweeping.set_up(
        await temporal.connect(settings.dunning_payload_keys), settings.temporal_task_queue, every
    )
    paused = " paused (`dunning sweep --on` starts it)"
    tell(f"Sweep: every {every} minutes,{paused if created else ' as it was'}.")


async def note_property(settings: HubspotSettings, tell: Tell) -> None:
    from activities.ledger import Ledger
    from activities.records import Records
    from starter import desk, vendors

    async with desk.database(load(RecordsSettings)) as pool:
        hubspot = vendors.hubspot(settings, Records(pool), Ledger(pool))
        try:
            tell(f"{await hubspot.ensure_note_property()}.")
        except ApplicationError as problem:
            raise UserError(problem.message) from problem
