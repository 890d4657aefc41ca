"""The codec server: shows people with permission what Temporal itself cannot read.

Temporal's Web UI posts the payloads of the page it shows to `/codec/decode`; the command line
does so with `temporal … --codec-endpoint http://127.0.0.1:8000/codec`.
https://docs.temporal.io/production-deployment/data-encryption#codec-server

Who may ask: whoever presents `DUNNING_CODEC_TOKEN`, and a person at this very machine.
"""

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Callable, Sequence

from google.protobuf import json_format
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload, Payloads

from encryption import PayloadCodec, SealError
from settings import KeyRing, SettingsError, is_loopback

LARGEST_BODY = 8 * 1024 * 1024  # a page of history; Temporal sends at most 4 MiB, base64 adds 1/3
BODY_DEADLINE = 10.0  # seconds
HEADERS = ("authorization", "authorization-extras", "content-type", "x-namespace")  # the Web UI's
SIGNS_OF_A_PROXY = ("forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip")

log = logging.getLogger("dunning.codec")

Work = Callable[[Payload], Payload]


class RefusedError(Exception):
    """The request is not answered. Says why in words of ours, never in the sender's."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


def routes(
    ring: KeyRing | None,
    namespace: str,
    token: str | None,
    origins: Sequence[str],
    *,
    trust_loopback: bool = True,
) -> list[Route]:
    """`POST /codec/encode` and `/codec/decode`.

    Give `trust_loopback=False` when a proxy on this machine passes the outside world in: some
    add no header by which its visitors could be told from a person who sits here.
    """
    server = CodecServer(
        codec=PayloadCodec(ring, namespace) if ring else None,
        namespace=namespace,
        token=token or None,
        origins=_exact(origins),
        trust_loopback=trust_loopback,
    )
    cors = Middleware(
        CORSMiddleware,
        allow_origins=server.origins,
        allow_methods=["POST"],
        allow_headers=HEADERS,
        allow_credentials=True,
    )
    return [
        Route(f"/codec/{name}", endpoint, methods=["POST", "OPTIONS"], middleware=[cors])
        for name, endpoint in (("encode", server.encode), ("decode", server.decode))
    ]


class CodecServer:
    def __init__(
        self,
        *,
        codec: PayloadCodec | None,
        namespace: str,
        token: str | None,
        origins: tuple[str, ...],
        trust_loopback: bool,
    ) -> None:
        self.codec = codec
        self.namespace = namespace
        self.token = token
        self.origins = origins
        self.trust_loopback = trust_loopback

    async def encode(self, request: Request) -> Response:
        return await self._answer(request, lambda codec: codec.seal)

    async def decode(self, request: Request) -> Response:
        return await self._answer(request, lambda codec: codec.open)

    async def _answer(self, request: Request, job: Callable[[PayloadCodec], Work]) -> Response:
        if request.method == "OPTIONS":  # a browser's own were answered before they came here
            return Response(status_code=204, headers={"Allow": "POST, OPTIONS"})
        try:
            codec = self._admit(request)
            body = await _read(request)
            # In a thread: a page of history must not hold up the webhook beside us.
            answer = await asyncio.to_thread(_translate, body, job(codec))
        except RefusedError as refusal:
            return _plain(refusal)
        return Response(
            answer, media_type="application/json", headers={"Cache-Control": "no-store"}
        )

    def _admit(self, request: Request) -> PayloadCodec:
        """The codec, for whoever may use it. Cheap checks only: nothing of the body is read yet."""
        origin = request.headers.get("origin")
        if origin is not None and origin not in self.origins:
            raise RefusedError(403, "pages of this origin are not listed in DUNNING_CODEC_ORIGINS")
        if not (self._knows_the_token(request) or self._sits_here(request)):
            raise RefusedError(401, "send the header Authorization: Bearer <DUNNING_CODEC_TOKEN>")
        if self.codec is None:
            raise RefusedError(404, "DUNNING_PAYLOAD_KEYS is not set: nothing is encrypted here")
        if request.headers.get("x-namespace", self.namespace) != self.namespace:
            raise RefusedError(400, "this codec server serves another namespace")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise RefusedError(415, "send application/json")
        return self.codec

    def _knows_the_token(self, request: Request) -> bool:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if self.token is None or scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(shown.strip().encode(), self.token.encode())

    def _sits_here(self, request: Request) -> bool:
        """Is this a person at this machine, and not a visitor whom a proxy on it lets in?

        The address must be loopback, and the name that was called as well (another one would be
        DNS rebinding: a page of a stranger whose name resolves to 127.0.0.1). HTTP/1.0 is how an
        older nginx calls its upstream.
        """
        return (
            self.trust_loopback
            and request.client is not None
            and _is_loopback_address(request.client.host)
            and _is_loopback_name(request.headers.get("host", ""))
            and request.scope.get("http_version") != "1.0"
            and not any(_tells_of_a_proxy(name) for name in request.headers)
        )


def _exact(origins: Sequence[str]) -> tuple[str, ...]:
    if "*" in origins:
        raise SettingsError(
            {
                "DUNNING_CODEC_ORIGINS": "must not be *: every page in a browser on this machine "
                "could then read the cases. List your Web UI, such as http://localhost:8233."
            }
        )
    return tuple(origin.rstrip("/") for origin in origins)


def _is_loopback_address(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _is_loopback_name(host: str) -> bool:
    try:
        return is_loopback(f"http://{host}")
    except ValueError:
        return False


def _tells_of_a_proxy(header: str) -> bool:
    return header.startswith("x-forwarded") or header in SIGNS_OF_A_PROXY


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise RefusedError(413, "that is more than a page of history")
    except TimeoutError:
        raise RefusedError(408, "the body took too long") from None
    except ClientDisconnect:
        raise RefusedError(400, "the body ended early") from None
    return bytes(body)


def _translate(body: bytes, work: Work) -> str:
    try:
        payloads = json_format.Parse(body, Payloads(), ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError):
        raise RefusedError(400, 'send {"payloads": […]} as protobuf JSON') from None
    try:
        return json_format.MessageToJson(
            Payloads(payloads=map(work, payloads.payloads)), indent=None
        )
    except SealError as error:
        log.warning("the codec server could not open a payload: %s", type(error).__name__)
        raise RefusedError(400, "a payload cannot be opened with this server's keys") from None


def _plain(refusal: RefusedError) -> Response:
    headers = {"Cache-Control": "no-store"}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status in (408, 413):
        headers["Connection"] = "close"
    return Response(f"{refusal}\n", refusal.status, headers, "text/plain")
