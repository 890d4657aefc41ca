"""The page behind the customer's link: looking does nothing, the button leads to Stripe."""

import httpx
import pytest

from starter.pay import PER_MINUTE, STYLE_HASH, Bill, CannotReadBillError
from tests.starter.conftest import Site

GOOD = "/pay/k1.good"


async def test_looking_does_nothing(site: Site) -> None:
    for _ in range(3):
        page = await site.http.get(GOOD)
        assert page.status_code == 200

    assert "Continue to payment" in page.text
    assert "Acme &amp; Söhne" in page.text
    assert site.till.reads == []


async def test_the_page_can_be_looked_at_with_head_and_forbids_everything_else(site: Site) -> None:
    assert (await site.http.head(GOOD)).status_code == 200
    assert (await site.http.put(GOOD)).status_code == 405
    assert site.till.reads == []


async def test_the_button_leads_to_a_freshly_read_page_of_stripe(site: Site) -> None:
    pressed = await site.http.post(GOOD)

    assert pressed.status_code == 303
    assert pressed.headers["location"] == "https://invoice.stripe.com/i/x"
    assert site.till.reads == ["in_1Failed"]


@pytest.mark.parametrize(
    ("bill", "text"),
    [
        (Bill("paid", None), "All paid, thank you"),
        (Bill("void", None), "be paid here"),
        (Bill("uncollectible", "https://x"), "be paid here"),
        (Bill("open", None), "be paid here"),
        (Bill("open", "http://evil.example/"), "be paid here"),
        (Bill("open", "javascript:alert(1)"), "be paid here"),
    ],
)
async def test_an_invoice_that_cannot_be_paid_says_so(site: Site, bill: Bill, text: str) -> None:
    site.till.bill = bill

    pressed = await site.http.post(GOOD)

    assert pressed.status_code == 200
    assert text in pressed.text


async def test_when_stripe_is_down_nothing_is_lost(site: Site) -> None:
    site.till.trouble = CannotReadBillError("timeout")

    pressed = await site.http.post(GOOD)

    assert pressed.status_code == 503
    assert "Nothing was charged" in pressed.text


async def test_every_bad_link_gets_the_same_answer(site: Site) -> None:
    answers = [
        await method(path)
        for path in ("/pay/x", "/pay/k1.goof", "/pay/%00", "/pay/" + "a" * 3000)
        for method in (site.http.get, site.http.post)
    ]

    assert {answer.status_code for answer in answers} == {410}
    assert len({answer.content for answer in answers}) == 1
    assert site.till.reads == []


async def test_ten_a_minute_are_enough(site: Site) -> None:
    answers = [(await site.http.get(GOOD)).status_code for _ in range(PER_MINUTE + 1)]
    assert answers == [200] * PER_MINUTE + [429]

    site.time[0] += 60
    assert (await site.http.get(GOOD)).status_code == 200


async def test_the_page_tells_browsers_to_be_careful(site: Site) -> None:
    for answer in (await site.http.get(GOOD), await site.http.post(GOOD)):
        _is_careful(answer)


def _is_careful(answer: httpx.Response) -> None:
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"style-src '{STYLE_HASH}'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http://" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("wanted", "heading"),
    [
        ("de-AT,de;q=0.9", "Ihre Zahlung hat nicht geklappt"),
        ("xx, fr;q=0.3", "Votre paiement"),
        ("", "Your payment"),
        (";;;q=,", "Your payment"),
    ],
)
async def test_it_speaks_the_browsers_language(site: Site, wanted: str, heading: str) -> None:
    page = await site.http.get(GOOD, headers={"accept-language": wanted})

    assert heading in page.text


async def test_the_health_checks_say_little_and_cost_little(site: Site) -> None:
    assert (await site.http.get("/healthz")).json() == {"status": "ok"}

    assert (await site.http.get("/readyz")).status_code == 200
    site.up.update(postgres=False, temporal=False)
    assert (await site.http.get("/readyz")).status_code == 200  # the answer is kept two seconds
    site.time[0] += 2
    assert (await site.http.get("/readyz")).status_code == 503


@pytest.mark.parametrize("down", ["postgres", "temporal"])
async def test_one_store_is_enough_to_take_events(site: Site, down: str) -> None:
    site.up[down] = False

    answer = await site.http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()[down] == "down"
