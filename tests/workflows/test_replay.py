"""Histories recorded from earlier code must replay on today's: else running cases would break."""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.workflows.conftest import Recovery, sandbox_runner
from tests.workflows.outside import Outside, retry
from tests.workflows.scenarios import HISTORIES, SCENARIOS
from workflows.case import Outcome, RecoveryInput
from workflows.recovery import RecoverInvoice
from workflows.steps import PayKind

RECORDED = sorted(HISTORIES.glob("*.json"))


def _replayer(story: type) -> Replayer:
    return Replayer(
        workflows=[story],
        data_converter=pydantic_data_converter,
        workflow_runner=sandbox_runner(),
    )


def _history(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(f"dunning-{file.stem}", file.read_text())


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_every_recorded_case_replays_on_todays_code(file: Path) -> None:
    await _replayer(RecoverInvoice).replay_workflow(_history(file))


def test_every_ending_has_a_recorded_history() -> None:
    names = {file.stem for file in RECORDED}

    assert names == set(SCENARIOS)
    assert all(any(name.startswith(outcome[:9]) for name in names) for outcome in Outcome)


@workflow.defn(name="RecoverInvoice")
class Reordered(RecoverInvoice):
    """What a careless change would look like: evidence before ownership."""

    @workflow.init
    def __init__(self, start: RecoveryInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: RecoveryInput) -> str:
        return await super().run(start)

    async def own_the_retries(self) -> None:
        if not self.owned:
            await self.gather_evidence()
        await super().own_the_retries()


async def test_a_reordered_story_is_caught() -> None:
    with pytest.raises(NondeterminismError):
        await _replayer(Reordered).replay_workflow(_history(HISTORIES / "recovered_by_retry.json"))


async def test_a_case_with_two_retries_stays_small(recovery: Recovery, outside: Outside) -> None:
    outside.plans = [retry(days=2), retry(days=4), retry(days=6)]
    outside.bank = [PayKind.DECLINED, PayKind.DECLINED, PayKind.PAID]
    case = await recovery.start()
    assert await case.outcome() == "recovered"

    history = await case.handle.fetch_history()

    per_retry = len(history.events) / 3
    assert per_retry * 2 < 180
    assert len(history.to_json()) < 80_000 * 2  # JSON is about twice the stored bytes
