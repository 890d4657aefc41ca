"""20,000 deliveries that are not Stripe's: none is answered with a 5xx, none is believed.

CI sends 1,000; `PROOF=full` sends them all.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable

from tests.starter import stripe_says
from tests.starter.conftest import Site, site  # noqa: F401

COUNT = 20_000 if os.environ.get("PROOF") else 1_000
FORGED = "evt_Forged"

Delivery = tuple[bytes, dict[str, str]]
Attack = Callable[[random.Random], Delivery]


def genuine(seed: random.Random) -> tuple[bytes, dict[str, str]]:
    """As Stripe would send it, with a mark by which a forgery is known."""
    body = stripe_says.body_of(stripe_says.event(id=FORGED, nonce=seed.random()))
    return body, stripe_says.headers(body)


def noise(seed: random.Random) -> Delivery:
    body = seed.randbytes(seed.randrange(0, 400))
    header = seed.randbytes(seed.randrange(0, 60)).hex()
    return body, {"content-type": "application/json", "stripe-signature": header}


def another_secret(seed: random.Random) -> Delivery:
    body, _ = genuine(seed)
    return body, stripe_says.headers(body, secret=f"whsec_{seed.random()}")


def an_old_or_future_time(seed: random.Random) -> Delivery:
    body, _ = genuine(seed)
    off = seed.choice((-1, 1)) * seed.randrange(400, 10**9)
    return body, stripe_says.headers(body, at=time.time() + off)


def one_byte_changed(seed: random.Random) -> Delivery:
    body, sent = genuine(seed)
    at = seed.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << seed.randrange(8))]) + body[at + 1 :], sent


def a_strange_header(seed: random.Random) -> Delivery:
    body, sent = genuine(seed)
    stamp = int(time.time())
    strange = seed.choice((
        "", "t=", f"t={stamp}", "v1=", f"t={stamp},v1=", f"t={stamp},v1=zz", "t=nan,v1=00",
        f"t={stamp},t={stamp},v1=00", f"t={stamp}" + ",v1=00" * 500, f"t={'9' * 400},v1=00",
        f"t={stamp},v0={'0' * 64}", "t=-1,v1=" + "0" * 64, f"t={stamp},v1=é", "=,=,=", "\x7f",
    ))  # fmt: skip
    sent["stripe-signature"] = strange.encode("latin-1", "replace").decode("latin-1")
    return body, sent


def signed_nonsense(seed: random.Random) -> Delivery:
    """Well signed, as if a secret had leaked to a careless sender: refused, never a 500."""
    deep = b"[" * 20_000
    data = seed.choice((None, [], {"object": 1}))
    wrong = ({"id": 7}, {"kind": []}, {"livemode": "yes"}, {"data": data})
    raw = (b"", b"null", b"[]", b"3", b'"x"', b"{}", b"{", deep, b'{"id": NaN}', b"\xff\xfe{}")
    events = [json.dumps(stripe_says.event(**fields)).encode() for fields in wrong]
    body = seed.choice((*raw, *events))
    return body, stripe_says.headers(body)


def a_wrong_type_or_length(seed: random.Random) -> Delivery:
    body, sent = genuine(seed)
    sent["stripe-signature"] = "t=1,v1=0"
    sent["content-type"] = seed.choice(("", "text/plain", "multipart/form-data", "application/xml"))
    return body, sent


ATTACKS: tuple[Attack, ...] = (
    noise, another_secret, an_old_or_future_time, one_byte_changed, a_strange_header,
    signed_nonsense, a_wrong_type_or_length,
)  # fmt: skip


async def test_no_forged_delivery_is_believed_and_none_breaks_the_receiver(site: Site) -> None:  # noqa: F811
    seed = random.Random(20_000)
    answers: Counter[int] = Counter()

    for _ in range(COUNT):
        body, sent = seed.choice(ATTACKS)(seed)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        answer = await site.http.post("/webhooks/stripe", content=body, headers=raw)
        answers[answer.status_code] += 1
        assert FORGED not in answer.text

    assert sum(answers.values()) == COUNT
    assert all(status < 500 for status in answers), answers
    heard = [event["event_id"] for _, event, _ in site.temporal.failed_calls]
    assert FORGED not in heard + [event["event_id"] for _, event in site.temporal.told]


async def test_after_all_that_a_genuine_delivery_is_still_taken(site: Site) -> None:  # noqa: F811
    seed = random.Random(1)
    for attack in ATTACKS * 20:
        body, sent = attack(seed)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        await site.http.post("/webhooks/stripe", content=body, headers=raw)

    assert (await site.post(stripe_says.event())).status_code == 200
    assert site.temporal.failed_calls[-1][0] == "in_1Failed"
