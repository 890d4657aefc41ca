"""Sending one letter through Outlook exactly once, and never after the reason for it is gone.

    row in the ledger ─► draft ─► its id in the row ─► recheck ─► "about to send" ─► send THAT draft

Only the draft whose id stands in the row is ever sent, and sending consumes it: a second send of
the same id finds nothing. After an answer that never came we look (is the draft gone? does the copy
lie in Sent Items?) before we touch it again, and not before `settle` has passed.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import failpoints, recipients, words
from activities.errors import bug, retry_later
from activities.ledger import Effect, EffectId, Ledger
from activities.mailbox import Item, Mail, Mailbox
from activities.records import LetterRow, Records
from workflows.facts import Facts
from workflows.steps import LetterKind, Send, SendKind, SendResult

SETTLE = timedelta(minutes=10)  # how long a sent draft may still read as a draft, times a hundred
MOST_TRIES = 5  # sends without any definite answer; then a person must look
FOLLOWS = {LetterKind.REMINDER, LetterKind.STAND_DOWN}  # sent into the thread of an earlier mail
OPENS_THREAD = (f"mail:{LetterKind.HANDOFF}", f"mail:{LetterKind.APPROVAL}")

Objection = Callable[[Send], Awaitable[str | None]]
"""Reads Stripe afresh and answers why this letter must not go out any more, or None."""


class OutlookActivities:
    def __init__(
        self,
        mailbox: Mailbox,
        records: Records,
        ledger: Ledger,
        recheck: Objection,
        *,
        live: bool,
        settle: timedelta = SETTLE,
    ) -> None:
        self._mailbox = mailbox
        self._records = records
        self._ledger = ledger
        self._recheck = recheck
        self._live = live
        self._settle = settle

    @activity.defn(name="send_letter")
    async def send_letter(self, order: Send) -> SendResult:
        """Sent once, however often we are called; blocked when the world has moved; unclear at
        worst.
        """
        failpoints.reached("mail.before_intent")
        row = await self._ledger.intend(
            effect_of(order), cycle=order.ref.cycle, case_at=order.ref.now
        )
        failpoints.reached("mail.after_intent")
        if row.final:
            return _told(row)
        letter = await self._letter(order)
        mail = await self._mail(order, letter, row)
        if mail is None:
            return _told(await self._ledger.block(row, "there is no valid address to send it to"))
        row, item = await self._draft(order, row, mail)
        if item is None or not item.is_draft:
            return await self._look_for_it(row, item)
        if row.state == "unknown" or row.tries >= MOST_TRIES:
            return await self._unclear(row, "the draft was sent several times without an answer")
        if (wait := self._settling(row)) is not None:
            raise retry_later(
                f"{order.ref.invoice}: waiting to see whether the mail went out", wait
            )
        if (objection := await self._objection(order)) is not None:
            return await self._blocked(row, item, objection)
        return await self._send(row, item)

    async def read_back(self, row: Effect, gone: bool) -> bool:
        """For the sweep: is it clear now whether this mail went out? `gone`: no run will ask again.

        Then a draft that was not sent is thrown away, and its row says so first: a straggler that
        still holds it finds the row closed.
        """
        if row.final or not gone:
            return row.final
        if row.external_id is not None:
            item = await self._mailbox.get(row.external_id)
        else:
            item = await self._mailbox.find(row.key)
        if self._settling(row) is not None:
            return False
        if item is not None and item.is_draft:
            if row.state == "unknown":  # sent several times without an answer: a person looks
                return False
            await self._blocked(row, item, "its case was closed before it was sent")
        elif row.tried or item is not None:
            return (await self._look_for_it(row, item)).kind is SendKind.SENT
        else:
            await self._ledger.block(row, "its case was closed before it was written")
        return True

    async def is_there(self, row: Effect) -> bool:
        """For `dunning check`: does the mailbox hold the mail that this row says was sent?"""
        known = (row.result or {}).get("internet_message_id")
        copy = await self._mailbox.find_sent(known) if known else None
        copy = copy or await self._mailbox.find(row.key)
        return copy is not None and not copy.is_draft

    async def check(self) -> str | None:
        """For `dunning doctor`: what a person must do about Outlook, or None when all is well."""
        try:
            await self._mailbox.check()
        except ApplicationError as problem:
            return problem.message
        return None

    # ── who and what ────────────────────────────────────────────────────────────────────

    async def _letter(self, order: Send) -> LetterRow:
        letter = await self._records.letter(order.letter)
        if (letter.invoice, letter.kind) != (order.ref.invoice, order.kind):
            raise bug(f"{order.ref.invoice}: {order.letter} is a letter of another case or kind")
        return letter

    async def _mail(self, order: Send, letter: LetterRow, row: Effect) -> Mail | None:
        """The letter, addressed. Only structured fields of Stripe and HubSpot decide to whom."""
        playbook = await self._records.playbook_of(order.ref.invoice)
        facts = await self._facts(order)
        to: str | None
        if order.kind is LetterKind.UPDATE_LINK:
            to = recipients.customer(facts)
            reply_to = recipients.valid(playbook.company.reply_to)
        else:
            to = recipients.csm(facts, playbook, self._mailbox.sender).address
            reply_to = None
        if to is None:
            return None
        subject = words.tidy(letter.subject, 200)  # one line: nothing can start a second header
        return Mail(subject, letter.body_html, to, row.key, reply_to)

    async def _facts(self, order: Send) -> Facts:
        try:
            return await self._records.facts(order.ref, live=self._live)
        except LookupError as missing:
            raise retry_later(f"{order.ref.invoice}: {missing}") from missing

    # ── the draft ───────────────────────────────────────────────────────────────────────

    async def _draft(self, order: Send, row: Effect, mail: Mail) -> tuple[Effect, Item | None]:
        """The one draft of this row: the bound one, else one that an unanswered try made, else a
        new one.
        """
        if row.external_id is not None:
            return row, await self._mailbox.get(row.external_id)
        item = await self._mailbox.find(row.key) or await self._write(order, mail)
        failpoints.reached("mail.after_draft")
        row = await self._ledger.bind_external(row, item.id)
        if row.external_id == item.id:
            return row, item
        await self._mailbox.discard(item.id)  # somebody else was faster: theirs is the draft
        return row, await self._mailbox.get(row.external_id) if row.external_id else None

    async def _write(self, order: Send, mail: Mail) -> Item:
        if order.kind in FOLLOWS and (sent := await self._thread(order)) is not None:
            reply = await self._mailbox.draft_reply(sent, mail)
            if reply is not None:
                return reply
        return await self._mailbox.draft(mail)

    async def _thread(self, order: Send) -> Item | None:
        """The latest mail to the CSM that opened a thread, if it still lies in the mailbox."""
        opened = [
            row
            for row in await self._ledger.of(order.ref.invoice)
            if row.purpose in OPENS_THREAD and row.state == "done"
        ]
        if not opened:
            return None
        known = (opened[-1].result or {}).get("internet_message_id")
        found = await self._mailbox.find_sent(known) if known else None
        found = found or await self._mailbox.find(opened[-1].key)
        return found if found and not found.is_draft else None

    # ── sending ─────────────────────────────────────────────────────────────────────────

    async def _objection(self, order: Send) -> str | None:
        """Nothing speaks against telling somebody that there is nothing left to do."""
        if order.kind is LetterKind.STAND_DOWN:
            return None
        return await self._recheck(order)

    async def _send(self, row: Effect, item: Item) -> SendResult:
        row = await self._ledger.begin(row, {"internet_message_id": item.internet_message_id})
        if row.final:
            return _told(row)
        failpoints.reached("mail.before_call")
        try:
            taken = await self._mailbox.send(item.id)
        except ApplicationError as error:
            if error.type == "InvalidRequest":  # a definite no: nothing left the mailbox
                return await self._blocked(row, item, "Outlook did not accept this mail")
            raise
        failpoints.reached("mail.after_call")
        if not taken:
            return await self._look_for_it(row, None)
        return await self._sent(row, item)

    async def _sent(self, row: Effect, item: Item | None) -> SendResult:
        imid = (item and item.internet_message_id) or row.before.get("internet_message_id")
        result = {"kind": SendKind.SENT, "internet_message_id": imid}
        row = await self._ledger.settle(row, result)
        failpoints.reached("mail.after_record")
        return _told(row)

    async def _blocked(self, row: Effect, item: Item, reason: str) -> SendResult:
        row = await self._ledger.block(row, reason)
        try:
            await self._mailbox.discard(item.id)
        except ApplicationError:
            activity.logger.info("a draft that will not be sent stays in the mailbox")
        return _told(row)

    # ── after silence ───────────────────────────────────────────────────────────────────

    async def _look_for_it(self, row: Effect, item: Item | None) -> SendResult:
        """The draft is gone: was it sent? The copy in Sent Items says so, by message id or by
        key.
        """
        if item is not None and not item.is_draft:
            return await self._sent(row, item)
        known = row.before.get("internet_message_id")
        copy = await self._mailbox.find_sent(known) if known else None
        copy = copy or await self._mailbox.find(row.key)
        if copy is not None and not copy.is_draft:
            return await self._sent(row, copy)
        if (wait := self._settling(row)) is not None:
            raise retry_later(f"{row.invoice}: waiting for the mail to show in Sent Items", wait)
        return await self._unclear(row, "the draft is gone and no copy lies in Sent Items")

    def _settling(self, row: Effect) -> timedelta | None:
        """How long to wait before an unanswered try may be followed by another act."""
        if row.last_try is None:
            return None
        left = row.last_try + self._settle - self._ledger.clock()
        return left if left > timedelta(0) else None

    async def _unclear(self, row: Effect, why: str) -> SendResult:
        row = await self._ledger.give_up(row, f"{why}; look into the mailbox")
        return SendResult(kind=SendKind.UNCLEAR, text=row.reason)


def effect_of(order: Send) -> EffectId:
    """A cycle has one end: whichever decision was the last, people stand down once."""
    ends = order.kind is LetterKind.STAND_DOWN
    purpose = f"mail:{order.kind}" + (f":{order.step}" if order.kind is LetterKind.REMINDER else "")
    ordinal = order.ref.cycle if ends else order.ordinal
    return EffectId(invoice=order.ref.invoice, purpose=purpose, ordinal=ordinal)


def _told(row: Effect) -> SendResult:
    if row.state == "blocked":
        return SendResult(kind=SendKind.BLOCKED, text=row.reason)
    return SendResult(kind=SendKind.SENT)
