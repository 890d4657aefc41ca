"""Who may read through the codec server, what a browser may do with it, and what junk gets."""

import asyncio
import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

import starter.codec
from encryption import KEY_ID
from settings import KeyRing, SettingsError, WebSettings, load
from starter.codec import routes
from starter.server import build
from tests.encryption.conftest import ring

TOKEN = "a-long-and-random-token"
WEB_UI = "https://temporal.example.com"
HELLO = {
    "metadata": {"encoding": base64.b64encode(b"json/plain").decode()},
    "data": base64.b64encode(b'"hello"').decode(),
}


class Client:
    """A program that calls the server from `peer`. What the server raises, its tests see."""

    def __init__(self, app: Any, peer: str, url: str) -> None:
        self._transport = httpx.ASGITransport(app, client=(peer, 50_000))
        self._url = url

    def __call__(self, method: str, path: str, **request: Any) -> httpx.Response:
        return asyncio.run(self._send(method, path, request))

    async def _send(self, method: str, path: str, request: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=self._url) as client:
            return await client.request(method, path, **request)


def server(
    keys: KeyRing | None = None,
    *,
    peer: str = "127.0.0.1",
    url: str = "http://127.0.0.1:8000",
    token: str | None = TOKEN,
    **options: Any,
) -> Client:
    app = Starlette(routes=routes(keys, "default", token, [WEB_UI], **options))
    return Client(app, peer, url)


def ask(client: Client, what: str = "encode", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client("POST", f"/codec/{what}", json={"payloads": [HELLO]}, headers=named)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_what_it_encodes_it_decodes() -> None:
    client = server(ring("k1"))

    sealed = ask(client).json()
    opened = client("POST", "/codec/decode", json=sealed)

    assert KEY_ID in sealed["payloads"][0]["metadata"]
    assert opened.json() == {"payloads": [HELLO]}
    assert opened.headers["cache-control"] == "no-store"


def test_what_was_never_sealed_is_shown_as_it_is() -> None:
    assert ask(server(ring("k1")), "decode").json() == {"payloads": [HELLO]}


# ── who may ask ─────────────────────────────────────────────────────────────────────────

OUTSIDE: dict[str, Any] = {"peer": "203.0.113.9", "url": "https://dunning.example.com"}


def test_from_elsewhere_the_token_opens() -> None:
    assert ask(server(ring("k1"), **OUTSIDE), **bearer(TOKEN)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(""),
        bearer("wrong"),
        bearer(TOKEN + "x"),
        bearer(TOKEN[:-1]),
        bearer("d\u00e4na"),
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
    ],
)
def test_from_elsewhere_nothing_else_opens(headers: Mapping[str, str]) -> None:
    answer = server(ring("k1"), **OUTSIDE)(
        "POST",
        "/codec/decode",
        json={"payloads": [HELLO]},
        headers={name: value.encode("latin-1") for name, value in headers.items()},
    )

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "wrong" not in answer.text


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_of_ours_no_token_opens(token: str | None) -> None:
    client = server(ring("k1"), token=token, **OUTSIDE)

    assert ask(client).status_code == 401
    assert ask(client, **bearer("")).status_code == 401
    assert ask(client, **bearer("None")).status_code == 401


@pytest.mark.parametrize(
    ("peer", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("127.0.0.1", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
        ("::ffff:127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_a_person_at_this_machine_needs_no_token(peer: str, url: str) -> None:
    assert ask(server(ring("k1"), peer=peer, url=url, token=None)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"X-Real-IP": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"Host": "dunning.example.com"},
        {"Host": "localhost.example.com"},  # also DNS rebinding
        {"Host": "127.0.0.1.example.com"},
        {"Host": "127.0.0.1@example.com"},
        {"Host": "["},
        {"Host": ""},
    ],
)
def test_a_visitor_through_a_proxy_is_not_a_person_at_this_machine(
    headers: Mapping[str, str],
) -> None:
    assert ask(server(ring("k1")), **headers).status_code == 401


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1", "testclient", ""])
def test_a_visitor_cannot_say_that_they_sit_here(peer: str) -> None:
    assert ask(server(ring("k1"), peer=peer), Host="localhost").status_code == 401


def test_an_old_proxy_that_adds_no_header_is_known_by_its_http() -> None:
    """nginx calls its upstream with HTTP/1.0 and Host 127.0.0.1 unless it is told otherwise."""
    inner = Starlette(routes=routes(ring("k1"), "default", TOKEN, []))

    async def through_nginx(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, "http_version": "1.0"}, receive, send)

    assert ask(Client(through_nginx, "127.0.0.1", "http://127.0.0.1")).status_code == 401


def test_behind_a_proxy_loopback_can_be_told_to_mean_nothing() -> None:
    client = server(ring("k1"), trust_loopback=False)

    assert ask(client).status_code == 401
    assert ask(client, **bearer(TOKEN)).status_code == 200


@pytest.mark.parametrize(
    ("token", "public", "status"),
    [
        ("", "https://billing.example.com", 200),
        (TOKEN, "http://127.0.0.1:8000", 200),
        (TOKEN, "https://billing.example.com", 401),
    ],
)
def test_with_a_token_and_a_public_address_everybody_shows_the_token(
    token: str, public: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    for name, value in {
        "DATABASE_URL": "postgresql://127.0.0.1/none",
        "STRIPE_API_KEY": "sk_test_1",
        "STRIPE_WEBHOOK_SECRET": "whsec_1",
        "DUNNING_PAYLOAD_KEYS": f"k1:{key}",
        "DUNNING_LINK_KEYS": f"k1:{key}",
        "DUNNING_PUBLIC_URL": public,
        "DUNNING_CODEC_TOKEN": token,
        "DUNNING_CODEC_ORIGINS": WEB_UI,
    }.items():
        monkeypatch.setenv(name, value)

    app = asyncio.run(build(load(WebSettings)))

    assert ask(Client(app, "127.0.0.1", "http://127.0.0.1:8000")).status_code == status


# ── browsers ────────────────────────────────────────────────────────────────────────────


def preflight(origin: str) -> httpx.Response:
    return server(ring("k1"), **OUTSIDE)(
        "OPTIONS",
        "/codec/decode",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-namespace",
        },
    )


def test_the_web_ui_may_ask_and_read_the_answer() -> None:
    before = preflight(WEB_UI)
    answer = ask(server(ring("k1"), **OUTSIDE), Origin=WEB_UI, **bearer(TOKEN))

    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == WEB_UI
    assert "x-namespace" in before.headers["access-control-allow-headers"].lower()
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == WEB_UI


def test_the_web_ui_can_read_why_it_is_refused() -> None:
    answer = ask(server(ring("k1"), **OUTSIDE), Origin=WEB_UI)

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == WEB_UI


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{WEB_UI}.evil.example", "http://localhost:8000"]
)
def test_no_other_page_may_even_on_this_machine(origin: str) -> None:
    before = preflight(origin)
    answer = ask(server(ring("k1")), Origin=origin)

    assert before.status_code == 400
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in before.headers
    assert "access-control-allow-origin" not in answer.headers


def test_a_form_on_some_page_cannot_post_here() -> None:
    """A page may send text/plain without asking first; JSON it may not."""
    answer = server(ring("k1"))(
        "POST", "/codec/decode", content=b'{"payloads":[]}', headers={"Content-Type": "text/plain"}
    )

    assert answer.status_code == 415


def test_every_origin_at_once_is_not_accepted() -> None:
    with pytest.raises(SettingsError, match="DUNNING_CODEC_ORIGINS"):
        routes(ring("k1"), "default", TOKEN, ["*"])


# ── what it refuses to do ───────────────────────────────────────────────────────────────


def test_without_keys_there_is_nothing_to_find() -> None:
    answer = ask(server(None))

    assert answer.status_code == 404
    assert "DUNNING_PAYLOAD_KEYS" in answer.text


def test_another_namespace_is_not_served() -> None:
    assert ask(server(ring("k1")), X_Namespace="staging").status_code == 400
    assert ask(server(ring("k1")), X_Namespace="default").status_code == 200


def test_what_its_keys_cannot_open_is_refused_without_a_word_of_it() -> None:
    sealed = ask(server(ring("k1"))).json()

    answer = server(ring("k2"))("POST", "/codec/decode", json=sealed)

    assert answer.status_code == 400
    assert "k1" not in answer.text


def test_a_giant_body_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter.codec, "LARGEST_BODY", 1_000)

    answer = server(ring("k1"))(
        "POST", "/codec/encode", content=b" " * 1_001, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 413


def test_a_stranger_is_refused_before_the_body_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(request: object) -> bytes:
        raise AssertionError("the body was read")

    monkeypatch.setattr(starter.codec, "_read", never)

    assert ask(server(ring("k1"), **OUTSIDE)).status_code == 401


def test_only_posts_are_answered() -> None:
    client = server(ring("k1"))

    assert client("GET", "/codec/decode").status_code == 405
    assert client("OPTIONS", "/codec/decode").status_code == 204


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
JUNK = st.one_of(
    st.binary(max_size=200),
    JSON.map(json.dumps).map(str.encode),
    JSON.map(lambda junk: json.dumps({"payloads": junk}).encode()),
    JSON.map(lambda junk: json.dumps({"payloads": [junk]}).encode()),
    JSON.map(lambda junk: json.dumps({"payloads": [{"metadata": junk}]}).encode()),
    JSON.map(lambda junk: json.dumps({"payloads": [{"data": junk}]}).encode()),
    st.just(b'{"payloads":' * 5_000),
    st.just(b"[" * 100_000),
    st.just(b'{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2VuY3J5cHRlZA=="}}]}'),
    st.just(b'\xff\xfe{"payloads":[]}'),
)
TESTED = server(ring("k1"))


@settings(max_examples=200, deadline=None)
@given(JUNK, st.sampled_from(["encode", "decode"]))
def test_no_junk_is_answered_with_an_error_of_ours(junk: bytes, what: str) -> None:
    """An exception in the server would be raised here."""
    answer = TESTED(
        "POST", f"/codec/{what}", content=junk, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in (200, 400)
