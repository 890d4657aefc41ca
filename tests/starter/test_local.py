"""Servers on this machine: they come up, their failure is told, and nothing is left behind."""

import asyncio
import socket
import sys
from pathlib import Path

import asyncpg
import pytest

from starter import local
from starter.errors import UserError

pytestmark = pytest.mark.system


async def test_postgres_comes_up_and_goes_away() -> None:
    with local.short_folder() as folder:
        async with local.postgres(folder / "pg") as dsn:
            connection = await asyncpg.connect(dsn)
            assert await connection.fetchval("select 1") == 1
            await connection.close()

        with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
            await asyncpg.connect(dsn)
    assert not folder.exists()


async def test_a_process_that_ends_at_once_tells_its_last_words(tmp_path: Path) -> None:
    family = local.Family(tmp_path)
    async with family.stack:
        dying = (sys.executable, "-c", "raise SystemExit('out of paper')")
        child = await family.start("printer", dying, local.plain_environment())

        async def never() -> bool:
            return False

        with pytest.raises(UserError, match="out of paper"):
            await local.ready("The printer", never, child)


async def test_what_was_started_is_stopped(tmp_path: Path) -> None:
    family = local.Family(tmp_path)
    async with family.stack:
        sleeping = (sys.executable, "-c", "import time; time.sleep(600)")
        child = await family.start("sleeper", sleeping, local.plain_environment())
        assert child.alive

    assert not child.alive


async def test_the_end_of_any_process_is_noticed(tmp_path: Path) -> None:
    family = local.Family(tmp_path)
    async with family.stack, asyncio.timeout(20):
        sleeping = (sys.executable, "-c", "import time; time.sleep(600)")
        await family.start("sleeper", sleeping, local.plain_environment())
        await family.start("brief", (sys.executable, "-c", "0"), local.plain_environment())

        assert (await family.until_one_ends()).name == "brief"


def test_a_taken_port_is_told_with_the_option_to_change_it() -> None:
    with socket.socket() as other:
        other.bind((local.LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]

        assert local.free_port(port) != port
        with pytest.raises(UserError, match=f"Port {port} for the fax is in use.*--fax-port"):
            local.must_be_free(port, "the fax", "--fax-port")
