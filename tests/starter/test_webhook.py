"""What the receiver promises: genuine events reach their case, and nothing else does anything."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.service import RPCError, RPCStatusCode

from starter.stripe_event import WAKES
from starter.temporal import Hint, Told
from starter.webhook import LARGEST_BODY, SEATS, CannotFindError
from tests.starter import stripe_says
from tests.starter.conftest import Site, running_site

UNREACHABLE = RPCError("down", RPCStatusCode.UNAVAILABLE, b"")


async def test_a_failed_payment_starts_its_case(site: Site) -> None:
    answer = await site.post(stripe_says.event())

    assert answer.status_code == 200
    assert site.temporal.failed_calls == [
        (
            "in_1Failed",
            {"event_id": "evt_1Failed", "type": "invoice.payment_failed"},
            Hint("cus_Anna", 4900, "usd"),
        )
    ]


async def test_a_case_that_has_ended_is_no_reason_to_deliver_again(site: Site) -> None:
    site.temporal.answer = Told.CLOSED

    assert (await site.post(stripe_says.event())).status_code == 200


async def test_stripe_is_asked_to_deliver_again_while_temporal_is_down(site: Site) -> None:
    site.temporal.trouble = UNREACHABLE

    answer = await site.post(stripe_says.event())

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_a_failed_payment_needs_no_postgres(site: Site) -> None:
    site.book.trouble = CannotFindError("PostgreSQL: ConnectionRefusedError")

    assert (await site.post(stripe_says.event())).status_code == 200
    assert len(site.temporal.failed_calls) == 1


async def test_other_news_waits_for_postgres(site: Site) -> None:
    site.book.trouble = CannotFindError("PostgreSQL: ConnectionRefusedError")

    assert (await site.post(stripe_says.event("invoice.paid"))).status_code == 503


@pytest.mark.parametrize(
    ("kind", "thing", "found_by"),
    [
        ("invoice.paid", {"id": "in_1Failed"}, "in_1Failed"),
        ("invoice.voided", {"id": "in_1Failed", "customer": "cus_Anna"}, "in_1Failed"),
        ("customer.subscription.deleted", {"id": "sub_1", "customer": "cus_Anna"}, "cus_Anna"),
        ("payment_method.attached", {"id": "pm_1", "customer": "cus_Anna"}, "cus_Anna"),
        ("customer.updated", {"id": "cus_Anna"}, "cus_Anna"),
        ("charge.dispute.created", {"id": "dp_1", "charge": "ch_1"}, "ch_1"),
        ("charge.dispute.created", {"id": "dp_1", "payment_intent": {"id": "pi_1"}}, "pi_1"),
    ],
)
async def test_news_wakes_the_open_cases_it_concerns(
    site: Site, kind: str, thing: dict[str, Any], found_by: str
) -> None:
    site.book.concerned = {found_by: ["in_1Failed", "in_2Failed"]}

    answer = await site.post(stripe_says.event(kind, thing))

    assert answer.status_code == 200
    assert [invoice for invoice, _ in site.temporal.told] == ["in_1Failed", "in_2Failed"]
    assert site.temporal.told[0][1] == {"event_id": "evt_1Failed", "type": kind}
    assert site.temporal.failed_calls == []


@pytest.mark.parametrize("kind", sorted(WAKES))
async def test_news_that_concerns_no_case_is_taken_and_dropped(site: Site, kind: str) -> None:
    assert (await site.post(stripe_says.event(kind))).status_code == 200
    assert site.temporal.told == []


@pytest.mark.parametrize("kind", ["charge.failed", "v1.billing.meter.no_meter_found", "x"])
async def test_unknown_kinds_are_taken_and_ignored(site: Site, kind: str) -> None:
    answer = await site.post(stripe_says.event(kind, {}))

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_detached_payment_method_concerns_nobody(site: Site) -> None:
    thing = {"id": "pm_1", "customer": None}

    assert (await site.post(stripe_says.event("payment_method.updated", thing))).status_code == 200


# ── who may speak ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("secret", ["whsec_old", stripe_says.SECRET])
async def test_every_active_secret_counts(site: Site, secret: str) -> None:
    assert (await site.post(stripe_says.event(), secret=secret)).status_code == 200


async def test_during_a_roll_one_valid_signature_of_two_is_enough(site: Site) -> None:
    body = stripe_says.body_of(stripe_says.event())
    good = stripe_says.signature(body)
    stamp, _, digest = good.partition(",")
    both = f"{stamp},v1={'0' * 64},{digest},v0={'1' * 64}"

    answer = await site.http.post(
        "/webhooks/stripe",
        content=body,
        headers={"content-type": "application/json", "stripe-signature": both},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("skew", [-299, 0, 299])
async def test_clocks_may_differ_by_five_minutes(site: Site, skew: int) -> None:
    assert (await site.post(stripe_says.event(), at=time.time() + skew)).status_code == 200


@pytest.mark.parametrize("skew", [-302, 302, 86_400 * 365])
async def test_neither_the_past_nor_the_future_is_accepted(site: Site, skew: int) -> None:
    await _is_refused(site, stripe_says.event(), at=time.time() + skew)


async def test_a_wrong_secret_is_refused(site: Site) -> None:
    await _is_refused(site, stripe_says.event(), secret="whsec_wrong")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=" + "0" * 64,
        "t=1,t=2,v1=" + "0" * 64,
        "t=x,v1=" + "0" * 64,
        "t=99999999999999999999,v1=" + "0" * 64,
        "t=1," + ",".join(["v1=" + "0" * 64] * 6),
        "t=1,v1=" + "é" * 64,
        "t=1,v1=" + "0" * 2000,
        "٣=1",
    ],
)
async def test_strange_signature_headers_are_refused(site: Site, header: str) -> None:
    answer = await site.http.post(
        "/webhooks/stripe",
        content=stripe_says.body_of(stripe_says.event()),
        headers=[
            (b"content-type", b"application/json"),
            (b"stripe-signature", header.encode("utf-8")),
        ],
    )

    assert (answer.status_code, answer.content) == (400, b"bad request\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"NaN",
        b'{"id": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b'{"id": ' + b"9" * 5000 + b"}",
        stripe_says.body_of(stripe_says.event(id="evil")),
        stripe_says.body_of(stripe_says.event(id=7)),
        stripe_says.body_of(stripe_says.event(livemode=True)),
        stripe_says.body_of(stripe_says.event(livemode=None)),
        stripe_says.body_of(stripe_says.event(account="acct_other")),
        stripe_says.body_of(stripe_says.event(thing={})),
        stripe_says.body_of(stripe_says.event(thing={"id": "in_../../x"})),
        stripe_says.body_of(stripe_says.event(kind="invoice\ud800")),
    ],
)
async def test_signed_nonsense_is_refused_too(site: Site, body: bytes) -> None:
    await _is_refused(site, body)


async def test_a_key_said_twice_is_tolerated(site: Site) -> None:
    body = json.dumps(stripe_says.event())[:-1] + ', "livemode": false}'

    assert (await site.post(body.encode())).status_code == 200


async def test_odd_amounts_are_only_hints_and_are_dropped(site: Site) -> None:
    thing = {"id": "in_1Failed", "customer": 7, "amount_remaining": 2**70, "currency": "€€€"}

    assert (await site.post(stripe_says.event(thing=thing))).status_code == 200
    assert site.temporal.failed_calls[0][2] == Hint(None, None, None)


async def _is_refused(site: Site, what: Any, **options: Any) -> None:
    answer = await site.post(what, **options)
    assert (answer.status_code, answer.content) == (400, b"bad request\n")
    assert site.temporal.failed_calls == []
    assert site.temporal.told == []


# ── how they may speak ──────────────────────────────────────────────────────────────────


async def test_only_post_is_possible(site: Site) -> None:
    answer = await site.http.get("/webhooks/stripe")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_only_json_is_read(site: Site) -> None:
    answer = await site.http.post(
        "/webhooks/stripe", content=b"x", headers={"content-type": "text/xml"}
    )

    assert answer.status_code == 415


async def test_a_body_that_says_it_is_too_large_is_not_read(site: Site) -> None:
    answer = await site.post(b" " * (LARGEST_BODY + 1))

    assert answer.status_code == 413


async def test_a_body_that_turns_out_too_large_is_cut_off(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 1024 + 1):
            yield b" " * 1024

    answer = await site.http.post(
        "/webhooks/stripe", content=endless(), headers={"content-type": "application/json"}
    )

    assert answer.status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for(site: Site) -> None:
    answer = await _slow_post(site, asyncio.Event())

    assert answer.status_code == 408


async def test_a_full_house_asks_to_come_back(site: Site) -> None:
    site.temporal.gate = asyncio.Event()
    waiting = [asyncio.create_task(site.post(stripe_says.event())) for _ in range(SEATS)]
    await _until(lambda: not site.temporal.failed_calls and all(map(_is_waiting, waiting)))

    refused = await site.post(stripe_says.event())
    site.temporal.gate.set()

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_slow_senders_cannot_keep_stripe_out(site: Site) -> None:
    never = asyncio.Event()
    slow = [asyncio.create_task(_slow_post(site, never)) for _ in range(SEATS)]
    await _until(lambda: all(map(_is_waiting, slow)))

    assert (await site.post(stripe_says.event())).status_code == 200

    statuses = sorted(answer.status_code for answer in await asyncio.gather(*slow))
    assert statuses == [408] * (SEATS - 1) + [503]


async def _slow_post(site: Site, more: asyncio.Event) -> httpx.Response:
    async def trickle() -> AsyncIterator[bytes]:
        yield b"{"
        await more.wait()

    return await site.http.post(
        "/webhooks/stripe", content=trickle(), headers={"content-type": "application/json"}
    )


def _is_waiting(task: "asyncio.Task[Any]") -> bool:
    return not task.done()


async def _until(holds: Any) -> None:
    """Give the loop turns until the tasks under way have come to rest."""
    for _ in range(500):
        await asyncio.sleep(0)
    assert holds()


# ── any bytes at all ────────────────────────────────────────────────────────────────────

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
_event = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["evt_1", "evt_", "in_1", "", 3, None]) | _json,
        "type": st.sampled_from(["invoice.payment_failed", "invoice.paid", "x"]) | _json,
        "livemode": st.booleans() | _json,
        "account": st.none() | _json,
        "data": st.fixed_dictionaries(
            {"object": st.fixed_dictionaries({}, optional={"id": _json, "customer": _json})}
        )
        | _json,
    },
)
_headers = st.text(alphabet="t=v1,0123456789abcdef é\x00", max_size=120)


@settings(
    max_examples=2_000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    body=st.binary(max_size=300) | _event.map(lambda event: json.dumps(event).encode()),
    header=_headers,
    genuine=st.booleans(),
    kind=st.sampled_from(["application/json", "application/json;x", "text/plain", ""]),
)
def test_no_bytes_make_it_fail_and_no_forgery_passes(
    fuzz: "Fuzz", body: bytes, header: str, genuine: bool, kind: str
) -> None:
    status, heard = fuzz.send(body, header, genuine, kind)

    assert status < 500
    assert genuine or status in (400, 415)
    assert genuine or not heard


class Fuzz:
    """One loop and one site for all examples."""

    def __init__(self, runner: asyncio.Runner, site: Site) -> None:
        self._runner, self._site = runner, site

    def send(self, body: bytes, header: str, genuine: bool, kind: str) -> tuple[int, int]:
        signed = stripe_says.signature(body) if genuine else header
        sent = [(b"content-type", kind.encode()), (b"stripe-signature", signed.encode("utf-8"))]
        self._site.temporal.failed_calls.clear()
        self._site.temporal.told.clear()
        status = self._runner.run(self._post(body, sent))
        temporal = self._site.temporal
        return status, len(temporal.failed_calls) + len(temporal.told)

    async def _post(self, body: bytes, sent: list[tuple[bytes, bytes]]) -> int:
        """Straight to the application: an HTTP client would cost more than what it tests."""
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        path = "/webhooks/stripe"
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode()}
        scope |= {"headers": sent, "query_string": b"", "root_path": "", "scheme": "http"}
        await self._site.app(scope | {"http_version": "1.1"}, receive, send)
        return statuses[0]


@pytest.fixture(scope="module")
def fuzz() -> Any:
    sites = running_site()
    with asyncio.Runner() as runner:
        yield Fuzz(runner, runner.run(sites.__aenter__()))
