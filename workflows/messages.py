"""What people and Stripe say to a running case, politely received.

Temporal drops a signal that it cannot decode without telling the sender, and one with an input too
many wedges the run. So every handler takes whatever comes, and what was said, accepted or refused,
is kept for everyone to see.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from workflows.case import Action
from workflows.nouns import DecisionId, Noun, Utc

SHOWN = 12  # the latest messages, in the run's current details


class BadMessageError(ValueError):
    """The message cannot be taken; the text says why, to whoever sent it."""


class Message(BaseModel):
    """The one JSON object of a human signal or update. All optional; others ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    decision_id: DecisionId | None = None
    actor: str | None = None
    reason: str | None = None
    until: Utc | None = None
    action: Action | None = None
    verdict: Literal["approve", "reject"] | None = None

    @property
    def who(self) -> str:
        return self.actor or "someone"


def read(bodies: Sequence[Any]) -> Message:
    """Nothing, null or one JSON object; anything else is refused in plain words."""
    if len(bodies) > 1:
        raise BadMessageError(f"expected one JSON object, got {len(bodies)} inputs")
    body = bodies[0] if bodies else None
    if body is None:
        return Message()
    if not isinstance(body, dict):
        raise BadMessageError(f"expected a JSON object, got {type(body).__name__}")
    try:
        return Message.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadMessageError(f"{field}: {first['msg']}") from None


class Heard(Noun):
    """One line of the log of messages."""

    at: Utc
    what: str
    accepted: bool


class Answer(Noun):
    """What a person decided about the pending decision."""

    approved: bool
    actor: str
    reason: str | None
    action: Action | None


class Inbox:
    """Messages that the story has not yet acted upon. Handlers fill it, the story empties it."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.unrecorded: list[Heard] = []
        self.answer: Answer | None = None
        self.stop: Message | None = None
        self.snooze_until: datetime | None = None
        self.stripe_moved = False
        self._events: set[str] = set()

    def log(self, at: datetime, what: str, accepted: bool) -> None:
        heard = Heard(at=at, what=what[:300], accepted=accepted)
        self.heard = [*self.heard, heard][-SHOWN:]
        self.unrecorded.append(heard)

    def stripe_event(self, event_id: str) -> bool:
        """False when this delivery was heard before."""
        if event_id in self._events:
            return False
        self._events.add(event_id)
        self.stripe_moved = True
        return True

    @property
    def news(self) -> bool:
        return self.stripe_moved or self.person_spoke

    @property
    def person_spoke(self) -> bool:
        return bool(self.stop or self.answer or self.snooze_until)
