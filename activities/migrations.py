"""Our schema `dunning`, brought up to date: safe to run twice, and by two processes at once.

The files are dbmate's format (`NNN_name.sql` with `-- migrate:up` and `-- migrate:down`), so that
its command line can apply the same folder by hand. Each file runs in one transaction of its own.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

FOLDER = Path(__file__).parent.parent / "migrations"
LOCK = int.from_bytes(b"dunning")  # the advisory lock that only one migration run can hold
FILE_NAME = re.compile(r"\d{3,}_[a-z0-9_]+\.sql")

_BOOK_OF_MIGRATIONS = """
create schema if not exists dunning;
create table if not exists dunning.migration (
  name       text primary key,
  sha256     text not null,
  applied_at timestamptz not null default now()
);
"""


class MigrationError(Exception):
    """The schema cannot be brought up to date; the message says what to do."""


@dataclass(frozen=True)
class Migration:
    name: str
    up: str
    sha256: str

    @classmethod
    def read(cls, path: Path) -> "Migration":
        text = path.read_text(encoding="utf-8")
        if not FILE_NAME.fullmatch(path.name):
            raise MigrationError(f"{path.name}: name it like 004_what_it_does.sql")
        parts = re.split(r"^-- migrate:(up|down)[ \t]*$", text, flags=re.MULTILINE)
        sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        if "up" not in sections:
            raise MigrationError(f"{path.name}: it has no line '-- migrate:up'")
        return cls(path.stem, sections["up"], hashlib.sha256(text.encode()).hexdigest())


async def migrate(dsn: str, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing, in order of the names; answer with the names applied.

    Raises `MigrationError` when a file that was applied before has been edited or is gone, and
    whatever PostgreSQL says when a file fails: that file is then rolled back, earlier ones stay.
    """
    wanted = _read_all(folder)
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK)  # until we disconnect
        await connection.execute(_BOOK_OF_MIGRATIONS)
        missing = _missing(wanted, await _applied(connection))
        for migration in missing:
            async with connection.transaction():
                await connection.execute(migration.up)
                await connection.execute(
                    "insert into dunning.migration (name, sha256) values ($1, $2)",
                    migration.name,
                    migration.sha256,
                )
        return [migration.name for migration in missing]
    finally:
        await connection.close(timeout=5)


async def unapplied(dsn: str, folder: Path = FOLDER) -> list[str]:
    """The names that `migrate` would apply now. Changes nothing, takes no lock."""
    wanted = _read_all(folder)
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        known = await connection.fetchval("select to_regclass('dunning.migration') is not null")
        applied = await _applied(connection) if known else {}
        return [migration.name for migration in _missing(wanted, applied)]
    finally:
        await connection.close(timeout=5)


def _read_all(folder: Path) -> list[Migration]:
    return [Migration.read(path) for path in sorted(folder.glob("*.sql"))]


async def _applied(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, str]:
    rows = await connection.fetch("select name, sha256 from dunning.migration")
    return {row["name"]: row["sha256"] for row in rows}


def _missing(wanted: list[Migration], applied: dict[str, str]) -> list[Migration]:
    for migration in wanted:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationError(
                f"migrations/{migration.name}.sql was edited after this database applied it. "
                "Restore the file, and put the change into a new one with the next number."
            )
    missing = [migration for migration in wanted if migration.name not in applied]
    newest = max(applied, default="")
    for migration in missing:
        if migration.name < newest:
            raise MigrationError(
                f"migrations/{migration.name}.sql comes before {newest}, which this database has "
                "already applied. Give it the next number."
            )
    return missing
