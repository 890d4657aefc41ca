"""What Temporal keeps of a case is sealed: inputs, results, messages, summaries and failures.

AES-256-GCM with a fresh random 96-bit nonce for every payload (NIST SP 800-38D, 8.2.2). Random
nonces allow 2^32 payloads under one key (8.3); a case has about 200, so that is 20 million cases.
Rotate long before: once a year.

A sealed payload names its key, so old cases stay readable while keys change:

    1. add the new key behind the old one and restart every process;
    2. put it first: from now on it seals;
    3. remove the old one after the longest case and Temporal's retention have passed.

Never sealed, because Temporal reads it itself: workflow ids, search attributes, and the names of
types, signals and queues. They hold ids, states and amounts only.
"""

import dataclasses
import itertools
import logging
import os
import re
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.converter import PayloadCodec as TemporalCodec

from settings import KeyRing, SettingsError

__all__ = ["BrokenSealError", "KeyRing", "PayloadCodec", "SealError", "UnknownKeyError"]
__all__ += ["data_converter"]

VARIABLE = "DUNNING_PAYLOAD_KEYS"
SEALED = b"binary/encrypted"  # the encoding that Temporal's own samples and Web UI know
KEY_ID = "encryption-key-id"
CODEC_VERSION = b"1"
NONCE_BYTES = 12  # NIST SP 800-38D, 5.2.1.1: 96 bits is the length to use
TAG_BYTES = 16
RANDOM_ENOUGH = 16  # different bytes; 32 random ones have about 30, and never this few

log = logging.getLogger("dunning.encryption")


class SealError(Exception):
    """A sealed payload cannot be opened here, so it must not be used, shown or thrown away.

    Raised while Temporal decodes, it fails the workflow task, which Temporal tries again until it
    succeeds: the case pauses, loses nothing, and goes on by itself once the cause is gone.
    """

    safe_to_log = True


class UnknownKeyError(SealError):
    """Sealed with a key that this process does not hold."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        super().__init__(
            f"A payload was sealed with the key {kid}, which {VARIABLE} does not hold. "
            "Add that key behind the active one and restart; the paused cases then go on."
        )


class BrokenSealError(SealError):
    """Changed since it was sealed, or sealed for another namespace."""

    def __init__(self) -> None:
        super().__init__(
            "A sealed payload was changed, or was sealed for another namespace or with another "
            f"key of the same name. Compare {VARIABLE} and the namespace of all processes."
        )


class PayloadCodec(TemporalCodec):
    """Seals everything that leaves this process for Temporal, and opens what comes back.

    What was never sealed is passed through: a signal that a person typed without the codec server
    is accepted (and stays readable in the case's history).
    """

    def __init__(self, ring: KeyRing, namespace: str) -> None:
        _refuse_known_keys(ring)
        self._ciphers = {kid: AESGCM(key) for kid, key in ring.keys.items()}
        self._active = ring.active[0]
        self._namespace = namespace
        self._alerted: set[str] = set()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self.seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self.open(payload) for payload in payloads]

    def seal(self, payload: Payload) -> Payload:
        kid, nonce = self._active, os.urandom(NONCE_BYTES)
        text = self._ciphers[kid].encrypt(nonce, payload.SerializeToString(), self._bound_to(kid))
        return Payload(metadata={"encoding": SEALED, KEY_ID: kid.encode()}, data=nonce + text)

    def open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != SEALED:
            return payload
        kid = payload.metadata.get(KEY_ID, b"").decode(errors="replace")
        cipher = self._ciphers.get(kid)
        if cipher is None:
            raise self._unknown(kid)
        if len(payload.data) < NONCE_BYTES + TAG_BYTES:
            raise BrokenSealError
        nonce, text = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, text, self._bound_to(kid)))
        except (InvalidTag, DecodeError):
            raise BrokenSealError from None

    def _bound_to(self, kid: str) -> bytes:
        """What the seal vouches for beside the content (NIST SP 800-38D: additional data).

        So a payload cannot be moved to another namespace or passed off under another key. A NUL
        separates, because neither a key id nor a namespace can hold one.
        """
        return b"\0".join(
            (b"dunning-payload", CODEC_VERSION, kid.encode(), self._namespace.encode())
        )

    def _unknown(self, kid: str) -> UnknownKeyError:
        """One alert for each missing key, not one for each of Temporal's many attempts."""
        kid = kid if re.fullmatch(r"[A-Za-z0-9_-]{1,16}", kid) else "without-a-valid-id"
        if kid not in self._alerted:
            self._alerted.add(kid)
            log.error(
                "a payload key is missing: cases sealed with it pause until it is back",
                extra={"alert": "payload_key_unknown", "kid": kid},
            )
        return UnknownKeyError(kid)


def data_converter(ring: KeyRing | None, namespace: str = "default") -> DataConverter:
    """How every client and worker of ours translates for Temporal. No ring: nothing is sealed.

    Failures carry their message and stack trace as a payload, so these are sealed as well. The
    `type` of an `ApplicationError` is not: it must be a constant.
    """
    if ring is None:
        return pydantic_data_converter
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=PayloadCodec(ring, namespace),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def _refuse_known_keys(ring: KeyRing) -> None:
    """A key from a manual protects nothing. Samples are words, zeros or counting; noise is not."""
    for position, (kid, key) in enumerate(ring.keys.items(), start=1):
        problem = _why_anybody_could_know(key)
        if problem:
            raise SettingsError(
                {
                    VARIABLE: f"{problem} in entry {position}. Make a key of your own: "
                    f"{kid}:$(openssl rand -base64 32)."
                }
            )


def _why_anybody_could_know(key: bytes) -> str | None:
    steps = {(after - before) % 256 for before, after in itertools.pairwise(key)}
    if len(set(key)) < RANDOM_ENOUGH or len(steps) == 1:
        return "holds a sample key or a pattern"
    if all(0x20 <= byte < 0x7F for byte in key):  # by chance once in 10^13 keys
        return "holds a sample key or readable text"
    return None
