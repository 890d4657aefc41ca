"""A person with the `temporal` command and our codec server, on a case that is sealed."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette

from encryption import KEY_ID, KeyRing
from starter.codec import routes
from tests.encryption.conftest import NAMESPACE, Case, Installation, payloads_in, ring, temporal
from tests.workflows.outside import Outside, retry
from workflows.case import State

pytestmark = pytest.mark.system

TOKEN = "of-the-codec-server"


class CommandLine:
    def __init__(self, installation: Installation, codec: str) -> None:
        self._installation, self._codec = installation, codec

    async def __call__(self, *words: str, codec: bool = True) -> str:
        """What `temporal …` prints. With `codec`, through our codec server."""
        options = ["--address", self._installation.address, "--namespace", NAMESPACE]
        options += ["--codec-endpoint", self._codec] if codec else []
        process = await asyncio.create_subprocess_exec(
            temporal(),
            *words,
            *options,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode()


@asynccontextmanager
async def codec_server(keys: KeyRing) -> AsyncIterator[str]:
    app = Starlette(routes=routes(keys, NAMESPACE, TOKEN, ["http://localhost:8233"]))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/codec"
        server.should_exit = True
        await serving


@pytest.fixture
async def case(installation: Installation, outside: Outside) -> AsyncIterator[Case]:
    outside.plans = [retry(days=0, approval="APPR_AMOUNT")]
    async with installation.workers(ring("k1"), outside) as client:
        case = await installation.start(client)
        await case.reaches(State.AWAITING_APPROVAL)
        yield case


@pytest.fixture
async def command(installation: Installation) -> AsyncIterator[CommandLine]:
    async with codec_server(ring("k1")) as address:
        yield CommandLine(installation, address)


async def test_a_query_is_answered_in_plain_words(case: Case, command: CommandLine) -> None:
    question = ("workflow", "query", "-w", case.workflow_id, "--type", "status", "-o", "json")

    sealed = await command(*question, codec=False)
    opened = await command(*question)

    assert "awaiting_approval" not in sealed
    assert json.loads(opened)["queryResult"][0]["state"] == "awaiting_approval"


@pytest.mark.parametrize("through_codec", [True, False])
async def test_a_signal_is_heard_sealed_or_not(
    case: Case, command: CommandLine, through_codec: bool
) -> None:
    body = json.dumps({"actor": "dana", "reason": "she called"})

    await command(
        *("workflow", "signal", "-w", case.workflow_id, "--name", "approve", "--input", body),
        codec=through_codec,
    )

    assert await case.outcome() == "recovered"
    [sent] = [
        payload
        for event in await case.history()
        for payload in payloads_in(event.workflow_execution_signaled_event_attributes)
    ]
    assert (KEY_ID in sent.metadata) is through_codec


async def test_an_update_is_heard_and_answered_in_plain_words(
    case: Case, command: CommandLine
) -> None:
    body = json.dumps({"verdict": "reject", "actor": "dana"})

    answer = await command(
        *("workflow", "update", "execute", "-w", case.workflow_id, "--name", "decide"),
        *("--input", body, "-o", "json"),
    )

    assert json.loads(answer)["result"]["state"] == "awaiting_csm"
    await case.reaches(State.AWAITING_CSM)


async def test_the_history_can_be_read_by_who_may(case: Case, command: CommandLine) -> None:
    show = ("workflow", "show", "-w", case.workflow_id, "-o", "json")

    sealed = await command(*show, codec=False)
    opened = await command(*show, "--codec-auth", f"Bearer {TOKEN}")

    assert KEY_ID in sealed
    assert KEY_ID not in opened
    assert as_shown("Weigh the evidence") in opened


def as_shown(text: str) -> str:
    """`-o json` prints what is inside a payload in base64."""
    return base64.b64encode(json.dumps(text).encode()).decode()
