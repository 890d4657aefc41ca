"""Two retriers would hit one card: who retries is taken, shown, and given back as it was found."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from sandbox.accounts import AccountScript
from tests.fixtures.stripe import UPDATE, FailedInvoice, Shop
from workflows.playbook import Playbook, Retries
from workflows.steps import Announce, HandBack

THEIRS = Playbook(hash="theirs", retries=Retries(owner="stripe"))
MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)


async def take(shop: Shop, invoice: FailedInvoice):
    """As Temporal does: again after a failure."""
    for _ in range(5):
        try:
            return await shop.stripe.take_ownership(invoice.ref)
        except ApplicationError:
            continue
    raise AssertionError("never taken")


async def give_back(shop: Shop, invoice: FailedInvoice):
    return await shop.stripe.hand_back(HandBack(ref=invoice.ref, why="cancelled"))


async def test_after_taking_over_stripe_stops_and_the_invoice_says_who_retries(shop: Shop):
    invoice = await shop.failed_unowned()

    ownership = await take(shop, invoice)

    there = await invoice.at_stripe()
    assert ownership.taken
    assert (there["auto_advance"], there["next_payment_attempt"]) == (False, None)
    assert there["metadata"]["dunning"] == f"dunning-{invoice.id}"
    case = await shop.records.case(invoice.id)
    assert (case.owned, case.auto_advance_found) == (True, True)


async def test_taking_over_twice_asks_stripe_once(shop: Shop):
    invoice = await shop.failed_unowned()
    await take(shop, invoice)
    await take(shop, invoice)

    posts = [line for line in await shop.sandbox.requests("stripe") if line.method == "POST"]
    assert len(posts) == 1


@pytest.mark.parametrize(
    "loss", ["cut_before", "cut_after", "error_after", "error_before", "error_stored"]
)
async def test_what_we_found_survives_a_lost_answer(shop: Shop, loss: str):
    invoice = await shop.failed_unowned()
    await shop.goes_wrong(loss, UPDATE)

    assert (await take(shop, invoice)).taken
    await give_back(shop, invoice)

    assert (await invoice.at_stripe())["auto_advance"] is True


@pytest.mark.parametrize("loss", ["cut_after", "error_after"])
async def test_what_a_lost_answer_did_does_not_stay_unclear_for_ever(shop: Shop, loss: str):
    invoice = await shop.failed_unowned()
    await shop.goes_wrong(loss, UPDATE)

    await take(shop, invoice)

    assert await shop.ledger.unclear(older_than=timedelta(0)) == []


async def test_where_stripe_keeps_the_retries_nothing_is_touched(shop: Shop):
    invoice = await shop.failed_unowned(playbook=THEIRS)

    ownership = await take(shop, invoice)

    assert not ownership.taken
    assert (await invoice.at_stripe())["metadata"] == {}


async def test_a_paid_invoice_is_not_taken(shop: Shop):
    invoice = await shop.failed_unowned()
    await shop.sandbox.customer_pays(invoice.id, tell_us=False)

    assert not (await take(shop, invoice)).taken


async def test_an_invoice_paid_between_our_look_and_our_write_is_not_taken(shop: Shop, monkeypatch):
    invoice = await shop.failed_unowned()
    look = shop.stripe._reader.invoice

    async def look_and_be_overtaken(id):
        found = await look(id)
        if found["status"] == "open":
            await shop.sandbox.customer_pays(id, tell_us=False)
        return found

    monkeypatch.setattr(shop.stripe._reader, "invoice", look_and_be_overtaken)

    assert not (await take(shop, invoice)).taken


async def test_everyone_who_looks_at_the_invoice_sees_when_it_will_be_charged(shop: Shop):
    invoice = await shop.failed()
    for at in (MONDAY, MONDAY + timedelta(days=1), MONDAY):  # moved, and moved back
        await shop.stripe.announce_retry(Announce(ref=invoice.ref, at=at))

    metadata = (await invoice.at_stripe())["metadata"]
    assert metadata["dunning_retry_at"] == "2026-11-30T09:00:00Z"
    assert metadata["dunning"] == f"dunning-{invoice.id}"


async def test_handing_back_restores_what_we_found_and_says_what_happens_now(shop: Shop):
    invoice = await shop.failed(AccountScript(metadata={"order": "77"}))
    await shop.stripe.announce_retry(Announce(ref=invoice.ref, at=MONDAY))

    back = await give_back(shop, invoice)

    there = await invoice.at_stripe()
    assert there["auto_advance"] is True
    assert there["metadata"] == {"order": "77"}
    assert back.text == "The retries are Stripe's again: it may charge this invoice at once."
    assert not (await shop.records.case(invoice.id)).owned


async def test_handing_back_an_invoice_that_nobody_retried_leaves_it_so(shop: Shop):
    invoice = await shop.failed(AccountScript(auto_advance=False))

    back = await give_back(shop, invoice)

    there = await invoice.at_stripe()
    assert (there["auto_advance"], there["metadata"]) == (False, {})
    assert back.text.endswith("from now on nobody does.")


async def test_stripe_does_not_get_to_charge_for_a_subscription_that_ended_meanwhile(shop: Shop):
    invoice = await shop.failed()
    there = await invoice.at_stripe()
    subscription = there["parent"]["subscription_details"]["subscription"]
    await shop.sandbox.cancel_subscription(subscription, tell_us=False)

    back = await give_back(shop, invoice)

    there = await invoice.at_stripe()
    assert (there["auto_advance"], there["metadata"]) == (False, {})
    assert back.text == "The subscription has ended meanwhile: from now on nobody retries."


async def test_an_invoice_that_is_no_longer_open_is_not_handed_back(shop: Shop):
    invoice = await shop.failed()
    await shop.sandbox.void(invoice.id, tell_us=False)

    assert "no longer open" in (await give_back(shop, invoice)).text


async def test_taking_over_again_after_handing_back_works_and_looks_anew(shop: Shop):
    invoice = await shop.failed()
    await give_back(shop, invoice)
    await shop.sandbox.set_auto_advance(invoice.id, False, tell_us=False)

    await take(shop, invoice)
    await give_back(shop, invoice)

    assert (await invoice.at_stripe())["auto_advance"] is False


async def test_handing_back_twice_is_handing_back_once(shop: Shop):
    invoice = await shop.failed()
    first = await give_back(shop, invoice)

    again = await give_back(shop, invoice)

    assert again.text == first.text  # it stands in the closing note
    assert (await invoice.at_stripe())["auto_advance"] is True
