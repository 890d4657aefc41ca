"""The company's own database, asked by the company's own query: what we take, and what we
refuse.
"""

import json
from pathlib import Path

import asyncpg
import pytest
from temporalio.exceptions import ApplicationError

from activities.database import Pool, connect
from activities.postgres import BillingActivities, check
from activities.records import Records
from tests.activities.given import NOON, a_reading, a_ref, an_open_case
from workflows.money import Money
from workflows.playbook import Playbook
from workflows.steps import Gather

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "playbook" / "billing.sql").read_text(encoding="utf-8")
TABLES = (ROOT / "sandbox" / "billing.sql").read_text(encoding="utf-8")

ACME = """
insert into customers (stripe_customer_id, name, created_at)
  values ('cus_1', 'Acme GmbH', '2025-11-02T12:00:00Z');
insert into subscriptions values (1, 'growth', 'Growth (yearly)', 4900, 'usd', 12);
insert into invoices (customer_id, number, amount_minor, currency, created_at, paid_at, attempts)
  values (1, 'A-1', 4900, 'usd', '2026-08-01T08:00:00Z', '2026-08-01T08:04:00Z', 1),
         (1, 'A-2', 5100, 'eur', '2026-09-01T08:00:00Z', '2026-09-03T08:04:00Z', 2),
         (1, 'A-3', 4900, 'usd', '2026-10-01T08:00:00Z', null, 1);
insert into payment_failures values
  (2, '2026-09-01T08:04:00Z', 'insufficient_funds', 'retry'),
  (3, '2026-10-01T08:04:00Z', 'do_not_honor', null);
"""

ONE_ROW = """select 'growth' as plan_tier, 'Growth' as plan_name, 4900 as mrr_minor,
  'usd' as currency, 365 as tenure_days"""


class Company:
    """The company's database, its read-only role, and a case that asks it."""

    def __init__(self, pool: Pool, records: Records, owner: asyncpg.Connection) -> None:
        self.pool = pool
        self.records = records
        self.owner = owner
        self.activities = BillingActivities(pool, records)

    async def asked(self, sql: str = SHIPPED, *, round: int = 1):
        """Gather with this query; answer with what people read and what the rules get."""
        ref = await an_open_case(
            self.records,
            a_ref(f"in_{round}", round=round),
            playbook=Playbook(hash=f"p{hash(sql)}", billing_sql=sql),
        )
        await self.records.note_identity(ref, a_reading(ref.invoice))
        gathered = await self.activities.gather_billing(Gather(ref=ref))
        await self.records.put_snapshot(
            ref, "stripe", True, a_reading(ref.invoice).model_dump(mode="json")
        )
        facts = await self.records.facts(ref, live=False)
        return gathered, facts.billing

    async def refuses(self, sql: str) -> str:
        """What the person who wrote the query reads."""
        with pytest.raises(ApplicationError) as refusal:
            await self.asked(sql)
        assert refusal.value.non_retryable
        return refusal.value.message


@pytest.fixture
async def company(dsn: str, records: Records):
    owner = await asyncpg.connect(dsn)
    await owner.execute(TABLES)
    role = f"reader_{dsn.rsplit('_', 1)[1].split('?')[0]}"
    await owner.execute(f"""
        create role {role} login;
        grant select on all tables in schema public to {role};
        alter role {role} set default_transaction_read_only = on""")
    pool = await connect(dsn.replace("postgres:@", f"{role}:@"), size=2, read_only=True)
    yield Company(pool, records, owner)
    await pool.close()
    await owner.execute(f"drop owned by {role}; drop role {role}")
    await owner.close()


# ── the shipped query ───────────────────────────────────────────────────────────────────


async def test_the_shipped_query_tells_plan_value_tenure_and_history(company: Company):
    await company.owner.execute(ACME)

    gathered, billing = await company.asked()

    assert gathered.text == "growth, 49.00 USD a month, 2 paid invoices"
    assert (billing.plan_tier, billing.plan_name, billing.seats) == (
        "growth",
        "Growth (yearly)",
        12,
    )
    assert billing.mrr == Money(amount=4900, currency="usd")
    assert billing.tenure_days == 365
    assert [(one.number, one.amount.plain, one.attempts) for one in billing.paid_invoices] == [
        ("A-1", "49.00 USD", 1),
        ("A-2", "51.00 EUR", 2),
    ]
    assert [one.code for one in billing.failed_payments] == ["insufficient_funds", "do_not_honor"]
    assert [(one.recovered_at.day, one.via) for one in billing.prior_recoveries] == [(3, "retry")]


async def test_a_customer_without_any_history_is_fine(company: Company):
    await company.owner.execute(ACME + "delete from payment_failures; delete from invoices;")

    _, billing = await company.asked()

    assert billing.paid_invoices == billing.failed_payments == billing.prior_recoveries == ()


async def test_a_customer_that_the_company_does_not_know_is_not_found(company: Company):
    gathered, billing = await company.asked()

    assert (gathered.found, gathered.text) == (False, "no such customer in our database")
    assert billing is None


async def test_without_a_query_nothing_is_asked(company: Company):
    gathered, _ = await company.asked("")

    assert (gathered.found, gathered.text) == (False, "no billing query is set")


async def test_the_plan_shows_on_the_case(company: Company):
    await company.owner.execute(ACME)
    await company.asked()

    assert (await company.records.case("in_1")).plan_tier == "growth"


async def test_the_shipped_query_satisfies_the_doctor_and_extra_columns_are_only_noted(
    company: Company,
):
    assert await check(company.pool, SHIPPED) == ([], [])
    assert await check(company.pool, f"{ONE_ROW}, 'x' as colour where $1 = 'cus_1'") == (
        [],
        ["Column colour is not one we use; it is ignored."],
    )


# ── queries that are wrong ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        (ONE_ROW, "Use $1 for Stripe's customer id"),
        (f"{ONE_ROW} where $1::int = 1", "$1 is compared with int4; it is text."),
        (
            "select 'growth' as plan_tier, 4900 as mrr_minor, 'usd' as currency where $1 = ''",
            "Column plan_name is missing; it should be text. "
            "Column customer_since (a date or timestamptz) or tenure_days is missing.",
        ),
        (
            ONE_ROW.replace("4900", "'49.00 dollars'") + " where $1 <> ''",
            "Column mrr_minor is text; it should be a whole number of minor units (bigint).",
        ),
        (ONE_ROW.replace("4900", "49.5") + " where $1 <> ''", "mrr_minor has a fraction"),
        (f"{ONE_ROW} from generate_series(1, 3) where $1 <> ''", "several rows for one customer"),
        ("select nothing from nowhere where x = $1", 'relation "nowhere" does not exist'),
        (f"{ONE_ROW} where $1 = '' oops", "the database does not understand it: syntax error"),
        (ONE_ROW.replace("'usd'", "null::text") + " where $1 <> ''", "Column currency is empty"),
        (
            ONE_ROW.replace("'usd'", "'dollars'") + " where $1 <> ''",
            "mrr_minor.currency: this is not a value we know",
        ),
    ],
)
async def test_a_wrong_query_is_told_what_is_wrong_and_what_it_should_be(
    company: Company, sql: str, complaint: str
):
    told = await company.refuses(sql)

    assert told.startswith("playbook/billing.sql: ")
    assert complaint in told


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [
        ([{"amount": 1, "created": "2026-01-01"}], "paid_invoices[0] lacks 'paid_at'"),
        (
            [{"amount": 1, "created": "2026-01-01T00:00:00", "paid_at": "2026-01-01T00:00:00"}],
            "the time has no zone; use timestamptz",
        ),
        (["A-1"], "paid_invoices[0] must be a json object"),
        ({"number": "A-1"}, "Column paid_invoices must hold a json array"),
    ],
)
async def test_a_history_of_the_wrong_shape_is_named_by_its_place(
    company: Company, listed: object, complaint: str
):
    told = await company.refuses(
        f"{ONE_ROW}, '{json.dumps(listed)}'::jsonb as paid_invoices where $1 <> ''"
    )

    assert complaint in told


@pytest.mark.parametrize(
    "sql",
    [
        "delete from invoices where number = $1",
        "delete from invoices where number = $1 returning number",
        f"with gone as (delete from invoices returning 1) {ONE_ROW} where $1 <> ''",
        f"{ONE_ROW} where $1 <> ''; delete from invoices",
        "commit",
        "reset role",
        "set role postgres",
        "set transaction read write",
        "copy invoices to program 'id'",
        f"{ONE_ROW}, pg_read_file('/etc/hostname') where $1 <> ''",
    ],
)
async def test_a_query_cannot_do_anything_but_read(company: Company, sql: str):
    await company.owner.execute(ACME)

    with pytest.raises(ApplicationError):
        await company.asked(sql)

    assert await company.owner.fetchval("select count(*) from invoices") == 3


async def test_a_query_that_takes_too_long_is_stopped(company: Company, monkeypatch):
    monkeypatch.setattr("activities.postgres.LIMITS", "set local statement_timeout = '50ms'")

    with pytest.raises(ApplicationError, match="took longer than three seconds"):
        await company.asked(f"{ONE_ROW} from pg_sleep(10) where $1 <> ''")


async def test_a_role_that_may_not_read_is_told_to_be_granted_select(company: Company):
    await company.owner.execute("create table secrets (plan_tier text)")

    with pytest.raises(ApplicationError, match="Grant select"):
        await company.asked(f"{ONE_ROW} from secrets where $1 <> ''")


async def test_the_invoice_is_given_to_a_query_that_asks_for_it(company: Company):
    _, billing = await company.asked(ONE_ROW.replace("'Growth'", "$2::text") + " where $1 <> ''")

    assert billing.plan_name == "in_1"


async def test_tenure_is_counted_in_case_time(company: Company):
    since = ONE_ROW.replace("365 as tenure_days", "date '2026-10-01' as customer_since")

    _, billing = await company.asked(f"{since} where $1 <> ''")

    assert billing.tenure_days == (NOON.date() - NOON.date().replace(month=10, day=1)).days
