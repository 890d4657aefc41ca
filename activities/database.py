"""Our PostgreSQL: the pool, transactions that try again, and the audit line of each change."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

Json = dict[str, Any]
Result = TypeVar("Result")

RIVALRY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
MOST_TRIES = 3


async def connect(
    dsn: str,
    *,
    size: int = 10,
    application: str = "dunning",
    read_only: bool = False,
    statement_cache: int = 100,
) -> Pool:
    """A pool of at most `size` connections; jsonb is read and written as Python values.

    Waiting for a free connection ends after 5 s in `TimeoutError`, a statement after 10 s. Set
    `statement_cache=0` behind a pooler in transaction mode. Works with unix-socket DSNs
    (`?host=/folder`); such a connection never uses TLS, whatever the DSN says.
    """
    settings = {"application_name": application}
    if read_only:
        settings["default_transaction_read_only"] = "on"
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        timeout=5,
        command_timeout=10,
        statement_cache_size=statement_cache,
        server_settings=settings,
        init=_speak_json,
    )


async def _speak_json(connection: Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )


async def transact(pool: Pool, work: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Run `work` in one transaction; when others got in its way, again, three times in all.

    `work` must do nothing but talk to the connection: no vendor is ever called while one is held.
    """
    for attempt in range(1, MOST_TRIES + 1):
        try:
            async with pool.acquire(timeout=5) as connection, connection.transaction():
                # A ledger row lost after its effect is the one way to do something twice.
                await connection.execute("set local synchronous_commit = on")
                return await work(connection)
        except RIVALRY:
            if attempt == MOST_TRIES:
                raise
            await asyncio.sleep(0.02 * attempt)
    raise AssertionError("unreachable")


async def audit_line(
    connection: Connection,
    *,
    invoice: str,
    at: datetime,
    actor: str,
    event: str,
    detail: str = "",
    decision: str | None = None,
) -> None:
    """One line of the trail, in the transaction of the change it tells about.

    Said twice, kept once.
    """
    await connection.execute(
        """insert into dunning.audit (invoice, at, actor, event, detail, decision)
           values ($1, $2, $3, $4, $5, $6) on conflict do nothing""",
        invoice, at, actor, event, detail, decision,
    )  # fmt: skip
