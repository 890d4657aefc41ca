"""The account in HubSpot: who owns it, what people wrote about it, and our own note on it.

Everything read here is other people's words: it is redacted before it is stored, and only
structured properties (owner, flags) ever decide anything. Our note is written once, under a key of
the ledger.
"""

import asyncio
import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import failpoints, recipients
from activities.errors import retry_later
from activities.hubspot_api import HubspotApi, HubspotError, Row, must
from activities.ledger import Effect, EffectId, Ledger
from activities.readings import CaseClock
from activities.records import CaseRow, Records
from workflows.facts import Crm, Deal, Note, Owner, Source, Ticket
from workflows.money import Money, exponent
from workflows.nouns import iso
from workflows.playbook import HubspotFields, Playbook
from workflows.reading import RESOLVED
from workflows.redaction import NAME, READ, redact
from workflows.steps import Gather, Gathered, NoteWritten, Ref, WriteNote

KEY_PROPERTY = "dunning_key"  # unique on notes: what makes writing one twice impossible
MARKER = (
    "dunning note"  # in portals that refuse unique properties, a note is found by its last line
)
SETTLE = timedelta(seconds=60)  # how long an unanswered create may still show up
PROPERTY_MEMORY = timedelta(minutes=10)
MOST_OPEN_TICKETS = 20
LATEST = 1_000_000  # as a round: whatever was read last

# Addresses there say nothing about the company behind them.
FREEMAIL = frozenset(
    {
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com",
        "yahoo.com", "icloud.com", "me.com", "mac.com", "aol.com", "gmx.de", "gmx.net", "gmx.com",
        "gmx.at", "web.de", "t-online.de", "freenet.de", "proton.me", "protonmail.com", "mail.com",
        "mail.ru", "yandex.ru", "orange.fr", "free.fr", "wanadoo.fr", "laposte.net", "libero.it",
        "virgilio.it", "ziggo.nl", "uol.com.br", "bol.com.br", "qq.com", "163.com", "126.com",
        "naver.com", "daum.net", "yahoo.co.jp", "fastmail.com", "zoho.com", "hey.com", "pm.me",
        "btinternet.com", "comcast.net", "att.net",
    }
)  # fmt: skip
STAGES = {"1": "new", "2": "waiting", "3": "open", "4": "closed"}  # HubSpot's own support pipeline
CONTACT = ["firstname", "email", "hs_email_optout"]
NOTE = ["hs_note_body", "hs_timestamp", "hs_createdate", "author_type", KEY_PROPERTY]
TICKET = [
    "subject", "content", "hs_pipeline_stage", "hs_ticket_priority", "createdate", "closed_date",
]  # fmt: skip
DEAL = [
    "dealname", "dealtype", "dealstage", "amount", "deal_currency_code", "closedate",
    "hs_is_closed",
]  # fmt: skip


def connect(access_token: str, api_base: str) -> HubspotApi:
    """One a process; close it at the end."""
    return HubspotApi(access_token, api_base)


class HubspotActivities:
    def __init__(self, api: HubspotApi, records: Records, ledger: Ledger) -> None:
        self._api = api
        self._records = records
        self._ledger = ledger
        self._unique: tuple[bool, datetime] | None = None  # does the key property exist? asked when

    # ── reading the account ─────────────────────────────────────────────────────────────

    @activity.defn(name="gather_crm")
    async def gather_crm(self, order: Gather) -> Gathered:
        """Keep what HubSpot knows of this customer for this round."""
        case = await self._records.case(order.ref.invoice)
        playbook = await self._records.playbook(case.playbook)
        clock = await self._records.clock(order.ref)
        if case.customer is None:
            raise retry_later(f"{case.invoice}: Stripe has not said yet who the customer is")
        try:
            crm = await self._account(case, playbook, order.ref.now, clock)
        except HubspotError as error:
            raise must(error, "reading the account") from None
        body = crm.model_dump(mode="json") if crm else None
        await self._records.put_snapshot(order.ref, Source.CRM, crm is not None, body)
        return Gathered(source=Source.CRM, found=crm is not None, text=_in_one_line(crm))

    async def _account(
        self, case: CaseRow, playbook: Playbook, now: datetime, clock: CaseClock
    ) -> Crm | None:
        email = recipients.valid(case.customer_email)
        contact = await self._api.contact(email, CONTACT) if email else None
        company = await self._company(case, email, contact, playbook.hubspot)
        if company is None:
            return None
        read = _Reader(playbook.hubspot, case.currency or "usd", now, clock)
        owner, notes, tickets, deals = await asyncio.gather(
            self._owner(company),
            self._notes(company["id"], read),
            self._tickets(company["id"], read),
            self._deals(company["id"], read),
        )
        return read.account(company, contact, owner, notes, tickets, deals)

    async def _company(
        self, case: CaseRow, email: str | None, contact: Row | None, fields: HubspotFields
    ) -> Row | None:
        """By the Stripe customer's id, else by the address's domain, else by the contact."""
        wanted = _company_properties(fields)
        if fields.stripe_customer_id and case.customer:
            found = await self._by_property(fields.stripe_customer_id, case.customer, wanted)
            if found:
                return found[0]
        domain = recipients.domain_of(email)
        if domain and domain not in FREEMAIL:
            found = await self._by_property("domain", domain, wanted)
            if len(found) == 1:  # two companies on one domain: neither is surely ours
                return found[0]
        companies = contact["companies"] if contact else []
        return await self._api.company(companies[0], wanted) if len(companies) == 1 else None

    async def _by_property(self, name: str, value: str, wanted: list[str]) -> list[Row]:
        try:
            return await self._api.search_companies(name, value, wanted)
        except HubspotError as error:
            if error.status == 400:  # the portal has no such property: that is an answer, too
                return []
            raise

    async def _owner(self, company: Row) -> Owner | None:
        """None also when the owner has left: nobody reads that mailbox."""
        found = await self._api.owner(company.get("hubspot_owner_id") or "")
        if found is None or getattr(found, "archived", False):
            return None
        name = " ".join(part for part in (found.first_name, found.last_name) if part)
        return Owner(name=redact(name, NAME) or None, email=recipients.valid(found.email))

    async def _notes(self, company: str, read: "_Reader") -> tuple[Note, ...]:
        if not read.fields.max_notes:
            return ()
        rows = await self._api.read("notes", await self._api.linked(company, "notes"), NOTE)
        return read.notes(rows)

    async def _tickets(self, company: str, read: "_Reader") -> tuple[Ticket, ...]:
        rows = await self._api.read("tickets", await self._api.linked(company, "tickets"), TICKET)
        return read.tickets(rows)

    async def _deals(self, company: str, read: "_Reader") -> tuple[Deal, ...]:
        rows = await self._api.read("deals", await self._api.linked(company, "deals"), DEAL)
        return read.deals(rows)

    # ── writing our note ────────────────────────────────────────────────────────────────

    @activity.defn(name="write_note")
    async def write_note(self, order: WriteNote) -> NoteWritten:
        """One note on the company, once, whatever is lost on the way. A person may edit it
        later.
        """
        failpoints.reached("note.before_intent")
        row = await self._ledger.intend(
            effect_of(order), cycle=order.ref.cycle, case_at=order.ref.now
        )
        failpoints.reached("note.after_intent")
        if row.final:
            return _written(row)
        company = await self._company_of(order)
        if company is None:
            return _written(
                await self._ledger.block(row, "HubSpot has no company for this customer")
            )
        try:
            if await self._has_key_property():
                return await self._write_by_key(order, row, company)
            return await self._write_by_marker(order, row, company)
        except HubspotError as error:
            return _written(
                await self._ledger.block(row, f"HubSpot did not accept the note ({error})")
            )

    async def _company_of(self, order: WriteNote) -> str | None:
        try:
            facts = await self._records.facts(order.ref, live=True)
        except LookupError as missing:
            raise retry_later(f"{order.ref.invoice}: {missing}") from missing
        return facts.crm.company_id if facts.crm else None

    async def _write_by_key(self, order: WriteNote, row: Effect, company: str) -> NoteWritten:
        note = await self._api.note_by_key(KEY_PROPERTY, row.key)
        if note is None:
            row = await self._ledger.begin(row)
            failpoints.reached("note.before_call")
            try:
                note = await self._api.upsert_note(KEY_PROPERTY, row.key, _properties(order, row))
            except HubspotError as error:
                if "UNIQUE" not in error.category:
                    raise
                note = await self._api.note_by_key(KEY_PROPERTY, row.key)  # another try was faster
        failpoints.reached("note.after_call")
        if note is None:
            raise retry_later(f"{order.ref.invoice}: our note does not show yet in HubSpot")
        await self._api.link_note(note, company)
        return await self._kept(row, note)

    async def _kept(self, row: Effect, note: str) -> NoteWritten:
        row = await self._ledger.settle(row, {"note": note}, external_id=f"note:{note}")
        failpoints.reached("note.after_record")
        return _written(row)

    async def read_back(self, row: Effect, gone: bool) -> bool:
        """For the sweep: is it clear now whether this note was written? `gone`: no run will ask."""
        if row.final or not gone:
            return row.final
        try:
            note = await self._found(row)
        except HubspotError as error:
            raise must(error, "looking for our note") from None
        if note is not None:
            await self._kept(row, note)
            return True
        if self._settling(row) is not None:
            return False
        await self._ledger.block(row, "its case was closed before it was written")
        return True

    async def _found(self, row: Effect) -> str | None:
        if await self._has_key_property():
            return await self._api.note_by_key(KEY_PROPERTY, row.key)
        ref = Ref(invoice=row.invoice, cycle=row.cycle, round=LATEST, now=row.case_at)
        crm = (await self._records.facts(ref, live=True)).crm
        return await self._note_marked(crm.company_id, row) if crm else None

    async def _write_by_marker(self, order: WriteNote, row: Effect, company: str) -> NoteWritten:
        """For portals without the property: look for our last line among the company's notes.

        What remains: a create that is answered late and shows later than `SETTLE` is written twice.
        """
        note = await self._note_marked(company, row)
        if note is None:
            if (wait := self._settling(row)) is not None:
                raise retry_later(
                    f"{order.ref.invoice}: waiting to see whether the note exists", wait
                )
            row = await self._ledger.begin(row)
            properties = _properties(order, row)
            properties["hs_note_body"] += f"<br><br>{_marker(row)}"
            properties.pop(KEY_PROPERTY, None)
            note = await self._api.create_note(company, properties)
            failpoints.reached("note.after_call")
        return await self._kept(row, note)

    def _settling(self, row: Effect) -> timedelta | None:
        """How long an unanswered create may still take to show."""
        if row.last_try is None:
            return None
        left = row.last_try + SETTLE - self._ledger.clock()
        return left if left > timedelta(0) else None

    async def _note_marked(self, company: str, row: Effect) -> str | None:
        ids = await self._api.linked(company, "notes")
        rows = await self._api.read("notes", ids, ["hs_note_body"])
        marker = _marker(row)
        return next((r["id"] for r in rows if marker in (r.get("hs_note_body") or "")), None)

    async def _has_key_property(self) -> bool:
        """Asked rarely; once it is there, never again (HubSpot cannot take uniqueness away)."""
        now = self._ledger.clock()
        if self._unique and (self._unique[0] or now - self._unique[1] < PROPERTY_MEMORY):
            return self._unique[0]
        found = await self._api.property("notes", KEY_PROPERTY)
        self._unique = (bool(found and found.has_unique_value), now)
        return self._unique[0]

    # ── setting up and looking after ────────────────────────────────────────────────────

    async def ensure_note_property(self) -> str:
        """For `dunning migrate`: the unique property on notes. Safe to repeat; answers what is so
        now.
        """
        found = await self._api.property("notes", KEY_PROPERTY)
        if found is None:
            try:
                await self._api.create_property("notes", _PROPERTY)
            except HubspotError as error:
                if error.status != 409:
                    return (
                        f"HubSpot allows no unique property on notes ({error}); notes are found "
                        "by a marker in their last line instead"
                    )
            found = await self._api.property("notes", KEY_PROPERTY)
        if not (found and found.has_unique_value):
            return (
                f"HubSpot's note property {KEY_PROPERTY} is there, but not unique; notes are "
                "found by a marker in their last line instead (delete it and migrate again)"
            )
        self._unique = (True, self._ledger.clock())
        return f"HubSpot's notes have the unique property {KEY_PROPERTY}"

    async def check(self) -> str | None:
        """For `dunning doctor`: what a person must do about HubSpot, or None when all is well."""
        try:
            await self._api.search_companies("domain", "dunning-doctor.invalid", ["domain"])
            found = await self._api.property("notes", KEY_PROPERTY)
        except ApplicationError as problem:
            return problem.message
        except HubspotError as problem:
            return f"HubSpot answers {problem} to a harmless search"
        if not (found and found.has_unique_value):
            return f"HubSpot's notes have no unique property {KEY_PROPERTY}: run `dunning migrate`"
        return None


_PROPERTY: Row = {
    "name": KEY_PROPERTY,
    "label": "Dunning key",
    "description": "Written by the dunning program, so that it never writes a note twice.",
    "groupName": "note",
    "type": "string",
    "fieldType": "text",
    "hasUniqueValue": True,
}


def effect_of(order: WriteNote) -> EffectId:
    """A cycle has one end: whichever decision was the last, it is noted once."""
    ordinal = order.ref.cycle if order.step == "closed" else order.ordinal
    return EffectId(invoice=order.ref.invoice, purpose=f"note:{order.step}", ordinal=ordinal)


def _properties(order: WriteNote, row: Effect) -> dict[str, str]:
    body = html.escape(order.text, quote=False).replace("\n", "<br>")
    return {"hs_note_body": body, "hs_timestamp": iso(order.ref.now)}


def _marker(row: Effect) -> str:
    return f"[{MARKER} {row.key}]"


def _written(row: Effect) -> NoteWritten:
    if row.state == "done":
        return NoteWritten(written=True, text="Our note is on the company in HubSpot.")
    return NoteWritten(written=False, text=row.reason)


def _in_one_line(crm: Crm | None) -> str:
    if crm is None:
        return "no company of this customer"
    parts = [
        f"{len(crm.notes)} notes",
        f"{len(crm.tickets)} tickets",
        f"{len(crm.deals)} open deals",
    ]
    owner = "an owner" if crm.owner else "no active owner"
    return f"company {crm.company_id}, {owner}, {', '.join(parts)}"


# ── parsing ─────────────────────────────────────────────────────────────────────────────


def _company_properties(fields: HubspotFields) -> list[str]:
    asked = ["name", "domain", "hubspot_owner_id", "lifecyclestage"]
    ours = (fields.vip, fields.do_not_contact, fields.marketing_opt_out, fields.health_score)
    return [*asked, *(name for name in ours if name and name not in asked)]


class _Reader:
    """Turns HubSpot's strings into our nouns. What cannot be read is None, never a guess."""

    def __init__(
        self, fields: HubspotFields, currency: str, now: datetime, clock: CaseClock
    ) -> None:
        self.fields = fields
        self._currency = currency
        self._now = now
        self._clock = clock

    def account(
        self,
        company: Row,
        contact: Row | None,
        owner: Owner | None,
        notes: tuple[Note, ...],
        tickets: tuple[Ticket, ...],
        deals: tuple[Deal, ...],
    ) -> Crm:
        fields = self.fields
        people = {**(contact or {}), **{k: v for k, v in company.items() if v not in (None, "")}}
        return Crm(
            company_id=company["id"],
            company_name=_text(company.get("name"), NAME),
            lifecycle_stage=_text(company.get("lifecyclestage"), NAME),
            owner=owner,
            vip=_flag(company.get(fields.vip)),
            do_not_contact=_flag(people.get(fields.do_not_contact)),
            marketing_opt_out=_flag(people.get(fields.marketing_opt_out)),
            health_score=_score(company.get(fields.health_score)),
            contact_first_name=_text(contact.get("firstname"), NAME) if contact else None,
            notes=notes,
            tickets=tickets,
            deals=deals,
        )

    def notes(self, rows: list[Row]) -> tuple[Note, ...]:
        """The latest notes of other people, oldest first. Our own are no news."""
        since = self._now - timedelta(days=self.fields.notes_days)
        notes = [
            Note(
                id=row["id"],
                at=at,
                by_customer=(row.get("author_type") or "").lower() == "customer",
                text=text,
            )
            for row in rows
            if not _is_ours(row)
            and (at := self._at(row.get("hs_timestamp") or row.get("hs_createdate"))) is not None
            and at >= since
            and (text := plain_text(row.get("hs_note_body")))
        ]
        return tuple(sorted(notes, key=lambda note: note.at)[-self.fields.max_notes :])

    def tickets(self, rows: list[Row]) -> tuple[Ticket, ...]:
        """Every open ticket, and the latest closed ones; oldest first."""
        tickets = [
            Ticket(
                id=row["id"],
                at=at,
                status=_stage(row),
                priority=(row.get("hs_ticket_priority") or "").lower() or None,
                subject=_text(row.get("subject"), 300),
                text=plain_text(row.get("content")) or None,
            )
            for row in rows
            if (at := self._at(row.get("createdate"))) is not None
        ]
        tickets.sort(key=lambda ticket: ticket.at)
        closed = [ticket for ticket in tickets if ticket.status in RESOLVED]
        still_open = [ticket for ticket in tickets if ticket.status not in RESOLVED]
        most = self.fields.max_tickets
        kept = [*still_open[-MOST_OPEN_TICKETS:], *(closed[-most:] if most else [])]
        return tuple(sorted(kept, key=lambda ticket: ticket.at))

    def deals(self, rows: list[Row]) -> tuple[Deal, ...]:
        """Open deals, the one that closes first in front."""
        deals = [
            Deal(
                id=row["id"],
                name=_text(row.get("dealname"), NAME),
                type=_text(row.get("dealtype"), NAME),
                stage=_text(row.get("dealstage"), NAME),
                amount=self._money(row.get("amount"), row.get("deal_currency_code")),
                close_date=_instant(row.get("closedate")),
            )
            for row in rows
            if not _flag(row.get("hs_is_closed"))
            and not (row.get("dealstage") or "").startswith("closed")
        ]
        return tuple(sorted(deals, key=lambda deal: (deal.close_date is None, deal.close_date)))

    def _at(self, text: str | None) -> datetime | None:
        """On the case's clock, and never later than now."""
        instant = _instant(text)
        return min(self._clock.at(instant), self._now) if instant else None

    def _money(self, amount: str | None, currency: str | None) -> Money | None:
        code = (currency or self._currency).lower()
        try:
            minor = Decimal(amount or "").scaleb(exponent(code)).to_integral_value()
            return Money(amount=int(minor), currency=code)
        except (InvalidOperation, ValueError, OverflowError):
            return None


def _is_ours(row: Mapping[str, Any]) -> bool:
    return bool(row.get(KEY_PROPERTY)) or f"[{MARKER} d1:" in (row.get("hs_note_body") or "")


def _stage(row: Row) -> str:
    """`closed` by its date or the standard pipeline; a stage of a custom pipeline counts as
    open.
    """
    if row.get("closed_date"):
        return "closed"
    return STAGES.get(row.get("hs_pipeline_stage") or "", "open")


def _text(value: str | None, cap: int) -> str | None:
    return redact(value, cap) or None if value else None


def _flag(value: Any) -> bool | None:
    """Check boxes say `true`, drop-downs often `yes`. Anything else is not known."""
    word = str(value or "").strip().lower()
    if word in ("true", "yes", "1", "vip", "ja", "oui", "y"):
        return True
    return False if word in ("false", "no", "0", "nein", "non", "n") else None


def _score(value: Any) -> int | None:
    try:
        score = round(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return score if 0 <= score <= 100 else None


def _instant(text: str | None) -> datetime | None:
    """ISO 8601 or milliseconds since 1970, as HubSpot writes either."""
    if not text:
        return None
    try:
        at = (
            datetime.fromtimestamp(int(text) / 1000, UTC)
            if text.isdigit()
            else datetime.fromisoformat(text)
        )
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else None


_ANCHOR = re.compile(r"<a\b[^>]*?\bhref\s*=\s*[\"']?([^\"'\s>]+)[^>]*>(.*?)</a>", re.I | re.S)
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6]|hr)\b[^>]*>", re.I)
_TAG = re.compile(
    r"</?(?:p|div|span|a|b|strong|i|em|u|s|ul|ol|li|h[1-6]|table|thead|tbody|tr|td|th|img|blockquote|pre"
    r"|code|font|hr|br|sup|sub|center|small)\b[^>]*>",
    re.I,
)


def plain_text(body: str | None) -> str:
    """A note's HTML as redacted text. Only HTML's own tags go: what merely looks like one is
    evidence.
    """
    if not body:
        return ""
    seen = redact(body, READ)  # while hidden parts can still be told from shown ones
    shown = _ANCHOR.sub(r"\2 (\1)", seen)
    text = html.unescape(_TAG.sub("", _BREAK.sub("\n", shown)))
    return redact(text, READ)
