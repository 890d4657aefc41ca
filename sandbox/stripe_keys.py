"""Stripe's idempotency keys, as documented for its v1 API.

The first answer of a key is kept once execution has begun, declines and 500s included, and played
again; other parameters are refused; a key in flight is a 409; after a day a key may be forgotten.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.knobs import Knobs
from sandbox.stripe_errors import error
from sandbox.vendor import Answer, RefusedError

KeyId = tuple[str, str]
"""A key belongs to a credential."""


@dataclass
class KeyRecord:
    """What Stripe remembers of one key."""

    fingerprint: str
    first_seen: float
    answer: Answer | None = None
    """None while the first request is still in flight."""


class IdempotencyKeys:
    """Every key that was used."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._records: dict[KeyId, KeyRecord] = {}

    def earlier_answer(self, key: KeyId, request: list[Any]) -> Answer | None:
        """What to say again, or None for a new key. Raises `RefusedError`."""
        record = self._records.get(key)
        if record is None or self._expired(record):
            return None
        if record.fingerprint != _fingerprint(request):
            raise RefusedError(
                error(
                    400,
                    "idempotency_error",
                    "Keys for idempotent requests can only be used with the same parameters they "
                    "were first used with. Try using a key other than the one you used.",
                )
            )
        if record.answer is None:
            raise RefusedError(
                error(
                    409,
                    "idempotency_error",
                    "There is currently another in-progress request using this Idempotent Key.",
                    code="idempotency_key_in_use",
                    headers={"Stripe-Should-Retry": "true"},
                )
            )
        headers = {**record.answer.headers, "Idempotent-Replayed": "true"}
        return Answer(record.answer.body, record.answer.status, headers)

    @contextmanager
    def in_flight(self, key: KeyId, request: list[Any]) -> Iterator[KeyRecord]:
        """Execution begins; what is put into the record is the answer of the key from now on."""
        record = self._records[key] = KeyRecord(_fingerprint(request), time.monotonic())
        try:
            yield record
        finally:
            if record.answer is None:
                self._records.pop(key, None)

    def forget(self) -> None:
        """As if a day had passed: every key is new again."""
        self._records.clear()

    def _expired(self, record: KeyRecord) -> bool:
        age = time.monotonic() - record.first_seen
        return record.answer is not None and age >= self._knobs.idempotency_ttl_seconds


def _fingerprint(request: list[Any]) -> str:
    return json.dumps(request, sort_keys=True)
