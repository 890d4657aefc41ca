"""The one program: every stand-in, the customers' pages and the control API under one origin."""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pydantic import ValidationError, validate_call
from pydantic_core import to_jsonable_python
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from sandbox import hosted
from sandbox.billing import Billing
from sandbox.director import Director, ImpossibleError
from sandbox.faults import Fault, Faults, Vendor
from sandbox.graph import GraphApp
from sandbox.hubspot import HubSpotApp
from sandbox.knobs import Knobs
from sandbox.stripe import LEFT_TO_STRIPE, StripeApp
from sandbox.stripe_objects import StripeObjects
from sandbox.vendor import Answer, FaultGate, VendorApp, Voice
from sandbox.webhooks import Webhooks
from sandbox.world import World

ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(
    world: World,
    *,
    knobs: Knobs | None = None,
    faults: Faults | None = None,
    check_answers: bool = False,
) -> Starlette:
    """The sandbox as one ASGI program. Its director is `app.state.director`.

    `check_answers` also holds the sandbox's own answers against the contracts (tests do).
    """
    knobs = knobs or Knobs()
    faults = faults or Faults()
    webhooks = Webhooks(world, knobs)
    billing = Billing(world, webhooks, StripeObjects(world))
    stripe = StripeApp(world, billing, webhooks, knobs, check_answers=check_answers)
    hubspot = HubSpotApp(world, knobs, check_answers=check_answers)
    graph = GraphApp(world, knobs, check_answers=check_answers)
    director = Director(
        world,
        billing=billing,
        webhooks=webhooks,
        faults=faults,
        knobs=knobs,
        stripe=stripe,
        hubspot=hubspot,
    )

    def gate(
        app: ASGIApp, vendor: Vendor, voice: Voice, left_to_app: frozenset[str] = frozenset()
    ) -> ASGIApp:
        return FaultGate(
            app,
            vendor=vendor,
            voice=voice,
            world=world,
            faults=faults,
            left_to_app=left_to_app,
        )

    routes: list[BaseRoute] = [
        Mount("/stripe", gate(_served(stripe), "stripe", stripe.voice, LEFT_TO_STRIPE)),
        Mount("/hubspot", gate(_served(hubspot), "hubspot", hubspot.voice)),
        Mount("/graph/v1.0", gate(_served(graph), "graph", graph.voice)),
        *hosted.routes(director),
        Route("/_sandbox/{action}", _control(director), methods=["POST"]),
        Route("/_sandbox", _ready, methods=["GET"]),
    ]
    if find_spec("sandbox.model") is not None:
        model_app: ASGIApp = import_module("sandbox.model").model_app()
        routes.append(Mount("/openai/v1", gate(model_app, "model", ModelVoice())))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await webhooks.close()

    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.director = director
    app.state.vendors = {"stripe": stripe, "hubspot": hubspot, "graph": graph}
    return app


class ModelVoice:
    """How an OpenAI-compatible provider words its refusals."""

    def unauthorized(self, why: str) -> Answer:
        return self._error(401, "invalid_request_error", why, "invalid_api_key")

    def rate_limited(self, fault: Fault) -> Answer:
        answer = self._error(
            429, "requests", "Rate limit reached for requests.", "rate_limit_exceeded"
        )
        return Answer(answer.body, 429, {"Retry-After": f"{fault.seconds:g}"})

    def server_error(self) -> Answer:
        return self._error(500, "server_error", "The server had an error.", None)

    @staticmethod
    def _error(status: int, type: str, message: str, code: str | None) -> Answer:
        return Answer(
            {"error": {"message": message, "type": type, "param": None, "code": code}}, status
        )


def _served(vendor: VendorApp) -> Starlette:
    return Starlette(routes=[Route("/{path:path}", vendor.endpoint, methods=ANY_METHOD)])


@cache
def _actions() -> dict[str, Callable[..., Any]]:
    """The director's methods by name, each checking its arguments."""
    return {
        name: validate_call(method)
        for name, method in inspect.getmembers(Director, inspect.isfunction)
        if not name.startswith("_")
    }


def _control(director: Director) -> Any:
    """One route per method of the director: its arguments as a JSON object, its answer as JSON."""

    async def control(request: Request) -> Response:
        name = request.path_params["action"]
        action = _actions().get(name)
        if action is None:
            return JSONResponse({"error": f"no action {name!r}"}, 404)
        try:
            result = action(director, **(await request.json()))
            if inspect.isawaitable(result):
                result = await result
        except ValidationError as problem:
            return JSONResponse({"error": str(problem)}, 422)
        except ImpossibleError as problem:
            return JSONResponse({"error": str(problem)}, 409)
        return JSONResponse(to_jsonable_python(result))

    return control


async def _ready(request: Request) -> Response:
    return JSONResponse({"ready": True})
