"""What the company's own database says about a customer, by the query in `playbook/billing.sql`.

The query is the user's, and runs as little trusted as it can: one statement, read-only, three
seconds, two rows at most. The real boundary is the database role behind BILLING_DATABASE_URL, which
should be able to select from those tables and nothing else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
from pydantic import ValidationError
from temporalio import activity

from activities.database import Json, Pool
from activities.errors import invalid_request, refused, retry_later
from activities.records import Records
from workflows import steps
from workflows.facts import Billing, PaidInvoice, PastFailure, PastRecovery, Source
from workflows.money import Money
from workflows.steps import Gather, Gathered

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

    Statement = PreparedStatement[asyncpg.Record]
else:
    Statement = object

FILE = "playbook/billing.sql"
LIMITS = "set local statement_timeout = '3s'; set local lock_timeout = '500ms'"

WHOLE = ("int2", "int4", "int8", "numeric")
TEXT = ("text", "varchar", "bpchar", "name", "citext")
JSON = ("json", "jsonb")


@dataclass(frozen=True)
class Column:
    """One column that the query may return: the database's types we take, in words and by name."""

    name: str
    wants: str
    types: tuple[str, ...]
    required: bool = True


COLUMNS = (
    Column("plan_tier", "text", TEXT),
    Column("plan_name", "text", TEXT),
    Column("mrr_minor", "a whole number of minor units (bigint)", WHOLE),
    Column("currency", "text, as in 'usd'", TEXT),
    Column("customer_since", "a date or timestamptz", ("date", "timestamptz"), required=False),
    Column("tenure_days", "a whole number (int)", WHOLE, required=False),
    Column("seats", "a whole number (int)", WHOLE, required=False),
    Column("paid_invoices", "jsonb, as from jsonb_agg", JSON, required=False),
    Column("failed_payments", "jsonb, as from jsonb_agg", JSON, required=False),
    Column("prior_recoveries", "jsonb, as from jsonb_agg", JSON, required=False),
)


class WrongQuery(Exception):  # noqa: N818 - the message is its name
    """The query cannot be used as it is; the message says where and what it should be."""


class BillingActivities:
    """`pool` goes to the company's database with a role that can only read; `records` are ours."""

    def __init__(self, pool: Pool, records: Records) -> None:
        self._pool = pool
        self._records = records

    @activity.defn(name=steps.GATHER_BILLING.name)
    async def gather_billing(self, order: Gather) -> Gathered:
        """Keep what the company's database knows this round.

        No row: it does not know the customer.
        """
        ref = order.ref
        case = await self._records.case(ref.invoice)
        if case.customer is None:
            raise retry_later(f"Stripe has not told us yet whose invoice {ref.invoice} is.")
        sql = (await self._records.playbook(case.playbook)).billing_sql
        row = await self._asked(sql, case.customer, ref.invoice) if sql.strip() else None
        if row is None:
            await self._records.put_snapshot(ref, Source.BILLING, False, None)
            text = "no such customer in our database" if sql.strip() else "no billing query is set"
            return Gathered(source=Source.BILLING, found=False, text=text)
        try:
            billing = billing_of(row, ref.now)
        except WrongQuery as wrong:
            raise invalid_request(f"{FILE}: {wrong}") from None
        await self._records.put_snapshot(ref, Source.BILLING, True, billing.model_dump(mode="json"))
        await self._records.note_plan(ref, billing.plan_tier)
        return Gathered(source=Source.BILLING, found=True, text=_in_a_line(billing))

    async def _asked(self, sql: str, customer: str, invoice: str) -> Json | None:
        try:
            return await ask(self._pool, sql, customer, invoice)
        except WrongQuery as wrong:
            raise invalid_request(f"{FILE}: {wrong}") from None
        except asyncpg.QueryCanceledError:
            raise retry_later(
                f"{FILE} took longer than three seconds. Does it use an index on the customer's id?"
            ) from None
        except asyncpg.InsufficientPrivilegeError:
            raise refused(
                f"{FILE}: the role of BILLING_DATABASE_URL may not read these tables. Grant select."
            ) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise retry_later(
                f"The company's database cannot be asked now ({type(error).__name__})."
            ) from None


async def ask(pool: Pool, sql: str, customer: str, invoice: str) -> Json | None:
    """The one row that the query has for this customer.

    Raises `WrongQuery`, or what the database says.
    """
    async with pool.acquire(timeout=5) as connection, connection.transaction(readonly=True):
        await connection.execute(LIMITS)
        statement = await _prepared(connection, sql)
        if problems := problems_with(statement):
            raise WrongQuery(" ".join(problems))
        arguments = (customer, invoice)[: len(statement.get_parameters())]
        try:
            rows = await (await statement.cursor(*arguments)).fetch(2)
        except asyncpg.ReadOnlySQLTransactionError:
            raise WrongQuery("it tries to write; it may only read.") from None
        except asyncpg.DataError as error:  # its text holds data, so it stays out
            raise WrongQuery(f"a value cannot be converted ({type(error).__name__}).") from None
    if len(rows) > 1:
        raise WrongQuery(
            "it returns several rows for one customer. Aggregate them, or limit to one."
        )
    return dict(rows[0]) if rows else None


async def check(pool: Pool, sql: str) -> tuple[list[str], list[str]]:
    """For `dunning doctor`: what is wrong with the query, and what is only worth knowing.

    Runs nothing.
    """
    async with pool.acquire(timeout=5) as connection, connection.transaction(readonly=True):
        try:
            statement = await _prepared(connection, sql)
        except WrongQuery as wrong:
            return [str(wrong)], []
        known = {column.name for column in COLUMNS}
        extra = [each.name for each in statement.get_attributes() if each.name not in known]
        notes = [f"Column {name} is not one we use; it is ignored." for name in extra]
        return problems_with(statement), notes


async def _prepared(connection: Any, sql: str) -> Statement:
    """The statement, understood by the database but not run.

    One that returns no columns is refused: it is a command, like `commit` or `reset role`.
    """
    try:
        statement: Statement = await connection.prepare(sql)
    except asyncpg.InsufficientPrivilegeError:
        raise
    except (asyncpg.SyntaxOrAccessError, asyncpg.FeatureNotSupportedError) as error:
        raise WrongQuery(f"the database does not understand it: {error}.") from None
    if not statement.get_attributes():
        raise WrongQuery("it returns no columns; it must be a single select.")
    return statement


def problems_with(statement: Statement) -> list[str]:
    """What keeps the query from being used, one sentence each."""
    parameters = statement.get_parameters()
    returned = {each.name: each.type.name for each in statement.get_attributes()}
    problems = []
    if not 1 <= len(parameters) <= 2:
        problems.append("Use $1 for Stripe's customer id, and $2 for the invoice's or not at all.")
    problems += [
        f"${place} is compared with {kind.name}; it is text."
        for place, kind in enumerate(parameters, 1)
        if kind.name not in TEXT
    ]
    for column in COLUMNS:
        kind = returned.get(column.name)
        if kind is None and column.required:
            problems.append(f"Column {column.name} is missing; it should be {column.wants}.")
        elif kind is not None and kind not in column.types:
            problems.append(f"Column {column.name} is {kind}; it should be {column.wants}.")
    if not {"customer_since", "tenure_days"} & returned.keys():
        problems.append("Column customer_since (a date or timestamptz) or tenure_days is missing.")
    return problems


# ── the row, in our words ───────────────────────────────────────────────────────────────


def billing_of(row: Json, now: datetime) -> Billing:
    """The row as a noun. Raises `WrongQuery` naming the column, and never its value."""
    currency = row["currency"]

    def money(amount: int | None, of: str | None = None) -> Money | None:
        if amount is None:
            return None
        if not (of or currency):
            raise WrongQuery("Column currency is empty, but there is an amount.")
        return Money(amount=amount, currency=of or currency)

    return Billing(
        plan_tier=row["plan_tier"],
        plan_name=row["plan_name"],
        mrr=_checked("mrr_minor", lambda: money(_whole(row["mrr_minor"], "mrr_minor"))),
        tenure_days=_tenure(row, now),
        seats=_whole(row.get("seats"), "seats"),
        paid_invoices=_each(
            row,
            "paid_invoices",
            lambda one: PaidInvoice(
                number=one.get("number"),
                amount=money(one["amount"], one.get("currency")),
                created=one["created"],
                paid_at=one["paid_at"],
                attempts=one.get("attempts") or 1,
            ),
        ),
        failed_payments=_each(
            row,
            "failed_payments",
            lambda one: PastFailure(
                at=one["at"],
                code=one.get("code"),
                amount=money(one.get("amount"), one.get("currency")),
            ),
        ),
        prior_recoveries=_each(
            row,
            "prior_recoveries",
            lambda one: PastRecovery(
                failed_at=one["failed_at"], recovered_at=one["recovered_at"], via=one.get("via")
            ),
        ),
    )


def _each(row: Json, column: str, make: Callable[[Json], Any]) -> tuple[Any, ...]:
    listed: Iterable[Any] = row.get(column) or ()
    if not isinstance(listed, list | tuple):
        raise WrongQuery(f"Column {column} must hold a json array.")
    return tuple(
        _checked(f"{column}[{place}]", partial(make, one)) for place, one in enumerate(listed)
    )


def _checked(place: str, make: Callable[[], Any]) -> Any:
    """What `make` makes; its complaint names the place and the field, not the value."""
    try:
        return make()
    except KeyError as error:
        raise WrongQuery(f"{place} lacks {error.args[0]!r}.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise WrongQuery(f"{place}.{field}: {_hint(str(first['type']), first['msg'])}.") from None
    except (AttributeError, TypeError):
        raise WrongQuery(f"{place} must be a json object.") from None


def _hint(kind: str, message: str) -> str:
    if kind == "timezone_aware":
        return "the time has no zone; use timestamptz"
    return message if kind != "value_error" else "this is not a value we know"


def _whole(value: Any, column: str) -> int | None:
    if isinstance(value, Decimal) and value != value.to_integral_value():
        raise WrongQuery(f"Column {column} has a fraction; it is a whole number.")
    return None if value is None else int(value)


def _tenure(row: Json, now: datetime) -> int | None:
    since: date | datetime | None = row.get("customer_since")
    if since is None:
        return _whole(row.get("tenure_days"), "tenure_days")
    if not isinstance(since, datetime):
        since = datetime(since.year, since.month, since.day, tzinfo=UTC)
    return max((now - since).days, 0)


def _in_a_line(billing: Billing) -> str:
    paid = len(billing.paid_invoices)
    worth = f", {billing.mrr.plain} a month" if billing.mrr else ""
    return f"{billing.plan_tier or 'no plan'}{worth}, {paid} paid invoice{'' if paid == 1 else 's'}"
