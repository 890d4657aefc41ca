"""Is this body really from Stripe, and from just now?

Our own check of Stripe's published scheme (https://docs.stripe.com/webhooks#verify-manually),
because the SDK's accepts timestamps from the future and raises on non-ASCII headers and bodies.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

TOLERANCE = 300  # seconds, into the past and into the future
LONGEST_HEADER = 1024
MOST_SIGNATURES = 5

_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_from_stripe(body: bytes, header: str, secrets: Sequence[bytes], now: float) -> bool:
    """True iff one active secret signed exactly these bytes within the tolerance.

    Every secret is tried against every signature, so that time tells nobody which one matched.
    """
    read = _read(header)
    if read is None:
        return False
    stamp, signatures = read
    genuine = False
    for secret in secrets:
        expected = sign(body, secret, stamp).encode()
        for signature in signatures:
            genuine |= hmac.compare_digest(expected, signature.encode())
    return genuine and abs(now - int(stamp)) <= TOLERANCE


def sign(body: bytes, secret: bytes, stamp: str) -> str:
    return hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _read(header: str) -> tuple[str, list[str]] | None:
    """`t=1,v1=…,v1=…,v0=…`: one time and its signatures of the scheme that counts."""
    if len(header) > LONGEST_HEADER or not header.isascii():
        return None
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if len(stamps) != 1 or not _STAMP.fullmatch(stamps[0]):
        return None
    if len(signatures) > MOST_SIGNATURES:
        return None
    return stamps[0], [signature for signature in signatures if _HEX.fullmatch(signature)]
