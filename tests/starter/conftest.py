"""The HTTP side with small stand-ins that remember what they were told."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from starter.pay import Bill, PayPage
from starter.stripe_event import Concerns
from starter.temporal import Hint, Told
from starter.webhook import Health, Receiver, create_app
from tests.starter import stripe_says
from workflows.nouns import InvoiceId


@dataclass
class Temporal:
    """Remembers what it was told. `trouble` is raised instead, `gate` holds answers back."""

    failed_calls: list[tuple[str, dict[str, str], Hint]] = field(default_factory=list)
    told: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    trouble: Exception | None = None
    gate: Any = None
    answer: Told = Told.STARTED_OR_TOLD

    async def failed(self, invoice: str, event: dict[str, str], hint: Hint) -> Told:
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble:
            raise self.trouble
        self.failed_calls.append((invoice, event, hint))
        return self.answer

    async def tell(self, invoice: str, event: dict[str, str]) -> Told:
        if self.trouble:
            raise self.trouble
        self.told.append((invoice, event))
        return self.answer


@dataclass
class Book:
    """Our records: who is concerned by what."""

    concerned: dict[str, list[str]] = field(default_factory=dict)
    trouble: Exception | None = None

    async def find(self, concerns: Concerns) -> Sequence[str]:
        if self.trouble:
            raise self.trouble
        ids = (concerns.invoice, concerns.customer, concerns.payment_intent, concerns.charge)
        return [case for key in ids if key for case in self.concerned.get(key, [])]


@dataclass
class Tokens:
    """One good token."""

    good: str = "k1.good"

    def read(self, token: str) -> InvoiceId:
        if token != self.good:
            raise ValueError("no such link")
        return InvoiceId("in_1Failed")


@dataclass
class Till:
    """What Stripe says of the invoice when the button is pressed."""

    bill: Bill = field(default_factory=lambda: Bill("open", "https://invoice.stripe.com/i/x"))
    reads: list[str] = field(default_factory=list)
    trouble: Exception | None = None

    async def read(self, invoice: InvoiceId) -> Bill:
        self.reads.append(invoice)
        if self.trouble:
            raise self.trouble
        return self.bill


@dataclass
class Site:
    """The application, everything it knows, and a browser."""

    app: Starlette
    http: httpx.AsyncClient
    temporal: Temporal
    book: Book
    till: Till
    up: dict[str, bool]
    time: list[float]

    async def post(self, what: Any, **options: Any) -> httpx.Response:
        """Deliver as Stripe would."""
        body = stripe_says.body_of(what)
        sent = stripe_says.headers(body, **options)
        return await self.http.post("/webhooks/stripe", content=body, headers=sent)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        yield site


@asynccontextmanager
async def running_site() -> AsyncIterator[Site]:
    temporal, book, till = Temporal(), Book(), Till()
    up, now = {"postgres": True, "temporal": True}, [0.0]

    async def postgres() -> bool:
        return up["postgres"]

    async def temporal_up() -> bool:
        return up["temporal"]

    receiver = Receiver(
        secrets=["whsec_old", stripe_says.SECRET],
        live=False,
        cases=temporal,
        find_open=book.find,
        deadline=0.2,
    )
    health = Health(postgres, temporal_up, clock=lambda: now[0])
    page = PayPage(Tokens(), till.read, company="Acme & Söhne", clock=lambda: now[0])
    app = create_app(receiver, health, page)
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://ours") as http:
        yield Site(app, http, temporal, book, till, up, now)
