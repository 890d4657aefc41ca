"""Settings of the sandbox's vendors: how they differ from portal to portal and day to day."""

from pydantic import BaseModel, ConfigDict, Field


class Knobs(BaseModel):
    """All of them, with the values of a friendly day."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    api_version: str = "2026-10-28.endive"
    """Version of webhook events; requests may pin what they like."""
    idempotency_ttl_seconds: float = 86_400
    """Stripe may forget a key after a day."""
    webhook_backoff_seconds: tuple[float, ...] = (0.2, 0.5, 1, 2, 4, 8, 15, 30)
    """Waits between deliveries of one event. Real ones span three days."""
    webhook_timeout_seconds: float = 10
    search_lag_seconds: float = 0
    """How long HubSpot's search does not know a new record."""
    refuse_unique_properties: bool = False
    """A portal that allows no unique property on activities."""
    send_lag_seconds: float = 0
    """How long a sent Outlook draft still reads as a draft, and its copy is missing."""
    filter_lag_seconds: float = 0
    """How long `$filter` does not see a new message."""
    smart_retries: bool = False
    """Let Stripe's own schedule really charge when the sandbox's clock is moved past it."""
    mailboxes: tuple[str, ...] = Field(default=())
    """Mailboxes that exist; empty means every address."""
