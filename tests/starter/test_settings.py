"""A process says what its environment lacks, by name, and never shows a value."""

import base64
from typing import Any

import pytest

import settings
from settings import (
    AgentSettings,
    GraphSettings,
    KeyRing,
    SettingsError,
    WebSettings,
    WorkerSettings,
    load,
)

KEY = base64.b64encode(bytes(range(32))).decode()
OLDER = base64.b64encode(bytes(range(1, 33))).decode()
HUSH = "geheim"

WEB = {
    "STRIPE_API_KEY": "rk_test_abc",
    "STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old",
    "DATABASE_URL": "postgresql://us:geheim@db/ours",
}
WORKER = {
    **WEB,
    "HUBSPOT_ACCESS_TOKEN": "pat-1",
    "OUTLOOK_SENDER": "billing@example.com",
    "AZURE_TENANT_ID": "t",
    "AZURE_CLIENT_ID": "c",
    "AZURE_CLIENT_SECRET": "s",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Exactly these variables, and no others of ours."""
    for name in settings.WHAT_TO_DO:
        monkeypatch.delenv(name, raising=False)
    for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)

    def set_to(values: dict[str, str]) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_to


def test_a_complete_environment_is_read(environment: Any) -> None:
    environment(WEB)

    web = load(WebSettings)

    assert [secret.get_secret_value() for secret in web.stripe_webhook_secret] == [
        "whsec_new",
        "whsec_old",
    ]
    assert web.stripe_api_base == "https://api.stripe.com"
    assert not web.live


@pytest.mark.parametrize("missing", sorted(WEB))
def test_a_missing_variable_is_named_with_what_to_do(environment: Any, missing: str) -> None:
    environment({name: value for name, value in WEB.items() if name != missing})

    with pytest.raises(SettingsError) as told:
        load(WebSettings)

    assert list(told.value.problems) == [missing]
    assert f"{missing} is not set. " in str(told.value)


@pytest.mark.parametrize("missing", sorted(set(WORKER) - {"STRIPE_WEBHOOK_SECRET"}))
def test_the_worker_names_what_it_lacks(environment: Any, missing: str) -> None:
    environment({name: value for name, value in WORKER.items() if name != missing})

    with pytest.raises(SettingsError) as told:
        load(WorkerSettings)

    assert list(told.value.problems) == [missing]


def test_everything_that_is_wrong_is_said_at_once(environment: Any) -> None:
    environment({"OUTLOOK_SENDER": "us", "GRAPH_API_BASE": "ftp://x"})

    with pytest.raises(SettingsError) as told:
        load(WorkerSettings)

    assert set(told.value.problems) >= {
        "STRIPE_API_KEY",
        "DATABASE_URL",
        "HUBSPOT_ACCESS_TOKEN",
        "OUTLOOK_SENDER",
        "GRAPH_API_BASE",
        "AZURE_TENANT_ID",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_API_KEY", "pk_live_geheim"),
        ("STRIPE_API_KEY", "whsec_geheim"),
        ("STRIPE_API_KEY", "sk_test geheim"),
        ("STRIPE_API_BASE", "http://api.stripe.com.geheim"),
        ("STRIPE_WEBHOOK_SECRET", " , "),
        ("DATABASE_URL", "mysql://geheim"),
        ("DUNNING_LINK_KEYS", "k1:geheim"),
        ("DUNNING_LINK_KEYS", "geheim"),
        ("DUNNING_PAYLOAD_KEYS", f"k1:{KEY},k1:{OLDER}geheim"),
        ("DUNNING_PAYLOAD_KEYS", base64.b64encode(b"geheim").decode()),
        ("DUNNING_PUBLIC_URL", "https://pay.example.com/geheim"),
        ("DUNNING_PUBLIC_URL", "pay.geheim"),
        ("DUNNING_CLOCK_SPEED", "geheim"),
        ("DUNNING_CLOCK_SPEED", "0"),
        ("DUNNING_CLOCK_SPEED", "nan"),
        ("TEMPORAL_TASK_QUEUE", "ge heim"),
        ("DUNNING_CODEC_TOKEN", "ge heim"),
    ],
)
def test_a_malformed_value_is_told_by_name_and_never_shown(
    environment: Any, name: str, value: str
) -> None:
    environment({**WEB, name: value})

    with pytest.raises(SettingsError) as told:
        load(WebSettings)

    assert list(told.value.problems) == [name]
    assert HUSH not in str(told.value)


def test_secrets_do_not_show_in_a_print(environment: Any) -> None:
    environment({**WORKER, "DUNNING_LINK_KEYS": f"k1:{KEY}"})

    shown = repr(load(WorkerSettings)) + str(load(WebSettings))

    assert HUSH not in shown
    assert "rk_test_abc" not in shown
    assert "whsec_new" not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    ("key", "live"),
    [("sk_live_a", True), ("rk_live_a", True), ("sk_test_a", False), ("rk_test_a", False)],
)
def test_the_key_says_whether_money_is_real(environment: Any, key: str, live: bool) -> None:
    environment({**WEB, "STRIPE_API_KEY": key})

    assert load(WebSettings).live is live


def test_real_money_takes_real_time(environment: Any) -> None:
    environment({**WEB, "STRIPE_API_KEY": "sk_live_a", "DUNNING_CLOCK_SPEED": "86400"})

    with pytest.raises(SettingsError, match="DUNNING_CLOCK_SPEED must not be used with a live"):
        load(WebSettings)


def test_a_static_graph_token_stays_on_this_machine(environment: Any) -> None:
    environment({"OUTLOOK_SENDER": "billing@example.com", "GRAPH_ACCESS_TOKEN": "geheim"})

    with pytest.raises(SettingsError) as told:
        load(GraphSettings)

    assert list(told.value.problems) == ["GRAPH_ACCESS_TOKEN"]
    environment({"GRAPH_API_BASE": "http://127.0.0.1:9/v1.0"})
    assert load(GraphSettings).graph_access_token is not None


def test_other_azure_credentials_work_too(environment: Any) -> None:
    environment({"OUTLOOK_SENDER": "billing@example.com", "IDENTITY_ENDPOINT": "http://169.254"})

    assert load(GraphSettings).outlook_sender == "billing@example.com"


def test_a_worker_for_the_agent_alone_needs_no_vendors_key(environment: Any) -> None:
    environment({"DATABASE_URL": WEB["DATABASE_URL"]})

    assert load(AgentSettings).dunning_decide_model is None


def test_the_first_key_of_a_ring_is_the_active_one() -> None:
    ring = KeyRing.parse(f"k2:{OLDER} , k1:{KEY}")

    assert ring.active == ("k2", bytes(range(1, 33)))
    assert ring.keys["k1"] == bytes(range(32))
