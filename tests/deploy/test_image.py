"""The `Dockerfile` and what it lets in."""

import fnmatch
import re
import subprocess
import sys
import tomllib

from tests.deploy.files import ROOT, read

DOCKERFILE = re.sub(r"\\\n", " ", read("Dockerfile"))
LINES = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
BASES = [line.split()[1] for line in LINES if line.startswith("FROM ")]
LAST = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
COPIED = [
    source
    for line in LINES
    if line.startswith("COPY ") and "--from=" not in line
    for source in line.split()[1:-1]
]


def test_both_stages_start_from_one_pinned_slim_image() -> None:
    assert len(set(BASES)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", BASES[0])


def test_every_package_is_a_wheel_with_a_pinned_hash() -> None:
    installs = [line for line in LINES if re.search(r"pip\b.* install", line)]

    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]


def test_it_runs_as_nobody_in_particular_and_its_entry_point_is_dunning() -> None:
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", LAST, re.MULTILINE)
    assert 'ENTRYPOINT ["dunning"]' in LAST


def test_the_last_stage_installs_nothing() -> None:
    assert not re.search(r"apt-get|apk |curl |\binstall\b", LAST)


def test_what_is_copied_exists_and_passes_the_ignore_file() -> None:
    allowed = re.findall(r"^!(.+?)/?$", read(".dockerignore"), re.MULTILINE)

    for source in COPIED:
        assert list(ROOT.glob(source)), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in allowed), source
    assert re.search(r"^\*$", read(".dockerignore"), re.MULTILINE)


def test_all_of_the_program_is_copied_but_the_sandbox() -> None:
    linted = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["root_packages"]
    copied = {path.stem for source in COPIED for path in ROOT.glob(source)}

    assert set(linted) - copied == {"sandbox"}


def test_worker_and_webhook_start_without_the_sandbox() -> None:
    script = (
        "import sys, worker, starter.cli, starter.server\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'sandbox']\n"
        "import os; os._exit(0)"
    )

    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0
