"""How every stand-in takes a request: fault, credentials, contract, handler, log."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.contract.check import Contract, ContractError, Decoded, Operation
from sandbox.effects import RequestLine
from sandbox.faults import Fault, Faults, Vendor
from sandbox.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a handler says: a status and a JSON body (None for no body)."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        headers = dict(self.headers)
        if self.body is None:
            return Response(status_code=self.status, headers=headers)
        return JSONResponse(self.body, self.status, headers=headers)


class RefusedError(Exception):
    """The vendor says no."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


@dataclass(frozen=True)
class Call:
    """One request that the contract found to be well-formed."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    credential: str


Handler = Callable[[Call], Answer]


class Voice(Protocol):
    """How one vendor words what every vendor has to say."""

    def unauthorized(self, why: str) -> Answer: ...

    def rate_limited(self, fault: Fault) -> Answer: ...

    def server_error(self) -> Answer: ...


class VendorApp:
    """One vendor: a table of handlers behind its contract.

    Subclasses say how credentials are read (`authenticate`), how refusals are worded, and may
    wrap the handler (`perform`), as Stripe does for its idempotency keys.
    """

    contract: Contract

    def __init__(self, world: World, *, check_answers: bool = False) -> None:
        self.world = world
        self.check_answers = check_answers
        self.handlers: dict[str, Handler] = {}

    def authenticate(self, headers: Mapping[str, str]) -> str:
        """The credential of a request. Raises `RefusedError`."""
        raise NotImplementedError

    def unknown_route(self, method: str, path: str) -> Answer:
        raise NotImplementedError

    def malformed(self, broken: ContractError) -> Answer:
        raise NotImplementedError

    async def perform(self, call: Call, request: Request) -> Answer:
        return self.handlers[call.operation.name](call)

    async def endpoint(self, request: Request) -> Response:
        path = "/" + request.path_params["path"]
        found = self.contract.match(request.method, path)
        try:
            credential = self.authenticate(request.headers)
            if found is None or found[0].name not in self.handlers:
                raise RefusedError(self.unknown_route(request.method, path))
            operation, path_values = found
            body = await request.body()
            decoded = self._read(operation, request, body)
            call = Call(
                operation=operation,
                path=path_values,
                query=decoded.query,
                body=decoded.body,
                headers=request.headers,
                credential=credential,
            )
            answer = await self.perform(call, request)
        except RefusedError as refusal:
            answer = refusal.answer
        if self.check_answers and found is not None:
            self._hold_answer(found[0], answer)
        return answer.response()

    def _read(self, operation: Operation, request: Request, body: bytes) -> Decoded:
        try:
            return self.contract.read_request(operation, request.url.query, body, request.headers)
        except ContractError as broken:
            raise RefusedError(self.malformed(broken)) from broken

    def _hold_answer(self, operation: Operation, answer: Answer) -> None:
        problem = self.contract.answer_problem(operation, answer.status, answer.body)
        if problem is not None:
            log.error("the sandbox broke its contract: %s", problem)
            self.world.contract_breaches.append(problem)


def bearer(headers: Mapping[str, str]) -> str | None:
    """The bearer token of a request, if it has one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class FaultGate:
    """Stands before one vendor: logs each request and plays the fault that is armed for it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        vendor: Vendor,
        voice: Voice,
        world: World,
        faults: Faults,
        left_to_app: frozenset[str] = frozenset(),
    ) -> None:
        self.app = app
        self.vendor: Vendor = vendor
        self.voice = voice
        self.world = world
        self.faults = faults
        self.left_to_app = left_to_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        fault = self.faults.draw(self.vendor, f"{scope['method']} {path}")
        line = self._log(scope, path, fault)

        async def send_and_log(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message.get("headers", []))
                self._amend(
                    line,
                    status=message["status"],
                    replayed=headers.get(b"idempotent-replayed") == b"true",
                )
            await send(message)

        async def swallow(message: Message) -> None:
            return None

        early = self._early_answer(fault)
        if fault is None:
            await self.app(scope, receive, send_and_log)
        elif early is not None:
            await early.response()(scope, receive, send_and_log)
        elif fault.kind == "cut_before":
            await cut(scope, receive)
        elif fault.kind == "cut_after":
            await self.app(scope, receive, swallow)
            await cut(scope, receive)
        elif fault.kind in self.left_to_app:
            await self.app({**scope, "sandbox.fault": fault}, receive, send_and_log)
        elif fault.kind == "error_after":
            await self.app(scope, receive, swallow)
            await self.voice.server_error().response()(scope, receive, send_and_log)
        else:  # latency
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send_and_log)

    def _early_answer(self, fault: Fault | None) -> Answer | None:
        if fault is None or fault.kind in self.left_to_app:
            return None
        match fault.kind:
            case "rate_limit":
                return self.voice.rate_limited(fault)
            case "refuse_credentials":
                return self.voice.unauthorized("Invalid credentials provided")
            case "error_before" | "error_stored":
                return self.voice.server_error()
        return None

    def _log(self, scope: Scope, path: str, fault: Fault | None) -> RequestLine:
        headers = dict(scope["headers"])
        line = RequestLine(
            at=self.world.clock.now(),
            vendor=self.vendor,
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode(),
            idempotency_key=headers.get(b"idempotency-key", b"").decode() or None,
            fault=fault.kind if fault else None,
        )
        self.world.requests.append(line)
        return line

    @staticmethod
    def _amend(line: RequestLine, *, status: int, replayed: bool) -> None:
        line.status = status
        line.replayed = replayed


async def cut(scope: Scope, receive: Receive) -> None:
    """Drop the connection without a word, as a crashing load balancer would."""
    transport = scope.get("extensions", {}).get("sandbox.transport")
    if transport is None:
        raise ConnectionResetError("the sandbox cut the connection")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def fault_of(request: Request) -> Fault | None:
    """The fault that the gate left to the vendor."""
    found = request.scope.get("sandbox.fault")
    return found if isinstance(found, Fault) else None
