"""What every noun of this project has in common, and the ids that must not be mixed up."""

from datetime import UTC, datetime
from typing import Annotated, NewType

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

InvoiceId = NewType("InvoiceId", str)
"""Stripe's `in_…`. The case is named after it: one failed invoice, one case."""
CustomerId = NewType("CustomerId", str)
"""Stripe's `cus_…`."""
ChargeId = NewType("ChargeId", str)
"""Stripe's `ch_…` (or `py_…`): one request to a bank."""
DecisionId = NewType("DecisionId", str)
"""Ours, made in Postgres: `{invoice}.{ordinal}`; what a person approves or rejects."""
LetterId = NewType("LetterId", str)
"""Ours: one written mail, its words fixed from then on."""

Utc = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""An instant. A naive time is refused, any other zone becomes UTC."""


class Noun(BaseModel):
    """An immutable record whose fields are all known: a misspelt field is an error, not a shrug."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def iso(at: datetime) -> str:
    """`2026-06-29T14:00:00Z`: the one way this project writes an instant for programs."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
