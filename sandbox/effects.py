"""What happened to the outside world, in the words of the people it happened to."""

import html
import re
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Payer = Literal["ours", "customer", "stripe"]
"""Who asked the bank: our `pay` call, the customer on the hosted page, or Stripe's own schedule."""


class Effect(BaseModel):
    model_config = ConfigDict(frozen=True)

    at: datetime


class ChargeEffect(Effect):
    """One question to the bank, whatever it answered."""

    invoice: str
    customer: str
    charge: str | None
    """None when the bank was asked for authentication only."""
    payment_intent: str
    payment_method: str | None
    amount: int
    currency: str
    outcome: Literal["paid", "declined", "requires_action", "processing"]
    code: str | None = None
    decline_code: str | None = None
    who: Payer
    idempotency_key: str | None = None


class MailEffect(Effect):
    """One mail that left the mailbox. Drafts are not mails."""

    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    subject: str
    content_type: Literal["text", "html"]
    body: str
    key: str | None
    """Value of the extended property that the sender put on it."""
    headers: dict[str, str] = Field(default_factory=dict)
    internet_message_id: str
    conversation_id: str
    message_id: str

    @property
    def text(self) -> str:
        """The body as plain text."""
        if self.content_type == "text":
            return self.body
        without_style = re.sub(r"(?is)<(style|script|head)\b.*?</\1>", "", self.body)
        spaced = re.sub(r"(?i)<br\s*/?>|</(p|div|tr|li|h\d)>", "\n", without_style)
        return html.unescape(re.sub(r"<[^>]+>", "", spaced)).strip()


class NoteEffect(Effect):
    """One CRM note written through the API (notes put there by a script are not effects)."""

    note: str
    body: str
    key: str | None
    """Value of its unique property, if it has one."""
    companies: tuple[str, ...] = ()
    properties: dict[str, str] = Field(default_factory=dict)
    updates: int = 0
    """How often the same note was written again after it was created."""


class Effects(BaseModel):
    """Everything that reached a bank, an inbox or the CRM."""

    charges: list[ChargeEffect] = []
    mails: list[MailEffect] = []
    notes: list[NoteEffect] = []

    def charges_of(self, invoice: str, who: Payer | None = None) -> list[ChargeEffect]:
        return [c for c in self.charges if c.invoice == invoice and who in (None, c.who)]


class RequestLine(BaseModel):
    """One request that reached a stand-in, and how it was answered."""

    at: datetime
    vendor: str
    method: str
    path: str
    query: str = ""
    status: int | None = None
    """None when the connection was cut before an answer."""
    idempotency_key: str | None = None
    replayed: bool = False
    fault: str | None = None


class DeliveryLine(BaseModel):
    """One attempt to deliver a webhook."""

    at: datetime
    event: str
    type: str
    attempt: int
    status: int | None
    error: str | None = None
