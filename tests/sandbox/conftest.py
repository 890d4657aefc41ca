"""A running sandbox, the vendors' SDKs pointed at it, and an endpoint that collects webhooks."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import stripe
import urllib3
from hubspot import HubSpot
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control import GRAPH_TOKEN, HUBSPOT_TOKEN, STRIPE_KEY, Sandbox
from sandbox.server import listen, serving

SECRET = "whsec_test"
API_VERSION = "2026-10-28.endive"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox that holds its own answers against the vendors' types, too."""
    async with Sandbox.running(check_answers=True) as running:
        yield running
        assert await running.contract_breaches() == []


@pytest.fixture
def stripe_client(sandbox: Sandbox) -> stripe.StripeClient:
    return stripe_for(sandbox)


def stripe_for(sandbox: Sandbox, key: str = STRIPE_KEY) -> stripe.StripeClient:
    """The Stripe SDK. Its telemetry is off, so that every request looks the same."""
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        max_network_retries=0,
        base_addresses={"api": sandbox.stripe_base},
        http_client=stripe.HTTPXClient(timeout=10, verify_ssl_certs=False),
    )


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Plain HTTP with good Stripe credentials, for requests that no SDK would send."""
    headers = {"Authorization": f"Bearer {STRIPE_KEY}", "Stripe-Version": API_VERSION}
    async with httpx.AsyncClient(
        base_url=sandbox.stripe_base, headers=headers, trust_env=False, verify=False
    ) as client:
        yield client


@pytest.fixture
def hubspot(sandbox: Sandbox) -> HubSpot:
    """The HubSpot SDK. It blocks, so call it through `asyncio.to_thread`."""
    return HubSpot(access_token=HUBSPOT_TOKEN, host=sandbox.hubspot_base, retry=urllib3.Retry(0))


@pytest.fixture
async def graph(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Plain HTTP with a good Graph token."""
    headers = {"Authorization": f"Bearer {GRAPH_TOKEN}"}
    async with httpx.AsyncClient(
        base_url=sandbox.graph_base, headers=headers, trust_env=False, verify=False
    ) as client:
        yield client


@dataclass
class Inbox:
    """A webhook endpoint that remembers what came, and answers as told."""

    url: str = ""
    raw: list[tuple[bytes, str]] = field(default_factory=list)
    refuse_next: int = 0
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.raw]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    async def receive(self, request: Request) -> Response:
        async with self._came:
            self.raw.append((await request.body(), request.headers["stripe-signature"]))
            self._came.notify_all()
        if self.refuse_next:
            self.refuse_next -= 1
            return Response(status_code=503)
        return Response(status_code=200)

    async def has(self, count: int) -> None:
        """Until that many deliveries came."""
        async with asyncio.timeout(5), self._came:
            await self._came.wait_for(lambda: len(self.raw) >= count)


@pytest.fixture
async def inbox(sandbox: Sandbox) -> AsyncIterator[Inbox]:
    """The endpoint that the sandbox's Stripe delivers `invoice.payment_failed` and `paid` to."""
    box = Inbox()
    app = Starlette(routes=[Route("/hook", box.receive, methods=["POST"])])
    async with serving(app, listen()) as origin:
        box.url = f"{origin}/hook"
        await sandbox.set_webhook(box.url, SECRET, ["invoice.payment_failed", "invoice.paid"])
        yield box


@pytest.fixture(scope="session", autouse=True)
def no_telemetry() -> Iterator[None]:
    before, stripe.enable_telemetry = stripe.enable_telemetry, False
    yield
    stripe.enable_telemetry = before
