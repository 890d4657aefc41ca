"""The storm itself, small: real servers, real kills, real promises."""

from pathlib import Path

import pytest
from rich.console import Console

from proof import chaos


@pytest.mark.system
async def test_a_small_storm_breaks_no_promise(tmp_path: Path):
    size = chaos.Size(cases=8, storm=12, calm=60)

    verdict = await chaos.run(13, size, tmp_path / "seed-13", Console(quiet=True))

    assert verdict.broken == ()
    assert verdict.seconds_to_all_ended is not None
    assert {"temporal", "receiver", "postgres"} <= set(verdict.kills)
