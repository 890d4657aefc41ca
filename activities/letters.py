"""Every letter the project writes, and the step that writes one without a model.

`render_handoff` is for the CSM (handoff and approval request), `render_reminder` and
`render_stand_down` follow in the same thread, `render_customer` is the one mail a customer gets.
Each is a folder of three templates: subject, text, HTML. Words of other people enter as values,
never as templates, and HTML escapes all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities import customer_letter, handoff, handoff_facts, recipients, words
from activities.customer_letter import BadLetter, company_name
from activities.errors import bug, retry_later
from activities.handoff import CustomerDraft, Prose
from activities.links import Links
from activities.records import LetterRow, Records
from workflows.case import Action, DecidedBy, Options, Verdict
from workflows.facts import Facts
from workflows.playbook import Playbook
from workflows.steps import LetterKind, Write, Written

TEMPLATES = Path(__file__).parent / "templates"
TO_CSM = (LetterKind.HANDOFF, LetterKind.APPROVAL)


@dataclass(frozen=True)
class Letter:
    """A finished mail: nothing in it is filled in later."""

    subject: str
    text: str
    html: str


# ── a model's part ──────────────────────────────────────────────────────────────────────


class _Flat(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ContextItem(_Flat):
    text: str
    evidence_ids: tuple[str, ...]


class CustomerMessage(_Flat):
    language: str  # ISO 639-1
    subject: str
    body: str


class Draft(_Flat):
    """Prose that a model wrote and `letter_check` passed. `{{amount_due}}` and the like are filled
    in here.
    """

    summary: tuple[str, ...]
    why_this_action: str
    account_context: tuple[ContextItem, ...]
    suggested_next_steps: tuple[str, ...]
    talking_points: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    customer_message: CustomerMessage | None = None


def placeholder_values(
    facts: Facts, verdict: Verdict, playbook: Playbook, *, link: str | None = None
) -> dict[str, str]:
    """What a draft may name, and what it becomes. Only values that exist are offered."""
    tz = words.zone(playbook.company.timezone)
    crm, billing, invoice = facts.crm, facts.billing, facts.invoice
    owner = words.tidy(crm.owner.name, 60).split(" ")[0] if crm and crm.owner else ""
    renewal = handoff_facts.next_deal(facts)
    values = {
        "owner_first_name": owner,
        "company": company_name(facts, playbook),
        "contact_first_name": customer_letter.first_name(facts) or "",
        "amount_due": words.money(invoice.remaining),
        "open_invoice_count": str(1 + len(facts.other_open_invoices)),
        "invoice_number": words.tidy(invoice.number, 40),
        "due_date": words.date(invoice.due_date, tz) if invoice.due_date else "",
        "failed_on": words.date(facts.failure.failed_at, tz) if facts.failure else "",
        "retry_at": words.moment(verdict.at, tz) if verdict.at else "",
        "plan": words.tidy(billing.plan_name or billing.plan_tier, 30) if billing else "",
        "mrr": words.money(billing.mrr) if billing and billing.mrr else "",
        "tenure": words.months(billing.tenure_days) if billing and billing.tenure_days else "",
        "renewal_date": words.date(renewal.close_date, tz)
        if renewal and renewal.close_date
        else "",
        "renewal_amount": words.money(renewal.amount) if renewal and renewal.amount else "",
        "update_link": link or "",
        "case_link": handoff_facts.stripe_url(facts),
    }
    return {name: value for name, value in values.items() if value}


def _for_the_customer(
    values: Mapping[str, str], facts: Facts, verdict: Verdict, language: str
) -> Mapping[str, str]:
    """The same values as the customer writes them: `1.200,00 €`, `11. Juni 2026`."""
    locale = customer_letter.locale_of(facts, language)
    renewal, billing = handoff_facts.next_deal(facts), facts.billing
    amounts = {
        "amount_due": facts.invoice.remaining,
        "mrr": billing.mrr if billing else None,
        "renewal_amount": renewal.amount if renewal else None,
    }
    days = {
        "due_date": facts.invoice.due_date,
        "failed_on": facts.failure.failed_at if facts.failure else None,
        "retry_at": verdict.at,
        "renewal_date": renewal.close_date if renewal else None,
    }
    return {
        **values,
        **{name: words.money(amount, locale) for name, amount in amounts.items() if amount},
        **{name: customer_letter.day(at, facts, locale) for name, at in days.items() if at},
    }


def _prose(draft: Draft, values: Mapping[str, str], theirs: Mapping[str, str]) -> Prose:
    """The draft with its placeholders filled and every line made one line. `theirs`: the values as
    the customer writes them.
    """

    def line(text: str, values: Mapping[str, str] = values) -> str:
        return words.tidy(customer_letter.fill(text, values), 400)

    return Prose(
        summary=tuple(map(line, draft.summary)),
        why=line(draft.why_this_action),
        context=tuple((line(item.text), item.evidence_ids) for item in draft.account_context),
        next_steps=tuple(map(line, draft.suggested_next_steps)),
        points=tuple(map(line, draft.talking_points)),
        avoid=tuple(map(line, draft.avoid)),
        message=_message(draft.customer_message, lambda text: line(text, theirs))
        if draft.customer_message
        else None,
    )


def _message(message: CustomerMessage, line: Callable[[str], str]) -> CustomerDraft:
    paragraphs = message.body.replace("\r", "").strip().split("\n\n")
    return CustomerDraft(
        language=handoff.language_name(words.language_of(message.language)),
        subject=line(message.subject),
        paragraphs=tuple("\n".join(map(line, part.split("\n"))) for part in paragraphs),
    )


# ── rendering ───────────────────────────────────────────────────────────────────────────

_templates = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    autoescape=lambda name: (name or "").endswith(".html"),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def _render(folder: str, **values: Any) -> Letter:
    """The three templates of one folder. A subject is one line, whatever went into it."""
    subject, text, html = (
        _templates.get_template(f"{folder}/{part}").render(values)
        for part in ("subject.txt", "body.txt", "body.html")
    )
    return Letter(words.tidy(subject, 200), text.strip() + "\n", html.strip() + "\n")


def render_handoff(
    facts: Facts,
    verdict: Verdict,
    options: Options,
    playbook: Playbook,
    *,
    draft: Draft | None = None,
    kind: LetterKind = LetterKind.HANDOFF,
    expires_at: datetime | None = None,
    links: Links | None = None,
    pack: Mapping[str, Any] | None = None,
    notice: str | None = None,
) -> Letter:
    """The mail to the CSM; of kind APPROVAL it asks for a yes before `expires_at`.

    `draft` is checked prose of a model; without one the letter quotes the account's own notes.
    `notice` says why this reader gets it when the account's owner cannot.
    """
    link = pay_link(facts, playbook, links)
    prose = None
    if draft is not None:
        message = draft.customer_message
        values = placeholder_values(facts, verdict, playbook, link=link)
        language = words.language_of(message.language if message else None)
        prose = _prose(draft, values, _for_the_customer(values, facts, verdict, language))
    view = handoff.compose(
        facts, verdict, options, playbook,
        prose=prose, kind=kind, expires_at=expires_at, link=link, notice=notice,
    )  # fmt: skip
    return _render("handoff", view=view)


def render_customer(
    facts: Facts, verdict: Verdict, playbook: Playbook, *, link: str | None = None
) -> Letter | None:
    """The mail to the billing contact, or None where the customer is not written to at all."""
    if verdict.action is not Action.SEND_UPDATE_LINK:
        return None
    if facts.crm is not None and facts.crm.do_not_contact:
        return None
    return _render("customer", letter=customer_letter.write(facts, verdict, playbook, link=link))


def render_reminder(
    facts: Facts, verdict: Verdict, playbook: Playbook, *, step: int = 1, about: str | None = None
) -> Letter:
    """To the CSM, in the thread of `about` (the subject of the mail it follows)."""
    return _render("reminder", step=step, about=about, **_essentials(facts, playbook))


def render_stand_down(
    facts: Facts, playbook: Playbook, *, text: str, about: str | None = None
) -> Letter:
    """To the CSM who was asked for help: it is over, do nothing. `text` says what happened."""
    return _render(
        "stand_down", what=words.tidy(text, 300), about=about, **_essentials(facts, playbook)
    )


def _essentials(facts: Facts, playbook: Playbook) -> dict[str, Any]:
    return {
        "company": company_name(facts, playbook),
        "amount": words.money(facts.invoice.remaining),
        "due": words.money(facts.invoice.due),
        "paid": facts.invoice.status == "paid",
        "invoice": facts.invoice.id,
        "number": words.tidy(facts.invoice.number, 40) or facts.invoice.id,
        "as_of": words.moment(facts.now, words.zone(playbook.company.timezone)),
        "snooze_days": words.plural(playbook.handoff.snooze_days, "day"),
        "stripe_url": handoff_facts.stripe_url(facts),
    }


def pay_link(facts: Facts, playbook: Playbook, links: Links | None) -> str | None:
    return (
        links.pay_link(facts.invoice.id, facts.now, playbook.contact.link_valid_days)
        if links
        else None
    )


# ── the step ────────────────────────────────────────────────────────────────────────────


class LetterActivities:
    """Writes letters from templates. `sender` is the mailbox, for the letter's own word on who gets
    it.
    """

    def __init__(
        self, records: Records, links: Links | None, *, sender: str = "", live: bool = True
    ) -> None:
        self._records = records
        self._links = links
        self._sender = sender
        self._live = live

    @activity.defn(name="write_letter_from_template")
    async def write_letter_from_template(self, order: Write) -> Written:
        """Fix the words of one mail. A second call answers with the words of the first."""
        decision = await self._records.decision(order.decision)
        playbook = await self._records.playbook(decision.playbook)
        try:
            facts = await self._records.facts(order.ref, live=self._live)
        except LookupError as missing:
            raise retry_later(f"{order.ref.invoice}: {missing}") from missing
        try:
            letter = await self._letter(order, facts, decision.verdict, decision.options, playbook)
        except BadLetter as flaw:
            raise bug(
                f"{order.ref.invoice}: a letter of the playbook cannot be used: {flaw}"
            ) from flaw
        return await store(self._records, order, letter, DecidedBy.FALLBACK)

    async def _letter(
        self, order: Write, facts: Facts, verdict: Verdict, options: Options, playbook: Playbook
    ) -> Letter:
        match order.kind:
            case LetterKind.UPDATE_LINK:
                return self._to_customer(order, facts, verdict, playbook)
            case LetterKind.REMINDER:
                about = await self._thread_subject(order)
                return render_reminder(facts, verdict, playbook, step=order.step or 1, about=about)
            case LetterKind.STAND_DOWN:
                about = await self._thread_subject(order)
                return render_stand_down(facts, playbook, text=order.text, about=about)
            case _:
                return render_handoff(
                    facts, verdict, options, playbook,
                    kind=order.kind, expires_at=order.expires_at, links=self._links,
                    notice=recipients.csm(facts, playbook, self._sender).notice,
                )  # fmt: skip

    def _to_customer(
        self, order: Write, facts: Facts, verdict: Verdict, playbook: Playbook
    ) -> Letter:
        """A person may have chosen this mail, so the verdict's action is what it is about to be."""
        chosen = verdict.model_copy(update={"action": Action.SEND_UPDATE_LINK})
        letter = render_customer(
            facts, chosen, playbook, link=pay_link(facts, playbook, self._links)
        )
        if letter is None:
            raise bug(
                f"{order.ref.invoice}: this customer asked not to be contacted; no mail is written"
            )
        return letter

    async def _thread_subject(self, order: Write) -> str | None:
        """What the CSM's thread is called: the subject of our latest mail that opened one."""
        opened = [
            letter.subject
            for letter in await self._records.letters(order.ref.invoice)
            if letter.kind in TO_CSM
        ]
        return opened[-1] if opened else None


async def store(records: Records, order: Write, letter: Letter, by: DecidedBy) -> Written:
    """Keep a letter; if the same mail was written before, its first words stay and are answered."""
    id = await records.put_letter(
        invoice=order.ref.invoice,
        ordinal=order.ordinal,
        kind=order.kind,
        step=order.step,
        subject=letter.subject,
        body_text=letter.text,
        body_html=letter.html,
        written_by=by,
        at=order.ref.now,
    )
    kept: LetterRow = await records.letter(id)
    return Written(letter=kept.id, by=kept.written_by, subject=kept.subject)


__all__ = [
    "BadLetter",
    "ContextItem",
    "CustomerMessage",
    "Draft",
    "Letter",
    "LetterActivities",
    "pay_link",
    "placeholder_values",
    "render_customer",
    "render_handoff",
    "render_reminder",
    "render_stand_down",
    "store",
]  # fmt: skip
