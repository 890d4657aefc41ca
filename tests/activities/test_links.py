"""A customer's link names one invoice, for some days, and tells nobody anything else."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.links import BadLink, Links
from tests.activities.given import NOON
from workflows.nouns import InvoiceId

OLD, NEW = b"o" * 32, b"n" * 32
URL = "https://pay.ours.example"
INVOICE = InvoiceId("in_1Abc")


def links(keys: dict[str, bytes], days_later: float = 0) -> Links:
    return Links(keys, URL, clock=lambda: (NOON + timedelta(days=days_later)).timestamp())


def token_of(link: str | None) -> str:
    assert link is not None
    return link.removeprefix(f"{URL}/pay/")


def test_a_link_leads_back_to_its_invoice_until_its_last_day() -> None:
    token = token_of(links({"k1": OLD}).pay_link(INVOICE, NOON, days=14))

    assert links({"k1": OLD}, days_later=13.9).read(token) == INVOICE
    with pytest.raises(BadLink):
        links({"k1": OLD}, days_later=14.1).read(token)


def test_after_a_rotation_old_links_work_and_new_ones_use_the_new_key() -> None:
    old = token_of(links({"k1": OLD}).pay_link(INVOICE, NOON, days=14))
    rotated = links({"k2": NEW, "k1": OLD})

    assert rotated.read(old) == INVOICE
    assert token_of(rotated.pay_link(INVOICE, NOON, days=14)).startswith("k2.")


def test_dropping_a_key_revokes_its_links() -> None:
    old = token_of(links({"k1": OLD}).pay_link(INVOICE, NOON, days=14))

    with pytest.raises(BadLink):
        links({"k2": NEW}).read(old)


def test_without_keys_or_a_public_address_there_is_no_link() -> None:
    assert Links({}, URL).pay_link(INVOICE, NOON, days=14) is None
    assert Links({"k1": OLD}, None).pay_link(INVOICE, NOON, days=14) is None


def test_every_flaw_has_the_same_text() -> None:
    good = token_of(links({"k1": OLD}).pay_link(INVOICE, NOON, days=14))
    bad = [
        "", "k1", "k1.", "k9." + good[3:], good + "x", good[:-2], good.upper(), "x" * 10_000, "é.é",
        token_of(links({"k1": NEW}).pay_link(INVOICE, NOON, days=14)),
        token_of(links({"k1": OLD}).pay_link(InvoiceId("../../admin"), NOON, days=14)),
    ]  # fmt: skip

    said = set()
    for token in bad:
        with pytest.raises(BadLink) as flaw:
            links({"k1": OLD}).read(token)
        said.add(str(flaw.value))

    assert said == {"This link is not valid, or not valid any more."}


@given(st.text(max_size=200))
def test_no_text_that_we_did_not_sign_is_ever_read(token: str) -> None:
    with pytest.raises(BadLink):
        links({"k1": OLD}).read(token)
    with pytest.raises(BadLink):
        links({"k1": OLD}).read(f"k1.{token}")
