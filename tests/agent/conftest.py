"""A model to talk to over HTTP, and cases to talk about."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from activities import model, playbook
from activities.agent import Agent
from activities.decide import weigh
from activities.model import LiteLlm
from sandbox.model import Mode, State, model_app
from tests.agent.accounts import NOW
from workflows.case import Options
from workflows.evidence import Pack
from workflows.facts import Facts
from workflows.nouns import InvoiceId
from workflows.playbook import Playbook
from workflows.steps import Proposed, Ref

PLAYBOOK = Path(__file__).parents[2] / "playbook"


@dataclass
class ModelServer:
    """The stand-in provider, and where it listens."""

    url: str
    state: State

    def behaves(self, mode: Mode, seconds: float = 60.0) -> None:
        self.state.mode, self.state.seconds = mode, seconds

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.state.calls

    @property
    def heard(self) -> str:
        """Everything that was ever sent to it."""
        return "\n".join(message["content"] for call in self.calls for message in call["messages"])


@pytest.fixture(scope="session")
def provider() -> Iterator[ModelServer]:
    app = model_app()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    yield ModelServer(f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.model)
    server.should_exit = True
    server.force_exit = True
    thread.join(timeout=5)


@pytest.fixture(scope="session")
def litellm() -> Any:
    """Imported once: it takes seconds."""
    return model.library()


@pytest.fixture
def server(provider: ModelServer, litellm: Any) -> ModelServer:
    """A helpful model that nobody has asked yet."""
    provider.behaves(Mode.HELPFUL)
    provider.calls.clear()
    return provider


@pytest.fixture(scope="session")
def shipped() -> Playbook:
    """The playbook as it is shipped, which has no model."""
    return playbook.load(PLAYBOOK)


@pytest.fixture(scope="session")
def rules(shipped: Playbook, provider: ModelServer) -> Playbook:
    """The shipped playbook with the stand-in as its model."""
    return playbook.with_models(shipped, "openai/sandbox", "openai/sandbox", provider.url)


def impatient(rules: Playbook) -> Playbook:
    """28 seconds, shortened for a test."""
    decide, draft = (
        choice.model_copy(update={"timeout_seconds": 1.5})
        for choice in (rules.agent.decide, rules.agent.draft)
    )
    agent = rules.agent.model_copy(update={"decide": decide, "draft": draft})
    return rules.model_copy(update={"agent": agent})


@dataclass
class Books:
    """What `Records` does with costs, in memory."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    spent: Decimal = Decimal(0)
    spent_today: Decimal = Decimal(0)

    async def cost_of(self, invoice: InvoiceId) -> Decimal:
        return self.spent

    async def cost_today(self) -> Decimal:
        return self.spent_today

    async def book_call(self, ref: Ref, **call: Any) -> None:
        self.calls.append(call)
        self.spent += call["cost_usd"]


@dataclass
class Desk:
    """An agent with its playbook and its books, ready to be asked."""

    playbook: Playbook
    books: Books
    agent: Agent

    def weighed(self, facts: Facts) -> tuple[Options, Pack]:
        weighed, pack = weigh(facts, self.playbook)
        return weighed.options, pack

    async def propose(self, facts: Facts, look_ups: int = 0) -> Proposed:
        options, pack = self.weighed(facts)
        return await self.agent.propose(
            ref_of(facts), pack, options, self.playbook, look_ups=look_ups
        )


def ref_of(facts: Facts) -> Ref:
    return Ref(invoice=facts.invoice.id, cycle=1, round=1, now=NOW)


@pytest.fixture
def desk(rules: Playbook, server: ModelServer) -> Desk:
    books = Books()
    return Desk(rules, books, Agent(LiteLlm(), books))
