"""Telling a case from its records, and rehearsing one without leaving any."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from activities.database import Pool
from activities.records import Records
from starter.dry_run import Rehearsal
from starter.errors import UserError
from starter.explain import Event, Story, show, tell
from starter.status import moment
from workflows.case import Outcome
from workflows.nouns import InvoiceId
from workflows.playbook import Playbook
from workflows.steps import Entry, Ref

INVOICE = InvoiceId("in_1Told")
NOON = datetime(2026, 6, 29, 12, tzinfo=UTC)
REF = Ref(invoice=INVOICE, cycle=1, round=1, now=NOON)


async def _open(records: Records) -> None:
    await records.open_case(
        REF, workflow_id="dunning-in_1Told", run_id="r", playbook=Playbook(hash="p1")
    )


async def test_a_story_is_told_in_the_order_in_which_it_happened(records: Records) -> None:
    await _open(records)
    later = NOON.replace(hour=15)
    said = Entry(at=later, actor="message", event="accepted", detail="Stripe: invoice.paid")
    ended = REF.model_copy(update={"now": later})
    await records.close_case(ended, Outcome.PAID_ELSEWHERE, "Stripe shows it paid.", [said])

    story = await tell(records, INVOICE)

    assert [event.text for event in story.events] == [
        "Case opened",
        "Stripe: invoice.paid",
        "Case closed",
    ]
    assert story.ending == "Closed 2026-06-29 15:00 UTC: paid elsewhere."


async def test_what_people_wrote_is_shown_as_they_wrote_it(records: Records) -> None:
    await _open(records)
    await records.audit(
        INVOICE, [Entry(at=NOON, actor="Ann [bold]", event="approved", detail="[red]now[/red]")]
    )
    console = Console(record=True, width=100, file=StringIO())

    show(console, await tell(records, INVOICE))

    assert "Approved by Ann [bold]" in (shown := console.export_text())
    assert "[red]now[/red]" in shown


async def test_an_unknown_invoice_is_told_in_a_sentence(records: Records) -> None:
    with pytest.raises(UserError, match="We have no records of in_1Nobody"):
        await tell(records, InvoiceId("in_1Nobody"))


async def test_a_rehearsal_leaves_nothing_behind(pool: Pool) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        rehearsed = Records(Rehearsal(connection))  # type: ignore[arg-type]
        await _open(rehearsed)
        assert (await rehearsed.case(INVOICE)).open
        await transaction.rollback()

    assert await Records(pool).find_case(INVOICE) is None


def test_moments_are_short_and_say_their_zone() -> None:
    assert moment(NOON.replace(second=59)) == "2026-06-29 12:00 UTC"
    assert moment(None) == ""


def test_a_story_tells_the_weightiest_facts_and_how_to_see_the_others() -> None:
    facts = tuple(f"PAY.{n}: fact {n}" for n in range(8))
    known = Event(at=NOON, text="Knew 8 facts", details=facts, facts=True)
    console = Console(record=True, width=120)

    show(console, Story(headline="Acme", events=(known,), ending="Closed."))
    brief = console.export_text()
    show(console, Story(headline="Acme", events=(known,), ending="Closed."), facts=True)

    assert "fact 4" in brief
    assert "fact 5" not in brief
    assert "and 3 more: --facts" in brief
    assert "fact 7" in console.export_text()
