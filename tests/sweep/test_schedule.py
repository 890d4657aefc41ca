"""The sweep's schedule: made paused, switched on and off, and never switched by `migrate`."""

from datetime import timedelta

import pytest
from temporalio.client import ScheduleOverlapPolicy

from starter import sweeping
from starter.errors import UserError
from tests.fixtures.installation import Installation

pytestmark = pytest.mark.system


async def test_the_schedule_of_an_installation(installation: Installation):
    client, queue = installation.client, installation.cases.queue
    with pytest.raises(UserError, match="dunning migrate"):
        await sweeping.switch(None)

    assert await sweeping.set_up(client, queue, 15)
    assert not await sweeping.set_up(client, queue, 20)
    assert (await sweeping.switch(None))["text"] == "The sweep is off."

    account = await installation.fails()
    assert (await sweeping.switch(True))["on"]
    await installation.reaches(account.invoice, "waiting_to_retry")
    assert not await sweeping.set_up(client, queue, 30)

    async def has_ended() -> object:
        return (await sweeping.switch(None))["last"]

    last = await installation.until(has_ended)
    shown = await sweeping.switch(None)
    schedule = (await client.get_schedule_handle(sweeping.SCHEDULE).describe()).schedule
    assert last["started"] == [account.invoice]
    assert shown["on"]
    assert "Started 1 missing cases" in shown["text"]
    assert schedule.spec.intervals[0].every == timedelta(minutes=30)
    assert schedule.policy.overlap is ScheduleOverlapPolicy.SKIP
    assert schedule.policy.catchup_window == timedelta(hours=1)
    assert not (await sweeping.switch(False))["on"]
    await client.get_schedule_handle(sweeping.SCHEDULE).delete()


async def test_the_check_of_an_installation(
    installation: Installation, capsys: pytest.CaptureFixture[str]
):
    from rich.console import Console

    from starter import check

    account = await installation.fails()
    await installation.sweeps()
    await installation.reaches(account.invoice, "waiting_to_retry")

    good = await check.examine()
    await installation.cases.handle(account.invoice).terminate("lost")
    await installation.ages(account.invoice)
    bad = await check.examine()

    assert good.kept
    assert [each.promise for each in bad.broken] == ["every open case is being worked on"]
    check.show(Console(width=200), good)
    check.show(Console(width=200), bad)
    shown = capsys.readouterr().out
    assert "Every promise is kept." in shown
    assert f"{account.invoice}: its case is open, and no run in Temporal works on it." in shown
