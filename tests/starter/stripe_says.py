"""Stripe as its webhook sends: events, and signatures as only the owner of the secret can make."""

import hashlib
import hmac
import json
import time
from typing import Any

SECRET = "whsec_test_of_the_starter"


def event(
    kind: str = "invoice.payment_failed", thing: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    default = {
        "id": "in_1Failed",
        "object": "invoice",
        "customer": "cus_Anna",
        "amount_remaining": 4900,
        "currency": "usd",
    }
    return {
        "id": "evt_1Failed",
        "object": "event",
        "type": kind,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": default if thing is None else thing},
        **fields,
    }


def body_of(what: Any) -> bytes:
    return what if isinstance(what, bytes) else json.dumps(what).encode()


def signature(body: bytes, secret: str = SECRET, at: float | None = None) -> str:
    stamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def headers(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    return {
        "content-type": "application/json; charset=utf-8",
        "stripe-signature": signature(body, secret, at),
    }
