"""A worker that starts before its servers waits for them; a wrong password it tells at once."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

import worker
from starter.temporal import UnreachableError


@pytest.fixture(autouse=True)
def time_flies(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = iter(range(1_000))
    monkeypatch.setattr("worker.time.monotonic", lambda: float(next(passed)))
    at_once = asyncio.sleep
    monkeypatch.setattr("worker.asyncio.sleep", lambda _: at_once(0))


def answering(*answers: "BaseException | str") -> Iterator["BaseException | str"]:
    return iter(answers)


async def connected(answers: "Iterator[BaseException | str]") -> str:
    async def connect() -> str:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return await worker.patiently("postgres", connect)


async def test_what_is_not_up_yet_is_asked_again() -> None:
    starting = asyncpg.CannotConnectNowError("the database system is starting up")

    answers = answering(ConnectionRefusedError(), starting, UnreachableError("no"), "connected")

    assert await connected(answers) == "connected"


async def test_a_wrong_password_is_told_at_once() -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connected(answering(asyncpg.InvalidPasswordError("no"), "connected"))


async def test_what_never_comes_up_is_told_in_the_end() -> None:
    with pytest.raises(ConnectionRefusedError):
        await connected(answering(*[ConnectionRefusedError() for _ in range(100)]))
