"""Stripe's post office: makes events, signs them, delivers them, tries again.

Deliveries run in the background and never hold up the API answer that caused them. A director may
hold events back and release them late, twice or in another order, as the real one does.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.effects import DeliveryLine
from sandbox.knobs import Knobs
from sandbox.world import Event, World


@dataclass(frozen=True)
class Cause:
    """Why an event happened: one of our API requests, or nothing of ours."""

    request_id: str | None = None
    idempotency_key: str | None = None


BY_ITSELF = Cause()


@dataclass(frozen=True)
class Endpoint:
    """Where events go, and what they are signed with."""

    url: str
    secret: str
    events: frozenset[str] | None = None
    """Types it subscribes to; None means all."""

    def wants(self, event: Event) -> bool:
        return self.events is None or event.type in self.events


def sign(payload: bytes, secret: str, timestamp: int | None = None) -> str:
    """The `Stripe-Signature` header of a payload."""
    stamp = int(time.time()) if timestamp is None else timestamp
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def as_json(event: Event) -> dict[str, Any]:
    """The event as Stripe sends and lists it."""
    data: dict[str, Any] = {"object": event.object}
    if event.previous_attributes is not None:
        data["previous_attributes"] = event.previous_attributes
    return {
        "id": event.id,
        "object": "event",
        "account": None,
        "api_version": event.api_version,
        "context": None,
        "created": event.created,
        "data": data,
        "livemode": event.livemode,
        "pending_webhooks": 0 if event.delivered else 1,
        "request": {"id": event.request_id, "idempotency_key": event.idempotency_key},
        "type": event.type,
    }


class Webhooks:
    """Events of one world, and their way to the endpoint."""

    def __init__(self, world: World, knobs: Knobs) -> None:
        self._world = world
        self._knobs = knobs
        self._client: httpx.AsyncClient | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self.endpoint: Endpoint | None = None
        self.holding = False
        self.held: list[str] = []
        self.mute = False
        """Events are made, but nobody is told: the webhook is lost."""

    def publish(
        self,
        type: str,
        thing: dict[str, Any],
        *,
        cause: Cause = BY_ITSELF,
        previous: dict[str, Any] | None = None,
        api_version: str | None = None,
    ) -> Event:
        """Make an event and send it on its way, unless events are held back or lost."""
        event = Event(
            id=self._world.ids.new("evt_1"),
            created=self._world.clock.stamp(),
            livemode=bool(thing.get("livemode")),
            type=type,
            object=thing,
            previous_attributes=previous,
            api_version=api_version or self._knobs.api_version,
            request_id=cause.request_id,
            idempotency_key=cause.idempotency_key,
        )
        self._world.events[event.id] = event
        if self.mute:
            event.undelivered_reason = "lost on purpose"
        elif self.holding:
            self.held.append(event.id)
        else:
            self.post(event.id)
        return event

    def post(self, event_id: str) -> None:
        """Start one delivery in the background."""
        event = self._world.events[event_id]
        if self.endpoint is None or not self.endpoint.wants(event):
            return
        task = asyncio.get_running_loop().create_task(self._deliver(event, self.endpoint))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def release(self, order: Iterable[str]) -> None:
        """Send held events in the order given; those left out are dropped."""
        self.holding, self.held = False, []
        for event_id in order:
            self.post(event_id)

    async def idle(self) -> None:
        """Until no delivery is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def forget(self) -> None:
        """Stop everything and start afresh; the endpoint stays."""
        await self.close()
        self.holding, self.held, self.mute = False, [], False

    async def _deliver(self, event: Event, endpoint: Endpoint) -> None:
        for attempt, wait in enumerate((*self._knobs.webhook_backoff_seconds, None), start=1):
            if await self._post_once(event, endpoint, attempt):
                event.delivered = True
                return
            if wait is None:
                event.undelivered_reason = "the endpoint refused every delivery"
                return
            await asyncio.sleep(wait)

    async def _post_once(self, event: Event, endpoint: Endpoint, attempt: int) -> bool:
        payload = json.dumps(as_json(event), indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(payload, endpoint.secret),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        status, error = None, None
        try:
            response = await self._http().post(
                endpoint.url,
                content=payload,
                headers=headers,
                timeout=self._knobs.webhook_timeout_seconds,
            )
            status = response.status_code
        except httpx.HTTPError as problem:
            error = type(problem).__name__
        self._world.deliveries.append(
            DeliveryLine(
                at=self._world.clock.now(),
                event=event.id,
                type=event.type,
                attempt=attempt,
                status=status,
                error=error,
            )
        )
        return status is not None and 200 <= status < 300

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False)
        return self._client
