"""Our schema reaches any database once, whoever brings it, and history cannot be edited."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from activities.migrations import FOLDER, Migration, MigrationError, migrate, unapplied

SHIPPED = [path.stem for path in sorted(FOLDER.glob("*.sql"))]


async def test_an_empty_database_gets_everything_and_the_second_run_has_nothing_to_do(
    empty_dsn: str,
):
    assert await unapplied(empty_dsn) == SHIPPED

    assert await migrate(empty_dsn) == SHIPPED

    assert await migrate(empty_dsn) == []
    assert await unapplied(empty_dsn) == []


async def test_two_processes_that_start_at_once_apply_each_file_once(empty_dsn: str):
    runs = await asyncio.gather(*(migrate(empty_dsn) for _ in range(4)))

    assert sorted(runs, key=len) == [[], [], [], SHIPPED]


async def test_a_file_edited_after_it_was_applied_is_refused_by_name(empty_dsn: str, folder: Path):
    (folder / "001_people.sql").write_text("-- migrate:up\ncreate table dunning.person (id int);\n")
    await migrate(empty_dsn, folder)

    (folder / "001_people.sql").write_text(
        "-- migrate:up\ncreate table dunning.person (id bigint);\n"
    )

    with pytest.raises(MigrationError, match=r"001_people\.sql was edited .* a new one"):
        await migrate(empty_dsn, folder)


async def test_a_file_that_fails_leaves_nothing_behind_and_can_be_mended(
    empty_dsn: str, folder: Path
):
    (folder / "001_good.sql").write_text("-- migrate:up\ncreate table dunning.good (id int);\n")
    bad = folder / "002_bad.sql"
    bad.write_text("-- migrate:up\ncreate table dunning.half (id int);\nselect 1 / 0;\n")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_dsn, folder)

    bad.write_text("-- migrate:up\ncreate table dunning.half (id int);\n")

    assert await migrate(empty_dsn, folder) == ["002_bad"]


async def test_a_file_that_arrives_too_late_is_refused_with_what_to_do(
    empty_dsn: str, folder: Path
):
    (folder / "002_second.sql").write_text("-- migrate:up\nselect 1;\n")
    await migrate(empty_dsn, folder)

    (folder / "001_first.sql").write_text("-- migrate:up\nselect 1;\n")

    with pytest.raises(MigrationError, match="Give it the next number"):
        await migrate(empty_dsn, folder)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("add_things.sql", "-- migrate:up\nselect 1;", "name it like 004_what_it_does.sql"),
        ("001_things.sql", "select 1;", "no line '-- migrate:up'"),
    ],
)
async def test_a_file_that_dbmate_would_not_read_is_refused(
    empty_dsn: str, folder: Path, name: str, text: str, complaint: str
):
    (folder / name).write_text(text)

    with pytest.raises(MigrationError, match=complaint):
        await migrate(empty_dsn, folder)


async def test_every_file_can_be_taken_back(empty_dsn: str):
    await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)

    for path in sorted(FOLDER.glob("*.sql"), reverse=True):
        await connection.execute(path.read_text().split("-- migrate:down")[1])

    left = await connection.fetch("select tablename from pg_tables where schemaname = 'dunning'")
    assert [row["tablename"] for row in left] == ["migration"]
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_the_schema_only_grows_so_that_old_workers_go_on_beside_new_ones() -> None:
    """What shrinks or changes under a running worker comes one release after its last use."""
    shrinks = re.compile(r"\b(drop (table|column)|rename|alter column|truncate table)\b")

    for file in sorted(FOLDER.glob("*.sql")):
        assert not shrinks.search(Migration.read(file).up.lower()), file.name
