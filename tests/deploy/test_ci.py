"""`.ci/run` asks make for the checks, all of them, and reports honestly."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import ROOT, read, targets


def run_with_a_make_that_fails_at(failing: str, tmp_path: Path) -> tuple[int, str, list[str]]:
    asked = tmp_path / "asked"
    make = tmp_path / "make"
    make.write_text(
        f'#!/bin/sh\nfor target; do :; done\necho "$target" >> {asked}\n'
        f'[ "$target" != "{failing}" ]\n'
    )
    make.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / ".ci/run"], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    return done.returncode, done.stdout, asked.read_text().split()


def test_it_asks_for_lint_types_and_test(tmp_path: Path) -> None:
    code, said, asked = run_with_a_make_that_fails_at("nothing", tmp_path)

    assert asked == ["lint", "types", "test"]
    assert (code, "All passed" in said) == (0, True)


@pytest.mark.parametrize("failing", ["lint", "types", "test"])
def test_one_failure_fails_it_and_the_rest_still_runs(failing: str, tmp_path: Path) -> None:
    code, said, asked = run_with_a_make_that_fails_at(failing, tmp_path)

    assert code == 1
    assert f"FAILED: {failing}" in said
    assert asked == ["lint", "types", "test"]


def test_it_calls_nothing_but_make_targets_that_exist() -> None:
    sections = re.findall(r"^section (\S+)", read(".ci/run"), re.MULTILINE)

    assert set(sections) <= targets()
