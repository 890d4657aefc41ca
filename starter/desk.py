"""What a command that a person types works with: our records and Temporal, opened and closed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from activities.database import Pool
from activities.database import connect as connect_database
from activities.records import Records
from settings import RecordsSettings, Settings, StartSettings, load
from starter import temporal
from starter.errors import about_postgres


@contextmanager
def plainly(dsn: str) -> Iterator[None]:
    """Inside, a failure of PostgreSQL becomes a sentence for people."""
    try:
        yield
    except Exception as error:
        told = about_postgres(error, dsn)
        if told is None:
            raise
        raise told from error


@asynccontextmanager
async def database(settings: RecordsSettings) -> AsyncIterator[Pool]:
    dsn = settings.database_url.get_secret_value()
    with plainly(dsn):
        pool = await connect_database(dsn, size=4, application="dunning cli")
        try:
            yield pool
        finally:
            await pool.close()


@asynccontextmanager
async def records() -> AsyncIterator[Records]:
    async with database(load(RecordsSettings)) as pool:
        yield Records(pool)


async def cases() -> temporal.Cases:
    """To steer cases: Temporal is all that is needed."""
    settings = load(Settings)
    return temporal.Cases(
        await temporal.connect(settings.dunning_payload_keys), settings.temporal_task_queue
    )


async def cases_to_start(settings: StartSettings) -> temporal.Cases:
    client = await temporal.connect(settings.dunning_payload_keys)
    return temporal.Cases(client, settings.temporal_task_queue, settings.dunning_clock_speed)
