"""The demo company's own billing tables, with a row for each account: what `billing.sql` reads."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from starter.demo_stage import Play
from starter.local import ROOT

TABLES = ROOT / "sandbox" / "billing.sql"


async def seed(dsn: str, plays: Sequence[Play]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(TABLES.read_text(encoding="utf-8"))
        for play in plays:
            await _account(connection, play)
    finally:
        await connection.close()


async def _account(connection: "asyncpg.Connection[asyncpg.Record]", play: Play) -> None:
    story, script = play.story, play.story.script
    since = datetime.now(UTC) - timedelta(days=story.tenure_days)
    customer = await connection.fetchval(
        """insert into customers (stripe_customer_id, name, created_at)
           values ($1, $2, $3) returning id""",
        play.account.customer,
        story.name,
        since,
    )
    await connection.execute(
        """insert into subscriptions (customer_id, plan_tier, plan_name, mrr_minor, currency)
           values ($1, $2, $3, $4, $5)""",
        customer,
        script.plan_tier,
        script.plan_name,
        story.mrr_minor or script.amount_minor,
        script.currency,
    )
    await connection.executemany(
        """insert into invoices (customer_id, number, amount_minor, currency, created_at, paid_at)
           values ($1, $2, $3, $4, $5, $6)""",
        [
            (customer, f"INV-{customer}{number:03d}", past.amount_minor, script.currency,
             past.created, past.paid_at)
            for number, past in enumerate(script.history, start=1)
        ],
    )  # fmt: skip
