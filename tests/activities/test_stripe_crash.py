"""A worker that dies at the worst moment: the next one charges once."""

import asyncio
import os
import sys

import pytest

from activities.failpoints import KILLED
from sandbox.accounts import AccountScript, Approve, CardScript, Decline
from sandbox.control import STRIPE_KEY
from tests.fixtures.stripe import Shop
from workflows.steps import Pay, PayKind

FUNDS = Decline(decline_code="insufficient_funds")
PLACES = ("before_intent", "after_intent", "after_call", "after_record")

A_WORKER = """
import asyncio, sys
from activities.ledger import Ledger
from activities.records import Records, connect
from activities.stripe import StripeActivities, connect as connect_stripe
from workflows.steps import Pay

async def work(dsn, stripe_base, key, order):
    pool = await connect(dsn, size=2)
    client = connect_stripe(key, stripe_base)
    activities = StripeActivities(client, Records(pool), Ledger(pool), live=False)
    await activities.pay_invoice(Pay.model_validate_json(order))

asyncio.run(work(*sys.argv[1:]))
"""


async def a_worker_pays(shop: Shop, dsn: str, order: Pay, failpoint: str, key: str = STRIPE_KEY):
    """A process of its own; answers with its exit code."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        A_WORKER,
        dsn,
        shop.sandbox.stripe_base,
        STRIPE_KEY,
        order.model_dump_json(),
        env={**os.environ, "DUNNING_FAILPOINT": failpoint, "STRIPE_API_KEY": key},
    )
    return await worker.wait()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("second", [Approve(), FUNDS], ids=["paid", "declined"])
async def test_a_worker_killed_while_paying_leaves_one_charge(shop: Shop, dsn, place, second):
    card = CardScript(outcomes=(FUNDS, second, Approve()))
    invoice = await shop.failed(AccountScript(card=card))
    order = await invoice.decided()

    assert await a_worker_pays(shop, dsn, order, f"pay.{place}") == KILLED
    result = await invoice.pay(order)

    assert result.kind is (PayKind.PAID if isinstance(second, Approve) else PayKind.DECLINED)
    assert [charge.charge for charge in await invoice.charges()] == [result.charge]


async def test_no_failpoint_ever_kills_a_worker_with_a_live_key(shop: Shop, dsn):
    card = CardScript(outcomes=(FUNDS, Approve()))
    invoice = await shop.failed(AccountScript(card=card))
    order = await invoice.decided()

    assert await a_worker_pays(shop, dsn, order, "pay.after_intent", key="rk_live_x") == 0
    assert len(await invoice.charges()) == 1
