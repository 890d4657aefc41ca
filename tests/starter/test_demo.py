"""The demo's cast is complete, and its judge is strict."""

import html
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.accounts import Account
from sandbox.demo_accounts import CAST, Story, stories
from sandbox.effects import MailEffect
from starter.demo import COMPANY
from starter.demo_show import save_mails
from starter.demo_stage import PAY_LINK, Play
from starter.local import ROOT
from workflows.case import Outcome, State, Status
from workflows.nouns import InvoiceId

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NO_ACCOUNT = Account(
    customer="cus_1",
    invoice="in_1",
    invoice_number="N-1",
    subscription=None,
    payment_method=None,
    payment_intent="pi_1",
    company=None,
    contact=None,
    owner=None,
    email="a@b.example",
    hosted_invoice_url="https://x",
)


def _mail(subject: str, body: str = "<p>Hello</p>") -> MailEffect:
    return MailEffect(
        at=NOW, sender="us@x.example", to=("a@b.example",), subject=subject, content_type="html",
        body=body, key=None, internet_message_id="1", conversation_id="1", message_id="1",
    )  # fmt: skip


@pytest.mark.parametrize("month", range(1, 13))
def test_the_cast_shows_the_range_in_every_month(month: int) -> None:
    cast = stories(NOW.replace(month=month, day=28))

    assert len(cast) >= 12
    assert len({story.name for story in cast}) == len(cast)
    assert {story.outcome for story in cast} <= set(Outcome)
    assert len({story.outcome for story in cast}) >= 4
    assert {"usd", "eur", "jpy"} <= {story.script.currency for story in cast}


def _play(story: Story, outcome: Outcome) -> Play:
    status = Status(
        invoice=InvoiceId("in_1"), customer=None, state=State.CLOSED, round=1, attempts=0,
        pending_decision=None, next_action=None, next_action_at=None, outcome=outcome,
    )  # fmt: skip
    return Play(story, NO_ACCOUNT, status=status, charges=story.charges)


def test_a_story_that_ends_otherwise_is_told_in_words() -> None:
    payday = CAST[0](NOW)

    assert _play(payday, Outcome.RECOVERED).differences() == []
    assert _play(payday, Outcome.EXHAUSTED).differences() == ["outcome: exhausted, not recovered"]


def test_one_charge_too_many_fails_the_demo() -> None:
    play = _play(CAST[0](NOW), Outcome.RECOVERED)
    play.charges += 1

    assert play.differences() == ["charges: 2, not 1"]


def test_every_mail_is_saved_as_a_page_of_its_own(tmp_path: Path) -> None:
    mails = [_mail("One <b>"), _mail("Two")]

    index = save_mails(tmp_path, mails).read_text()

    assert (tmp_path / "02.html").read_text() == "<p>Hello</p>"
    assert html.escape("One <b>") in index


def test_the_link_in_a_mail_is_found() -> None:
    body = '<a href="http://127.0.0.1:8000/pay/demo.WyJpbl8x.abc-_1">Pay</a>'

    found = PAY_LINK.search(body)

    assert found
    assert found[0] == "http://127.0.0.1:8000/pay/demo.WyJpbl8x.abc-_1"


def test_the_demos_company_still_fits_the_shipped_playbook() -> None:
    text = (ROOT / "playbook" / "playbook.toml").read_text()

    assert all(line in text for line in COMPANY)
