"""`dunning explain INVOICE`: the story of one case, told from our records as a colleague would."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from activities.ledger import Effect
from activities.records import CaseRow, DecisionRow, Line, Records
from starter.errors import UserError
from starter.status import moment, words
from workflows.case import Action, DecidedBy
from workflows.money import Money
from workflows.nouns import InvoiceId, Noun, Utc
from workflows.redaction import shorten

LONGEST_FACT = 160

BY = {
    DecidedBy.POLICY: "the rules left no other choice",
    DecidedBy.MODEL: "the agent proposed it and the rules agreed",
    DecidedBy.FALLBACK: "the rule table, without the agent",
    DecidedBy.PERSON: "a person chose it",
}
ACTS = {
    Action.SCHEDULE_RETRY: "charge the card again",
    Action.SEND_UPDATE_LINK: "ask the customer to pay or update the card",
    Action.ESCALATE_NOW: "hand the case to the customer-success manager",
    Action.STOP: "do nothing more",
}


class Event(Noun):
    """One thing that happened, at case time."""

    at: Utc
    text: str
    details: tuple[str, ...] = ()
    facts: bool = False  # the evidence of a round: long, and shown on request


class Story(Noun):
    headline: str
    events: tuple[Event, ...]
    ending: str


async def tell(records: Records, invoice: InvoiceId) -> Story:
    case = await records.find_case(invoice)
    if case is None:
        raise UserError(
            f"We have no records of {invoice}. `dunning status --all` lists every case; "
            f"`dunning start {invoice}` opens one."
        )
    decisions = await records.decisions(invoice)
    events = [
        *[await _known(records, decision) for decision in decisions if decision.step == 0],
        *map(_decided, decisions),
        *_done(await records.effects(invoice)),
        *_said(await records.audit_trail(invoice)),
    ]
    return Story(
        headline=_headline(case),
        events=tuple(sorted(events, key=lambda event: event.at)),
        ending=_ending(case),
    )


def _headline(case: CaseRow) -> str:
    who = case.customer_name or case.customer or "An unknown customer"
    money = ""
    if case.remaining is not None and case.currency:
        money = f", {Money(amount=case.remaining, currency=case.currency).plain}"
    why = f", declined: {words(case.decline_code)}" if case.decline_code else ""
    return f"{who}, invoice {case.invoice}{money}{why}"


def _ending(case: CaseRow) -> str:
    if case.open:
        return "The case is open. `dunning status` says what it waits for."
    closed = moment(case.closed_at)
    return f"Closed {closed}: {words(case.outcome or 'cancelled in Temporal')}."


async def _known(records: Records, decision: DecisionRow) -> Event:
    """The evidence as it lay on the table then, not as it is now; what matters most comes first."""
    pack = await records.pack(decision.pack)
    proposal = decision.proposal
    cited = {id for claim in proposal.claims for id in claim.evidence} if proposal else set()

    def weight(fact: Mapping[str, Any]) -> tuple[bool, int]:
        section = fact["id"].split(".")[0]
        return (
            fact["id"] not in cited,
            FIRST_TOLD.index(section) if section in FIRST_TOLD else len(FIRST_TOLD),
        )

    facts = tuple(
        f"{fact['id']}: {shorten(' '.join(fact['text'].split()), LONGEST_FACT)}"
        for fact in sorted(pack.get("evidence", ()), key=weight)
    )
    return Event(at=decision.at, text=f"Knew {len(facts)} facts", details=facts, facts=True)


FIRST_TOLD = ("ERR", "PM", "NOTE", "TKT", "CO", "PAY", "SUB", "DEAL")  # sections of the evidence
FEW = 5  # facts that are told unasked


def _decided(decision: DecisionRow) -> Event:
    verdict = decision.verdict
    when = f" at {moment(verdict.at)}" if verdict.at else ""
    details = [decision.why, f"Decided by: {BY[decision.decided_by]}."]
    if decision.model:
        details.append(
            f"Model {decision.model}, {decision.tokens_in + decision.tokens_out} tokens, "
            f"{decision.cost_usd:.4f} USD."
        )
    if decision.problem:
        details.append(f"The agent did not count: {decision.problem}")
    details += [f"Rule {reason.code}: {reason.text}" for reason in verdict.reasons]
    blocked = {no.code: no for no in verdict.blocked}
    told = {reason.code for reason in verdict.reasons}
    details += [
        f"Not {words(no.action)}: {no.text} ({code})"
        for code, no in blocked.items()
        if code not in told
    ]
    details += [f"A person had to agree: {reason.text}" for reason in verdict.approval]
    details += _claims(decision)
    if decision.approval_verdict:
        details.append(f"{decision.approver or 'Somebody'} said: {decision.approval_verdict}.")
    return Event(
        at=decision.at,
        text=f"Decided to {ACTS[verdict.action]}{when}",
        details=tuple(details),
    )


def _claims(decision: DecisionRow) -> list[str]:
    if decision.proposal is None:
        return []
    return [
        f"The agent noted: {claim.claim} ({', '.join(claim.evidence) or 'no evidence'})"
        for claim in decision.proposal.claims
    ]


def _done(effects: Iterable[Effect]) -> Iterable[Event]:
    for effect in effects:
        yield Event(at=effect.case_at, text=_effect(effect), details=_result(effect))


EFFECTS = {
    "pay": "Charged what was open",
    "own": "Took the retries over from Stripe",
    "announce": "Wrote the plan on the invoice",
    "hand_back": "Handed the retries back to Stripe",
    "mail": "Sent a mail",
    "note": "Wrote a note on the HubSpot company",
}


def _effect(effect: Effect) -> str:
    kind, _, step = effect.purpose.partition(":")
    said = EFFECTS.get(kind, effect.purpose)
    state = {"done": "", "blocked": " was held back"}.get(effect.state, f" is {effect.state}")
    return f"{said}{f' ({words(step)})' if step else ''}{state}"


def _result(effect: Effect) -> tuple[str, ...]:
    result: dict[str, Any] = effect.result or {}
    text = str(result.get("text") or "")
    said = (text, None if text and effect.reason.endswith(text) else effect.reason)
    return tuple(dict.fromkeys(str(part) for part in said if part and part not in PLAIN))


PLAIN = frozenset({"set", "sent", "paid"})  # says no more than the effect itself


# Told better by the rows of decisions and effects.
TOLD_ELSEWHERE = frozenset({"decided", "letter_written", "ownership_taken", "handed_back"})
NEWS = {"accepted": "Heard", "refused": "Refused"}


def _said(trail: Iterable[Line]) -> Iterable[Event]:
    for line in trail:
        if line.event in TOLD_ELSEWHERE or line.event.startswith("effect_"):
            continue
        if line.event in NEWS:
            stripe = line.detail.startswith("Stripe: ")
            text = line.detail if stripe else f"{NEWS[line.event]}: {line.detail}"
            yield Event(at=line.at, text=text)
            continue
        detail = (line.detail,) if line.detail else ()
        by = "" if line.actor == "dunning" else f" by {line.actor}"
        yield Event(at=line.at, text=f"{words(line.event).capitalize()}{by}", details=detail)


def show(console: Console, story: Story, *, facts: bool = False) -> None:
    console.print(f"[bold]{escape(story.headline)}[/bold]\n")
    day: datetime | None = None
    for event in story.events:
        if day is None or event.at.date() != day.date():
            console.print(f"[dim]{event.at:%A, %d %B %Y}[/dim]")
            day = event.at
        console.print(f"  {event.at:%H:%M}  {escape(event.text)}")
        few = event.facts and not facts
        for detail in event.details[: FEW if few else None]:
            console.print(f"         [dim]{escape(detail)}[/dim]")
        if few and len(event.details) > FEW:
            console.print(f"         [dim]and {len(event.details) - FEW} more: --facts[/dim]")
    console.print(f"\n{escape(story.ending)}")
