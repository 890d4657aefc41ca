"""`dunning serve`: wires the HTTP side to Temporal, our records and Stripe; runs it on uvicorn."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from temporalio.client import Client

from activities import playbook as playbooks
from activities.database import Pool
from activities.database import connect as connect_database
from activities.links import Links
from activities.migrations import unapplied
from activities.records import Records
from settings import WebSettings, is_loopback
from starter import codec, temporal
from starter.errors import UserError
from starter.pay import PayPage
from starter.stripe_event import Concerns
from starter.stripe_reading import Bills
from starter.webhook import CannotFindError, Health, Receiver, create_app

DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class OpenCases:
    """Our records, connected on first use: a failed payment starts its case even without them."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Pool | None = None
        self._connecting = asyncio.Lock()

    async def find(self, concerns: Concerns) -> Sequence[str]:
        try:
            async with asyncio.timeout(3):
                records = Records(await self._connected())
                return await records.open_cases_touching(
                    invoice=concerns.invoice,
                    customer=concerns.customer,
                    payment_intent=concerns.payment_intent,
                    charge=concerns.charge,
                )
        except DATABASE_ERRORS as error:
            raise CannotFindError(f"PostgreSQL: {type(error).__name__}") from error

    async def ready(self) -> bool:
        return not await unapplied(self._dsn)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def _connected(self) -> Pool:
        async with self._connecting:
            if self._pool is None:
                self._pool = await connect_database(
                    self._dsn, size=5, application="dunning serve", read_only=True
                )
        return self._pool


async def build(settings: WebSettings) -> Starlette:
    """The application with its real collaborators; none of them needs to be up yet."""
    client = await temporal.connect(settings.dunning_payload_keys, lazy=True)
    open_cases = OpenCases(settings.database_url.get_secret_value())
    receiver = Receiver(
        secrets=[secret.get_secret_value() for secret in settings.stripe_webhook_secret],
        live=settings.live,
        cases=temporal.Cases(client, settings.temporal_task_queue, settings.dunning_clock_speed),
        find_open=open_cases.find,
    )
    ring = settings.dunning_link_keys
    public_url = settings.dunning_public_url
    page = PayPage(
        Links(dict(ring.keys) if ring else {}, public_url),
        Bills(settings).read,
        company=playbooks.load(settings.dunning_playbook).company.name,
        sandbox=is_loopback(settings.stripe_api_base),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await open_cases.close()

    health = Health(open_cases.ready, _reachable(client))
    return create_app(
        receiver, health, page, more=_codec(settings, client.namespace), lifespan=lifespan
    )


def _codec(settings: WebSettings, namespace: str) -> Sequence[Route]:
    """A proxy that lets the public in may look like a person at this machine; where one is to be
    expected and there is a token, everybody shows it.
    """
    token, public = settings.dunning_codec_token, settings.dunning_public_url
    return codec.routes(
        settings.dunning_payload_keys,
        namespace,
        token.get_secret_value() if token else None,
        settings.dunning_codec_origins,
        trust_loopback=token is None or not public or is_loopback(public),
    )


def _reachable(client: Client) -> Any:
    async def check() -> bool:
        return await client.service_client.check_health(timeout=timedelta(seconds=1))

    return check


def bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else starts, so that a clash is one plain sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because asyncio sets TCP_NODELAY only on sockets that say they are TCP.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise UserError(
            f"Port {port} on {host} cannot be used ({error.strerror or error}). "
            "Another program may have it; choose one with --port."
        ) from error
    return taken


async def serve(settings: WebSettings, listener: socket.socket) -> None:
    """Until SIGINT or SIGTERM; requests under way are finished first."""
    config = uvicorn.Config(
        await build(settings),
        http="httptools",
        access_log=False,  # paths hold customers' tokens
        log_level="warning",
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=10,
        limit_concurrency=1_000,
        lifespan="on",
    )
    await uvicorn.Server(config).serve(sockets=[listener])
