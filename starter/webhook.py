"""The HTTP side: Stripe's webhook, the health checks, and the customer's pay page.

There is no inbox table. Temporal is the store: a failed payment is acknowledged only after
signal-with-start has succeeded, and Stripe redelivers whatever was answered with a 503.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.service import RPCError

from starter.pay import PayPage
from starter.stripe_event import STARTS, WAKES, Concerns, NotAnEventError, StripeEvent, read
from starter.stripe_signature import is_from_stripe
from starter.temporal import Hint, Told

LARGEST_BODY = 512 * 1024
BODY_DEADLINE = 5.0  # seconds
SEATS = 64
READY_FOR = 2.0  # seconds that an answer of /readyz is kept
ALARM_AFTER = 5  # failed signatures within ALARM_WINDOW, and none that was valid
ALARM_WINDOW = 300.0

log = structlog.get_logger("dunning.webhook")


class Starts(Protocol):
    """What the receiver needs of Temporal (`starter.temporal.Cases`)."""

    async def failed(self, invoice: str, event: dict[str, str], hint: Hint) -> Told: ...
    async def tell(self, invoice: str, event: dict[str, str]) -> Told: ...


FindOpen = Callable[[Concerns], Awaitable[Sequence[str]]]
Check = Callable[[], Awaitable[bool]]


class CannotFindError(Exception):
    """Our records cannot be read now: Stripe should deliver this event again."""


def _plain(status: int, text: str = "", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(text, status, headers=named, media_type="text/plain")


# One constant answer per situation: nothing a sender wrote is ever sent back.
def done() -> Response:
    return _plain(200)


def bad_request() -> Response:
    return _plain(400, "bad request\n")


def too_slow() -> Response:
    return _plain(408, "request timeout\n", Connection="close")


def too_large() -> Response:
    return _plain(413, "payload too large\n", Connection="close")


def wrong_type() -> Response:
    return _plain(415, "unsupported media type\n")


def try_again(seconds: int) -> Response:
    return _plain(503, "try again\n", Retry_After=str(seconds))


# ── the receiver ────────────────────────────────────────────────────────────────────────


class Seats:
    """At most so many requests at once. In a full house, the slowest reader makes room.

    So slow senders cannot keep Stripe out: each newcomer takes the place of whoever has been
    waiting longest for its own body.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._reading: dict[asyncio.Timeout, None] = {}
        self._evicted: set[asyncio.Timeout] = set()

    def take(self) -> bool:
        if self._free <= 0 and not self._evict_the_slowest():
            return False
        self._free -= 1
        return True

    def leave(self) -> None:
        self._free += 1

    async def read(self, request: Request, deadline: float) -> bytes | Response:
        """The whole body, or why not."""
        timeout = asyncio.timeout(deadline)
        self._reading[timeout] = None
        try:
            async with timeout:
                return await _body(request)
        except TimeoutError:
            return try_again(1) if timeout in self._evicted else too_slow()
        except ClientDisconnect:
            return bad_request()
        finally:
            self._reading.pop(timeout, None)
            self._evicted.discard(timeout)

    def _evict_the_slowest(self) -> bool:
        slowest = next(iter(self._reading), None)
        if slowest is None:
            return False
        del self._reading[slowest]
        self._evicted.add(slowest)
        slowest.reschedule(asyncio.get_running_loop().time())
        return True


async def _body(request: Request) -> bytes | Response:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY:
            return too_large()
        chunks.append(chunk)
    return b"".join(chunks)


class Receiver:
    """`POST /webhooks/stripe`. An event is a hint: it starts or wakes a case, and that is all."""

    def __init__(
        self,
        *,
        secrets: Sequence[str],
        live: bool,
        cases: Starts,
        find_open: FindOpen,
        clock: Callable[[], float] = time.time,
        seats: int = SEATS,
        deadline: float = BODY_DEADLINE,
    ) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._live = live
        self._cases = cases
        self._find_open = find_open
        self._clock = clock
        self._seats = Seats(seats)
        self._deadline = deadline
        self._alarm = SignatureAlarm(clock)

    async def __call__(self, request: Request) -> Response:
        if (refusal := _refused_unread(request)) is not None:
            return refusal
        if not self._seats.take():
            return try_again(1)
        try:
            body = await self._seats.read(request, self._deadline)
            return body if isinstance(body, Response) else await self._receive(request, body)
        finally:
            self._seats.leave()

    async def _receive(self, request: Request, body: bytes) -> Response:
        header = request.headers.get("stripe-signature", "")
        genuine = is_from_stripe(body, header, self._secrets, self._clock())
        self._alarm.heard(genuine)
        if not genuine:
            return bad_request()
        try:
            event = read(body, live=self._live)
        except NotAnEventError as flaw:
            log.warning("a signed delivery was refused", code=flaw.code)
            return bad_request()
        return await self._pass_on(event)

    async def _pass_on(self, event: StripeEvent) -> Response:
        """Answer 200 only after Temporal has it; otherwise ask Stripe to deliver again."""
        try:
            if event.kind == STARTS and event.concerns.invoice:
                told = await self._cases.failed(event.concerns.invoice, event.message, event.hint)
                self._log(event, event.concerns.invoice, told)
            elif event.kind in WAKES and event.concerns:
                await self._wake(event)
        except (RPCError, RuntimeError, OSError, TimeoutError, CannotFindError) as error:
            log.error(
                "an event was not taken; Stripe will deliver it again",
                event_type=event.kind,
                event_id=event.id,
                **_why(error),
            )
            return try_again(5)
        return done()

    async def _wake(self, event: StripeEvent) -> None:
        for invoice in await self._find_open(event.concerns):
            told = await self._cases.tell(invoice, event.message)
            self._log(event, invoice, told)

    def _log(self, event: StripeEvent, invoice: str, told: Told) -> None:
        log.info(
            "an event reached its case",
            event_type=event.kind,
            event_id=event.id,
            invoice=invoice,
            outcome=told.name.lower(),
        )


def _why(error: BaseException) -> dict[str, str]:
    if isinstance(error, RPCError):
        return {"system": "temporal", "code": error.status.name.lower()}
    system = "postgresql" if isinstance(error, CannotFindError) else "temporal"
    return {"system": system, "error": type(error.__cause__ or error).__name__}


def _refused_unread(request: Request) -> Response | None:
    """What its headers alone tell us about a request."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return wrong_type()
    length = request.headers.get("content-length")
    if length is None:
        return None  # chunked: counted as it arrives
    if not (length.isascii() and length.isdigit()):
        return bad_request()
    return too_large() if len(length) > 12 or int(length) > LARGEST_BODY else None


class SignatureAlarm:
    """Says once, loudly, that every delivery fails its signature: a secret is wrong."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = 0.0
        self._failed = 0

    def heard(self, genuine: bool) -> None:
        now = self._clock()
        if genuine or now - self._since > ALARM_WINDOW:
            self._since, self._failed = now, 0
        if genuine:
            return
        self._failed += 1
        if self._failed == ALARM_AFTER + 1:
            log.error(
                "Every delivery fails its signature. If they come from Stripe, then "
                "STRIPE_WEBHOOK_SECRET is not this endpoint's, or the clock here is wrong.",
                alert="webhook_signatures",
                count=self._failed,
            )


# ── health ──────────────────────────────────────────────────────────────────────────────


@dataclass
class Health:
    """`/healthz` says that this process lives, `/readyz` that it can take events."""

    postgres: Check
    temporal: Check
    clock: Callable[[], float] = time.monotonic
    _until: float = -1.0
    _answer: tuple[bool, bool] = (False, False)

    async def live(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        if self.clock() >= self._until:
            self._answer = await self._look()
            self._until = self.clock() + READY_FOR
        postgres, temporal = self._answer
        ready = postgres or temporal
        body = {"status": "ready" if ready else "not ready"}
        return JSONResponse(
            body | {"postgres": _word(postgres), "temporal": _word(temporal)}, 200 if ready else 503
        )

    async def _look(self) -> tuple[bool, bool]:
        postgres, temporal = await asyncio.gather(_quietly(self.postgres), _quietly(self.temporal))
        return postgres, temporal


def _word(up: bool) -> str:
    return "up" if up else "down"


async def _quietly(check: Check) -> bool:
    """A check that raises or takes longer than a second says no."""
    try:
        async with asyncio.timeout(1.0):
            return await check()
    except Exception:
        return False


# ── the application ─────────────────────────────────────────────────────────────────────

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def create_app(
    receiver: Receiver,
    health: Health,
    pay: PayPage,
    *,
    more: Sequence[Route] = (),
    lifespan: Lifespan | None = None,
) -> Starlette:
    """Wire the routes. Every collaborator is an argument, so a test is the same program."""

    async def webhook(request: Request) -> Response:
        return await receiver(request)

    return Starlette(
        routes=[
            Route("/webhooks/stripe", webhook, methods=["POST"]),
            Route("/healthz", health.live, methods=["GET"]),
            Route("/readyz", health.ready, methods=["GET"]),
            Route("/pay/{token}", pay.show, methods=["GET"]),
            Route("/pay/{token}", pay.go, methods=["POST"]),
            *more,
        ],
        lifespan=lifespan,
    )
