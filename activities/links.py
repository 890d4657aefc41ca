"""Signed links for customers: `{DUNNING_PUBLIC_URL}/pay/{token}` names an invoice, and nothing
else.

A token holds an invoice and a last day, signed with a key that has no other purpose. It is no login
and holds no address, amount or Stripe URL: where it leads is looked up when somebody clicks. Keys
come as a ring, the active one first: it signs, all verify, and dropping one revokes its links.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from workflows.nouns import InvoiceId

LONGEST_TOKEN = 400  # characters; ours have about 100
PURPOSE = "dunning/pay/1"

_INVOICE = re.compile(r"in_[A-Za-z0-9_]{1,64}")


class BadLink(Exception):  # noqa: N818
    """Not ours, altered, or out of time. One text for all of them: it must tell no tales."""

    def __init__(self) -> None:
        super().__init__("This link is not valid, or not valid any more.")


def _signer(key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(
        key,
        salt=PURPOSE,
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


class Links:
    """Makes and reads the customers' links. Without keys or a public address it makes none."""

    def __init__(
        self,
        keys: Mapping[str, bytes],
        public_url: str | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._signers = {kid: _signer(key) for kid, key in keys.items()}
        self._public_url = (public_url or "").rstrip("/")
        self._clock = clock

    @property
    def configured(self) -> bool:
        return bool(self._signers and self._public_url)

    def pay_link(self, invoice: InvoiceId, now: datetime, days: int) -> str | None:
        """The link to put in a mail written at `now`; None when links are not configured."""
        if not self.configured:
            return None
        kid, signer = next(iter(self._signers.items()))
        last = int((now + timedelta(days=days)).timestamp())
        token = signer.dumps([str(invoice), last])
        return f"{self._public_url}/pay/{kid}.{token}"

    def read(self, token: str) -> InvoiceId:
        """Which invoice a token names. Every flaw raises the same `BadLink`."""
        if len(token) > LONGEST_TOKEN:
            raise BadLink
        kid, _, signed = token.partition(".")
        signer = self._signers.get(kid)
        if signer is None:
            raise BadLink
        try:
            invoice, last = signer.loads(signed)
        except (BadData, ValueError, TypeError) as error:
            raise BadLink from error
        if not isinstance(invoice, str) or not isinstance(last, int) or self._clock() > last:
            raise BadLink
        if not _INVOICE.fullmatch(invoice):
            raise BadLink
        return InvoiceId(invoice)
