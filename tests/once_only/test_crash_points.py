"""For every effect: the program is killed before the intent, after it, after the call, and after
the record. Run again, it leaves exactly one effect in the world.
"""

import asyncio
import os
import sys

import pytest

from activities.failpoints import KILLED
from sandbox.control import GRAPH_TOKEN, STRIPE_KEY
from tests.activities.people import SENDER
from tests.once_only.conftest import EFFECTS, Act, Company
from workflows.steps import LetterKind, Send

PLACES = ("before_intent", "after_intent", "after_call", "after_record")


class Killed(BaseException):
    """As abrupt as a process can end without ending: nothing that catches errors catches it."""


async def is_killed_at(name: str, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setenv("DUNNING_FAILPOINT", name)
        patch.setenv("STRIPE_API_KEY", STRIPE_KEY)
        patch.setattr("os._exit", die)
        with pytest.raises(Killed):
            await act()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("effect", EFFECTS)
async def test_killed_anywhere_it_happens_once(
    company: Company, effect: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = await company.order(effect)

    await is_killed_at(f"{effect.partition(':')[0]}.{place}", act, monkeypatch)
    first = await company.until_done(act)
    second = await company.until_done(act)

    assert first == second
    assert await company.happened(effect) == 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("effect", EFFECTS)
async def test_killed_again_and_again_it_happens_once(
    company: Company, effect: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker in a crash loop: killed at the same line three times, if it gets there again."""
    act = await company.order(effect)
    name = f"{effect.partition(':')[0]}.{place}"

    for _ in range(3):
        try:
            await is_killed_at(name, lambda: company.until_done(act), monkeypatch)
        except pytest.fail.Exception:
            break  # it was done, so that line is not reached any more
    await company.until_done(act)

    assert await company.happened(effect) == 1


# ── a process that is really killed (paying: tests/activities/test_stripe_crash.py) ─────

A_WORKER = """
import asyncio, sys
from activities import mailbox
from activities.ledger import Ledger
from activities.outlook import OutlookActivities
from activities.records import Records, connect
from workflows.steps import Send

async def nothing(_): return None

async def work(dsn, graph, token, sender, order):
    pool = await connect(dsn, size=2)
    async with mailbox.connect(sender, api_base=graph, access_token=token) as box:
        outlook = OutlookActivities(box, Records(pool), Ledger(pool), nothing, live=False)
        await outlook.send_letter(Send.model_validate_json(order))

asyncio.run(work(*sys.argv[1:]))
"""


async def a_worker_sends(company: Company, dsn: str, order: Send, failpoint: str) -> int:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", A_WORKER, dsn, company.shop.sandbox.graph_base, GRAPH_TOKEN, SENDER,
        order.model_dump_json(),
        env={**os.environ, "DUNNING_FAILPOINT": failpoint, "STRIPE_API_KEY": STRIPE_KEY},
    )  # fmt: skip
    return await worker.wait()


@pytest.mark.parametrize("place", PLACES)
async def test_a_worker_killed_while_mailing_leaves_one_mail(
    company: Company, dsn: str, place: str
) -> None:
    order = await company._letter(LetterKind.HANDOFF)

    assert await a_worker_sends(company, dsn, order, f"mail.{place}") == KILLED
    await company.until_done(lambda: company.outlook.send_letter(order))

    assert await company.happened("mail:handoff") == 1
