"""A shop whose promises can be checked, and somebody who breaks them."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from activities.ledger import Effect
from activities.promises import Budget, Promises, Report
from tests.fixtures.stripe import FailedInvoice, Shop


@dataclass
class SomeRuns:
    """Temporal, as far as the check asks it."""

    alive: set[str] = field(default_factory=set)
    started: list[tuple[str, bool]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def start(self, invoice: str, *, again: bool = False, lost: bool = False) -> bool:
        self.started.append((invoice, lost))
        return True

    async def tell(self, invoice: str, event: dict[str, str]) -> None:
        self.told.append(invoice)

    async def running(self) -> frozenset[str]:
        return frozenset(self.alive)

    async def is_open(self, invoice: str) -> bool:
        return invoice in self.alive

    async def first_run(self, invoice: str) -> str | None:
        return "run-1" if invoice in self.alive else None


@dataclass
class Sent:
    """A mailbox that knows which mails went out."""

    there: bool = True
    asked: list[Effect] = field(default_factory=list)

    async def is_there(self, row: Effect) -> bool:
        self.asked.append(row)
        return self.there


class Checked:
    """One failed invoice with an open case that a run works on: every promise is kept."""

    def __init__(self, shop: Shop, invoice: FailedInvoice, runs: SomeRuns) -> None:
        self.shop, self.invoice, self.runs = shop, invoice, runs

    async def report(self, most_reads: int = 200) -> Report:
        promises = Promises(
            self.shop.records.pool,
            self.shop.client,
            self.runs,
            clock=self.shop.clock,
            budget=lambda: Budget(left=most_reads, apart=0),
        )
        return await promises.check()

    async def broken(self) -> list[str]:
        """The promises that are broken; each sentence must name a thing and say what to do."""
        found = (await self.report()).broken
        assert all(each.invoice in each.sentence and each.do for each in found)
        return [each.promise for each in found]

    async def sql(self, statement: str, *values: object) -> None:
        """Somebody's hand in our tables, where no trigger stops them."""
        async with self.shop.records.pool.acquire() as connection, connection.transaction():
            await connection.execute("set local session_replication_role = replica")
            await connection.execute(statement, *values)

    def later(self, **time: float) -> None:
        self.shop.clock.forward(timedelta(**time))


@pytest.fixture
async def checked(shop: Shop) -> Checked:
    invoice = await shop.failed()
    return Checked(shop, invoice, SomeRuns(alive={invoice.id}))
