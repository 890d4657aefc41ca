"""One case whose every effect can be ordered, in front of the sandbox's Stripe, HubSpot, Graph."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities import hubspot, mailbox
from activities.hubspot import HubspotActivities
from activities.outlook import OutlookActivities
from sandbox.accounts import AccountScript, Approve, CardScript, Decline
from sandbox.control import GRAPH_TOKEN, HUBSPOT_TOKEN
from tests.activities.given import a_decision
from tests.activities.people import PLAYBOOK, SENDER, Objections, a_crm
from tests.fixtures.stripe import FailedInvoice, Shop
from workflows.case import Action, DecidedBy
from workflows.facts import Source
from workflows.nouns import InvoiceId
from workflows.steps import Announce, Gather, HandBack, LetterKind, Pay, Ref, Send, WriteNote

FUNDS = Decline(decline_code="insufficient_funds")
MAILS = ("handoff", "update_link", "approval", "reminder", "stand_down")
EFFECTS = ("pay", "own", "announce", "hand_back", *(f"mail:{kind}" for kind in MAILS), "note")

Act = Callable[[], Awaitable[Any]]


class Company:
    """Everything that the program can do to the world, for one failed invoice."""

    def __init__(
        self, shop: Shop, invoice: FailedInvoice, outlook: OutlookActivities, crm: HubspotActivities
    ) -> None:
        self.shop, self.invoice, self.outlook, self.crm = shop, invoice, outlook, crm

    @property
    def ref(self) -> Ref:
        return self.invoice.ref

    async def order(self, effect: str) -> Act:
        """Everything that precedes this effect has happened; calling the answer does it."""
        kind, _, which = effect.partition(":")
        if kind == "mail":
            send = await self._letter(LetterKind(which))
            return lambda: self.outlook.send_letter(send)
        return await getattr(self, f"_{kind}")()

    async def _pay(self) -> Act:
        await self.shop.stripe.take_ownership(self.ref)
        order: Pay = await self.invoice.decided()
        return lambda: self.shop.stripe.pay_invoice(order)

    async def _own(self) -> Act:
        return lambda: self.shop.stripe.take_ownership(self.ref)

    async def _announce(self) -> Act:
        order = Announce(ref=self.ref, at=self.ref.now + timedelta(days=2))
        return lambda: self.shop.stripe.announce_retry(order)

    async def _hand_back(self) -> Act:
        await self.shop.stripe.take_ownership(self.ref)
        order = HandBack(ref=self.ref, why="cancelled")
        return lambda: self.shop.stripe.hand_back(order)

    async def _note(self) -> Act:
        decision, ordinal = await self._decided(Action.ESCALATE_NOW)
        order = WriteNote(
            ref=self.ref, decision=decision, ordinal=ordinal, step="decided", text="Call them."
        )
        return lambda: self.crm.write_note(order)

    async def _decided(self, action: Action) -> tuple[Any, int]:
        await self.shop.stripe.gather_stripe(Gather(ref=self.ref))
        company = a_crm(company_id=self.invoice.account.company)
        await self.shop.records.put_snapshot(
            self.ref, Source.CRM, True, company.model_dump(mode="json")
        )
        return await a_decision(self.shop.records, self.ref, action)

    async def _letter(self, kind: LetterKind) -> Send:
        _, ordinal = await self._decided(Action.ESCALATE_NOW)
        step = 1 if kind is LetterKind.REMINDER else 0
        letter = await self.shop.records.put_letter(
            invoice=InvoiceId(self.ref.invoice), ordinal=ordinal, kind=kind, step=step,
            subject=f"{kind} for Acme", body_text="Please call.", body_html="<p>Please call.</p>",
            written_by=DecidedBy.FALLBACK, at=self.ref.now,
        )  # fmt: skip
        return Send(ref=self.ref, letter=letter, kind=kind, ordinal=ordinal, step=step)

    async def until_done(self, act: Act, tries: int = 30) -> Any:
        """What Temporal does: again and again, each time after the stated wait."""
        for _ in range(tries):
            try:
                return await act()
            except ApplicationError as error:
                if error.non_retryable:
                    raise
                self.shop.clock.forward(error.next_retry_delay or timedelta(seconds=1))
        raise AssertionError(f"not done after {tries} tries")

    async def happened(self, effect: str) -> int:
        """How often it reached the world: charges, mails, notes, or changes of the invoice."""
        world = await self.shop.sandbox.effects()
        kind, _, which = effect.partition(":")
        if kind == "pay":
            return len(world.charges_of(self.invoice.id, who="ours"))
        if kind == "mail":
            return sum(mail.subject == f"{which} for Acme" for mail in world.mails)
        if kind == "note":
            return len(world.notes)
        return await self._changes(kind)

    async def _changes(self, kind: str) -> int:
        """Updates of the invoice that changed what this effect sets."""
        shown = {
            "own": lambda before: "auto_advance" in before,
            "announce": lambda before: "metadata" in before,
            "hand_back": lambda before: before.get("auto_advance") is False,
        }[kind]
        events = await self.shop.sandbox.events("invoice.updated")
        changes = [event["data"].get("previous_attributes") or {} for event in events]
        return sum(shown(before) for before in changes)


@pytest.fixture
def objections() -> Objections:
    return Objections()


@pytest.fixture
async def company(shop: Shop, objections: Objections) -> AsyncIterator[Company]:
    """Acme's invoice failed for lack of funds; the next charge would be paid."""
    card = CardScript(outcomes=(FUNDS, Approve(), Approve()))
    invoice = await shop.failed_unowned(AccountScript(card=card), PLAYBOOK)
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(
            mailbox.connect(SENDER, api_base=shop.sandbox.graph_base, access_token=GRAPH_TOKEN)
        )
        api = hubspot.connect(HUBSPOT_TOKEN, shop.sandbox.hubspot_base)
        stack.callback(api.close)
        crm = HubspotActivities(api, shop.records, shop.ledger)
        await crm.ensure_note_property()
        outlook = OutlookActivities(box, shop.records, shop.ledger, objections, live=False)
        yield Company(shop, invoice, outlook, crm)
