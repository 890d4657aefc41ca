"""What each process reads from its environment: the variables of the README's table, no others.

A process asks for its own class (`load(WebSettings)`). What is missing or malformed is listed at
once, by the variable's name and what to do about it, never by its value:

    SettingsError: 2 settings need attention:
      STRIPE_API_KEY is not set. Create a restricted key in Stripe under Developers, …
      OUTLOOK_SENDER is not an e-mail address. Use the mailbox that sends, such as …
"""

import base64
import binascii
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

EXIT_CODE = 2  # a missing setting is wrong usage: nothing was tried, nothing happened

LIVE_PREFIXES = ("sk_live_", "rk_live_")
STRIPE_API = "https://api.stripe.com"
HUBSPOT_API = "https://api.hubapi.com"
GRAPH_API = "https://graph.microsoft.com/v1.0"
KEY_BYTES = 32

# The ways azure-identity signs in, the usual one first; each needs all of its variables.
SIGN_INS = (
    ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
    ("GRAPH_ACCESS_TOKEN",),
    ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
    ("AZURE_FEDERATED_TOKEN_FILE",),  # workload identity
    ("IDENTITY_ENDPOINT",),  # managed identity
    ("MSI_ENDPOINT",),
    ("AZURE_TOKEN_CREDENTIALS",),  # "dev", "prod" or one credential by name
)

A_KEY_RING = (
    "Write kid:base64 of 32 random bytes, comma-separated, the active one first, "
    "for instance k1:$(openssl rand -base64 32)."
)
WHAT_TO_DO = {
    "STRIPE_API_KEY": "Create a restricted key in Stripe under Developers, API keys (rk_…).",
    "STRIPE_WEBHOOK_SECRET": "Copy the signing secret of your endpoint from Stripe (whsec_…).",
    "STRIPE_API_BASE": "Leave it out to use Stripe's public API.",
    "DATABASE_URL": "Give the PostgreSQL server for our records: postgresql://user@host/database.",
    "BILLING_DATABASE_URL": "Give a read-only role on your billing data, or leave it out.",
    "HUBSPOT_ACCESS_TOKEN": "Create a private app in HubSpot and copy its access token (pat-…).",
    "HUBSPOT_API_BASE": "Leave it out to use HubSpot's public API.",
    "OUTLOOK_SENDER": "Use the mailbox that sends, such as billing@example.com.",
    "GRAPH_API_BASE": "Leave it out to use Microsoft Graph's public API.",
    "GRAPH_ACCESS_TOKEN": "It is for tests against this machine; use AZURE_TENANT_ID, "
    "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET instead.",
    "AZURE_TENANT_ID": "Copy the directory (tenant) id of the app registration that sends mail.",
    "AZURE_CLIENT_ID": "Copy the application (client) id of the app registration that sends mail.",
    "AZURE_CLIENT_SECRET": "Create a client secret for the app registration that sends mail.",
    "DUNNING_PLAYBOOK": "Give the folder that holds playbook.toml, or leave it out.",
    "DUNNING_PAYLOAD_KEYS": A_KEY_RING,
    "DUNNING_LINK_KEYS": A_KEY_RING,
    "DUNNING_PUBLIC_URL": "Give the origin customers reach, such as https://pay.example.com.",
    "DUNNING_SETTLE_SECONDS": "Give a number of seconds, 0 or more (600 by default).",
    "DUNNING_CLOCK_SPEED": "Give a number above 0; it must be 1 with a live Stripe key.",
    "DUNNING_MODEL_API_BASE": "Give the URL of your model provider, or leave it out.",
    "DUNNING_CODEC_ORIGINS": "Give the origins of your Temporal Web UI, comma-separated.",
    "TEMPORAL_TASK_QUEUE": "Give a queue name of letters, digits, dots, dashes and underscores.",
}


class SettingsError(Exception):
    """The environment does not let this process start. Names each variable, never a value."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        count = len(self.problems)
        head = "1 setting needs attention:" if count == 1 else f"{count} settings need attention:"
        lines = (f"  {name} {problem}" for name, problem in self.problems.items())
        super().__init__("\n".join((head, *lines)))


# ── the vocabulary of values ────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class KeyRing:
    """Secret keys by id, the active one first. The others still open what they once sealed."""

    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def active(self) -> tuple[str, bytes]:
        return next(iter(self.keys.items()))

    @classmethod
    def parse(cls, text: str, *, exact: bool = True) -> Self:
        """`k2:base64,k1:base64`. A `ValueError` says which entry is wrong by its position."""
        keys: dict[str, bytes] = {}
        for position, entry in enumerate(_split(text), start=1):
            kid, colon, encoded = entry.partition(":")
            key = _decoded(encoded)
            if not colon or not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", kid):
                raise ValueError(f"has no key id in entry {position}")
            if key is None or len(key) < KEY_BYTES or (exact and len(key) > KEY_BYTES):
                raise ValueError(f"does not hold base64 of {KEY_BYTES} bytes in entry {position}")
            if kid in keys:
                raise ValueError(f"repeats a key id in entry {position}")
            keys[kid] = key
        if not keys:
            raise ValueError("holds no key")
        return cls(keys)


def _decoded(text: str) -> bytes | None:
    padded = text.strip().replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def is_loopback(url: str) -> bool:
    """Does this URL stay on this machine?"""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _api_base(url: str) -> str:
    """A base URL that keeps secrets secret: TLS, unless it stays on this machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not a URL")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError("is not https, and would send secrets in the clear")
    return url.rstrip("/")


def _origin(url: str) -> str:
    base = _api_base(url)
    parts = urlsplit(base)
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ValueError("is more than an origin")
    return base


def _postgres(secret: SecretStr) -> SecretStr:
    try:
        scheme = urlsplit(secret.get_secret_value()).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("postgres", "postgresql"):
        raise ValueError("is not a PostgreSQL URL")
    return secret


def _stripe_key(secret: SecretStr) -> SecretStr:
    key = secret.get_secret_value()
    if key.startswith("pk_"):
        raise ValueError("is a publishable key; it must be a restricted or secret one")
    if key.startswith("whsec_"):
        raise ValueError("is a webhook secret, not an API key")
    return _token(secret)


def _token(secret: SecretStr) -> SecretStr:
    """A secret that goes into an HTTP header: one run of printable ASCII."""
    if not re.fullmatch(r"[\x21-\x7e]+", secret.get_secret_value()):
        raise ValueError("holds spaces or other characters that no token has")
    return secret


def _address(text: str) -> str:
    local = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    label = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    if not re.fullmatch(rf"{local}@{label}(?:\.{label})+", text) or len(text) > 254:
        raise ValueError("is not an e-mail address")
    return text


def _queue(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text):
        raise ValueError("is not a queue name")
    return text


def _ring(value: Any) -> Any:
    return KeyRing.parse(value) if isinstance(value, str) else value


def _link_ring(value: Any) -> Any:
    return KeyRing.parse(value, exact=False) if isinstance(value, str) else value


def _secrets(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    secrets = tuple(_token(SecretStr(part)) for part in _split(value))
    if not secrets:
        raise ValueError("holds no secret")
    return secrets


def _words(value: Any) -> Any:
    return tuple(_split(value)) if isinstance(value, str) else value


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
StripeKey = Annotated[SecretStr, AfterValidator(_stripe_key)]
Token = Annotated[SecretStr, AfterValidator(_token)]
ApiBase = Annotated[str, AfterValidator(_api_base)]
Origin = Annotated[str, AfterValidator(_origin)]
Address = Annotated[str, AfterValidator(_address)]
Queue = Annotated[str, AfterValidator(_queue)]
Ring = Annotated[KeyRing, NoDecode, BeforeValidator(_ring)]
LinkRing = Annotated[KeyRing, NoDecode, BeforeValidator(_link_ring)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_secrets)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]


# ── what each process needs ─────────────────────────────────────────────────────────────


class Settings(BaseSettings):
    """What every process knows: our queue, our playbook, the keys that seal what Temporal keeps."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

    temporal_task_queue: Queue = "dunning"
    dunning_playbook: Path = Path("playbook")
    dunning_payload_keys: Ring | None = None

    @classmethod
    def problems(cls, environment: Mapping[str, str]) -> dict[str, str]:
        """What a look at single variables cannot find; by name."""
        return {}


class StripeSettings(Settings):
    stripe_api_key: StripeKey
    stripe_api_base: ApiBase = STRIPE_API
    dunning_clock_speed: float = Field(default=1.0, gt=0, allow_inf_nan=False)

    @property
    def live(self) -> bool:
        """Real money? Stripe says so in the key's own first letters."""
        return self.stripe_api_key.get_secret_value().startswith(LIVE_PREFIXES)

    @field_validator("dunning_clock_speed")
    @classmethod
    def _real_money_takes_real_time(cls, speed: float, read: ValidationInfo) -> float:
        key: SecretStr = read.data.get("stripe_api_key", SecretStr(""))
        if speed != 1 and key.get_secret_value().startswith(LIVE_PREFIXES):
            raise ValueError("must not be used with a live Stripe key")
        return speed


class RecordsSettings(Settings):
    database_url: PostgresUrl


class LinkSettings(Settings):
    """Without both, no customer link is sent: such a verdict becomes a handoff."""

    dunning_link_keys: LinkRing | None = None
    dunning_public_url: Origin | None = None


class CodecSettings(Settings):
    dunning_codec_token: Token | None = None
    dunning_codec_origins: Words = ()


class WebSettings(StripeSettings, RecordsSettings, LinkSettings, CodecSettings):
    """`dunning serve`: the webhook and the customer's pay page."""

    stripe_webhook_secret: Secrets


class StartSettings(StripeSettings, RecordsSettings):
    """`dunning start`, `status` and the other commands a person types."""


class HubspotSettings(Settings):
    hubspot_access_token: Token
    hubspot_api_base: ApiBase = HUBSPOT_API


class GraphSettings(Settings):
    """A mailbox, and who we are when we open it (`azure-identity` reads its own variables)."""

    outlook_sender: Address
    graph_api_base: ApiBase = GRAPH_API
    graph_access_token: Token | None = None

    @field_validator("graph_access_token")
    @classmethod
    def _stays_on_this_machine(cls, token: SecretStr | None, read: ValidationInfo) -> Any:
        if token is not None and not is_loopback(read.data.get("graph_api_base", "")):
            raise ValueError("is accepted only when GRAPH_API_BASE is on this machine")
        return token

    @classmethod
    def problems(cls, environment: Mapping[str, str]) -> dict[str, str]:
        """No way to sign in at all? Then name what the usual way lacks."""
        if any(all(map(environment.get, way)) for way in SIGN_INS):
            return {}
        return {name: "is not set" for name in SIGN_INS[0] if not environment.get(name)}


class BillingSettings(RecordsSettings):
    billing_database_url: PostgresUrl | None = None

    @property
    def billing_url(self) -> SecretStr:
        """The company's billing data; the same server as our records unless said otherwise."""
        return self.billing_database_url or self.database_url


class ModelSettings(Settings):
    """Which models to ask; they override the playbook's. Provider keys are read by litellm."""

    dunning_decide_model: str | None = None
    dunning_draft_model: str | None = None
    dunning_model_api_base: ApiBase | None = None


class AgentSettings(RecordsSettings, ModelSettings):
    """`dunning worker --queues agent`: a process that holds no vendor's key but the model's."""


class SettleSettings(Settings):
    """The longest wait after an unclear answer before acting on it again."""

    dunning_settle_seconds: float = Field(default=600, ge=0, le=86_400)


class WorkerSettings(
    StripeSettings,
    BillingSettings,
    HubspotSettings,
    GraphSettings,
    AgentSettings,
    LinkSettings,
    SettleSettings,
):
    """`dunning worker` with every queue."""


# ── reading ─────────────────────────────────────────────────────────────────────────────


Kind = TypeVar("Kind", bound=Settings)


def load(kind: type[Kind]) -> Kind:
    """Read the environment. `SettingsError` says everything that is wrong with it, in one go."""
    check(kind)
    return kind()


def check(*kinds: type[Settings]) -> None:
    """Everything that is wrong with the environment for all of these, in one go."""
    problems: dict[str, str] = {}
    for kind in kinds:
        problems |= kind.problems(os.environ)
        try:
            kind()
        except ValidationError as error:
            problems |= _explained(error)
    if problems:
        raise SettingsError({name: _sentence(name, text) for name, text in problems.items()})


def _explained(error: ValidationError) -> dict[str, str]:
    problems: dict[str, str] = {}
    for item in error.errors(include_url=False, include_input=False):
        cause = (item.get("ctx") or {}).get("error")
        name = str(item["loc"][0]).upper() if item["loc"] else "The environment"
        problems.setdefault(name, _problem(item["type"], cause))
    return problems


def _problem(kind: str, cause: object) -> str:
    if kind == "missing":
        return "is not set"
    return str(cause) if isinstance(cause, ValueError) else "has a value that cannot be read"


def _sentence(name: str, problem: str) -> str:
    return f"{problem}. {WHAT_TO_DO.get(name, '')}".rstrip()
