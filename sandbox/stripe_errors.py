"""How Stripe words what it refuses."""

from collections.abc import Mapping
from typing import Any

from sandbox.faults import Fault
from sandbox.stripe_objects import Json
from sandbox.vendor import Answer


class StripeVoice:
    """How Stripe words its refusals."""

    def unauthorized(self, why: str) -> Answer:
        return error(401, "invalid_request_error", why)

    def rate_limited(self, fault: Fault) -> Answer:
        return error(
            429,
            "invalid_request_error",
            "Request rate limit exceeded. Learn more at https://docs.stripe.com/rate-limits.",
            code="rate_limit",
            headers={"Retry-After": f"{fault.seconds:g}", "Stripe-Rate-Limited-Reason": "global"},
        )

    def server_error(self) -> Answer:
        return error(
            500, "api_error", "Sorry, there was a problem on our side. We have been notified."
        )


def error(
    status: int,
    type: str,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Answer:
    """An error in Stripe's envelope."""
    body: Json = {"type": type}
    if code is not None:
        body |= {"code": code, "doc_url": _doc_url(code)}
    if param:
        body["param"] = param
    body |= {key: value for key, value in more.items() if value is not None}
    body["message"] = message
    return Answer({"error": body}, status, headers or {})


def _doc_url(code: str) -> str:
    return f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}"


def lock_timeout() -> Answer:
    """Somebody else is working on the same object."""
    return error(
        429,
        "invalid_request_error",
        "This object cannot be accessed right now because another API request or Stripe process "
        "is currently accessing it. If you see this error intermittently, retry the request.",
        code="lock_timeout",
        headers={"Stripe-Should-Retry": "true"},
    )
