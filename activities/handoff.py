"""What a CSM is told about one failed invoice: one ask, few sourced facts, what comes next.

The reader is on a phone between two calls. Everything above the draft stays under 200 words;
amounts, dates, links and commands are made here by code, and only checked prose of a model is ever
put beside them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from babel import Locale

from activities import customer_letter, quotes, words
from activities.handoff_case import Case, Mode, case_of
from activities.handoff_facts import Fact, facts_of, hubspot_record, hubspot_url, stripe_url
from activities.handoff_words import (
    ALTERNATIVES,
    ASKS,
    ASKS_BY_FAMILY,
    IN_SUBJECT,
    NO_DRAFT,
    RECOMMENDED,
    Cause,
)
from activities.quotes import Quote
from activities.words import Family
from workflows.case import Action, DecidedBy, Options, Reason, Verdict
from workflows.facts import Facts
from workflows.playbook import Playbook
from workflows.steps import LetterKind

MOST_WORDS = 190  # above the draft, headings and source tags included
HEADINGS = 14  # words of headings in the templates


@dataclass(frozen=True)
class CustomerDraft:
    language: str  # for people: "German"
    subject: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True)
class Command:
    what: str
    command: str


@dataclass(frozen=True)
class Handoff:
    """Everything the three templates show, in their order."""

    subject: str
    company: str
    ask: str
    notice: str | None
    summary: tuple[str, ...]
    facts: tuple[Fact, ...]
    why: tuple[str, ...]
    context: tuple[Fact, ...]  # a model's checked prose, with its sources
    quotes: tuple[Quote, ...]
    left_out: str | None
    hubspot: Fact | None
    done: str
    coming: str
    never: str
    recommended: str
    alternative: str
    draft: CustomerDraft | None
    draft_title: str
    no_draft: str | None
    points: tuple[str, ...]
    avoid: tuple[str, ...]
    commands: tuple[Command, ...]
    signal: str
    stripe_url: str
    footer: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Prose:
    """The parts of a model's draft that the handoff shows; checked before they come here."""

    summary: tuple[str, ...] = ()
    why: str = ""
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()
    next_steps: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    message: CustomerDraft | None = None


def compose(
    facts: Facts,
    verdict: Verdict,
    options: Options,
    playbook: Playbook,
    *,
    prose: Prose | None,
    kind: LetterKind,
    expires_at: datetime | None,
    link: str | None,
    notice: str | None,
) -> Handoff:
    """All that one handoff says, within its budget of words."""
    case = case_of(facts, verdict, options, playbook, kind, expires_at)
    prose = prose or Prose()
    picked = quotes.choose(facts, playbook, case.tz)
    draft = _draft(case, prose, link)
    base = Handoff(
        subject=_subject(case),
        company=case.company,
        ask=_ask(case),
        notice=notice,
        summary=prose.summary[:2],
        facts=tuple(facts_of(case)),
        why=_why(case, prose),
        context=_context(case, prose),
        quotes=(),
        left_out=_left_out(picked.left_out),
        hubspot=hubspot_record(case),
        done=_done(case),
        coming=_coming(case),
        never=_never(case),
        recommended=prose.next_steps[0] if prose.next_steps else _recommended(case),
        alternative=_alternative(case),
        draft=draft,
        draft_title=_draft_title(case),
        no_draft=None if draft else _no_draft(case),
        points=(*prose.next_steps[1:], *prose.points),
        avoid=prose.avoid,
        commands=tuple(_commands(case)),
        signal=f"temporal workflow signal -w dunning-{facts.invoice.id} --name {_first_word(case)}",
        stripe_url=stripe_url(facts),
        footer=tuple(_footer(case)),
    )
    return _within_budget(base, picked)


def _within_budget(view: Handoff, picked: quotes.Quotes) -> Handoff:
    """The weightiest quotes that fit, and if even the first does not, fewer facts."""
    if view.context:  # a model has told the story already: two quotes prove it
        return _trim(replace(view, quotes=picked.within(MOST_WORDS - count_words(view), most=2)))
    return _trim(replace(view, quotes=picked.within(MOST_WORDS - count_words(view))))


def _trim(view: Handoff) -> Handoff:
    """Drop what matters least until the reader's screen is enough."""
    while count_words(view) > MOST_WORDS:
        if len(view.why) > 1:
            view = replace(view, why=view.why[:-1])
        elif len(view.quotes) > 1:
            view = replace(view, quotes=view.quotes[:-1])
        elif len(view.summary) > 1:
            view = replace(view, summary=view.summary[:-1])
        elif len(view.context) > 2:
            view = replace(view, context=view.context[:-1])
        elif len(view.facts) > 4:
            view = replace(view, facts=view.facts[:-1])
        elif view.why:
            view = replace(view, why=())
        elif len(view.context) > 1:
            view = replace(view, context=view.context[:-1])
        elif view.summary:
            view = replace(view, summary=())
        else:
            return view
    return view


def count_words(view: Handoff) -> int:
    """Words above the draft, as somebody would count them on paper."""
    lines: list[str | None] = [
        view.ask, view.notice, *view.summary, *view.why, view.left_out,
        view.done, view.coming, view.never, view.recommended, view.alternative,
        view.no_draft,
        *(f"{fact.text} {fact.source}" for fact in (*view.facts, *view.context)),
    ]  # fmt: skip
    spoken = sum(len(line.split()) for line in lines if line)
    return HEADINGS + spoken + sum(quote.length + 1 for quote in view.quotes)


# ── subject and ask ─────────────────────────────────────────────────────────────────────


def _subject(case: Case) -> str:
    tag = {
        Mode.APPROVE: f"Approve by {case.by}",
        Mode.ACT: f"Action by {case.by}",
        Mode.KNOW: "No action needed",
    }[case.mode]
    brief = IN_SUBJECT.get(case.cause) or case.brief
    verb = "open" if case.family is Family.INVOICE else "failed"
    return words.tidy(f"[{tag}] {case.company}: {case.amount} {verb} ({brief}){_tail(case)}", 160)


def _tail(case: Case) -> str:
    verdict, subscription = case.verdict, case.facts.subscription
    if verdict.action is Action.SCHEDULE_RETRY and verdict.at:
        return f", retry {words.day(verdict.at, case.tz)}"
    if verdict.action is Action.SEND_UPDATE_LINK and case.mode is Mode.KNOW:
        return ", customer gets a link"
    if subscription and subscription.cancel_at_period_end and subscription.current_period_end:
        return f", ends {words.day(subscription.current_period_end, case.tz)}"
    return ""


def _ask(case: Case) -> str:
    sentence = {Mode.APPROVE: _ask_approval, Mode.ACT: _ask_to_act, Mode.KNOW: _tell}[case.mode](
        case
    )
    return sentence.format(company=case.company, who=case.who, amount=case.amount)


def _ask_approval(case: Case) -> str:
    by = words.moment(case.deadline, case.tz)
    if case.verdict.action is Action.SCHEDULE_RETRY:
        at = f" on {words.moment(case.verdict.at, case.tz)}" if case.verdict.at else ""
        method = words.method_name(case.facts) or "the payment method on file"
        return (
            _safe(f"Please decide by {by}: may we charge ")
            + "{amount} for {company}"
            + _safe(f" to {method}{at}?")
        )
    return (
        _safe(f"Please decide by {by}: may we send ")
        + "{company} the message below about {amount}?"
    )


def _ask_to_act(case: Case) -> str:
    default = "please speak with {who} about {amount}; " + _safe(case.explained + ".")
    sentence = ASKS.get(case.cause) or ASKS_BY_FAMILY.get(case.family, default)
    return f"By {_safe(case.by)}, {sentence}"


def _tell(case: Case) -> str:
    match case.verdict.action:
        case Action.SCHEDULE_RETRY:
            at = (
                words.moment(case.verdict.at, case.tz)
                if case.verdict.at
                else "the next possible day"
            )
            who = "we charge" if case.playbook.retries.owner == "ours" else "Stripe charges"
            return f"Nothing to do: {who} " + "{company} {amount} again on " + _safe(at) + "."
        case Action.SEND_UPDATE_LINK:
            return (
                "Nothing to do yet: {company}’s billing contact gets a secure link to pay {amount}."
            )
        case _:
            return "Nothing to do: we stop here and leave {amount} of {company} alone."


def _safe(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


# ── what matters here ───────────────────────────────────────────────────────────────────


def _why(case: Case, prose: Prose) -> tuple[str, ...]:
    """The rules' own sentences, the ones a person can act on; a model's stands before them."""
    if case.mode is Mode.KNOW:
        return (prose.why,) if prose.why else ()
    reasons = case.verdict.approval if case.mode is Mode.APPROVE else case.verdict.reasons
    most = 2 if case.mode is Mode.APPROVE else 1
    first = FIRST_FOR.get(case.cause, ())
    spoken = (r for r in _speakable(case, reasons) if r.code not in NOT_FOR.get(case.cause, ()))
    weighty = sorted(spoken, key=lambda reason: (reason.code not in first, _weight_of(reason)))
    of_the_rules = tuple(words.tidy(reason.text, 180) for reason in weighty)[:most]
    return (prose.why, *of_the_rules) if prose.why else of_the_rules


WEIGHT_OF = ("ESC_", "BLOCK_", "PREFER_PERSON", "NORETRY_", "APPR_")
# The sentence that says most about a cause, and those that would send its reader another way.
FIRST_FOR = {
    Cause.ATTACK: ("PREFER_PERSON_ATTACK", "APPR_INJECTION_SUSPECTED"),
    Cause.CONFLICT: ("APPR_DATA_CONFLICT",),
    Cause.LEAVING: ("PREFER_PERSON_LEAVING",),
    Cause.BOOKED: ("ESC_BILLING_SAYS_PAID", "NORETRY_DUPLICATE"),
}
NOT_FOR = {
    Cause.UNSAFE: ("NORETRY_HARD_DECLINE",),  # "another one is needed": not before the look
    Cause.LEAVING: ("PREFER_PERSON_CONFLICT",),
    Cause.BOOKED: ("PREFER_PERSON_OUR_SIDE",),
}
UNSPOKEN = ("CLAMP_", "DEFER_", "DEGRADED_", "CONTACT_")


def _weight_of(reason: Reason) -> int:
    """What made it a person's matter comes before what the facts above say already."""
    starts = (place for place, start in enumerate(WEIGHT_OF) if reason.code.startswith(start))
    return next(starts, len(WEIGHT_OF))


def _speakable(case: Case, reasons: Iterable[Reason]) -> Iterable[Reason]:
    silent = case.family is Family.UNNAMED
    for reason in reasons:
        if reason.code.startswith(UNSPOKEN):
            continue
        if silent and (words.REVEALING.search(reason.text) or words.REVEALING.search(reason.code)):
            continue
        if reason.text:
            yield reason


def _context(case: Case, prose: Prose) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            text, _source_of(ids), hubspot_url(case.facts, case.playbook) if _is_crm(ids) else None
        )
        for text, ids in prose.context
    )


CRM_IDS, BILLING_IDS = ("CO.", "OWN.", "NOTE.", "TKT.", "DEAL."), ("PAY.", "FAIL.", "REC.")


def _is_crm(ids: tuple[str, ...]) -> bool:
    return bool(ids) and ids[0].startswith(CRM_IDS)


def _source_of(ids: tuple[str, ...]) -> str:
    if _is_crm(ids):
        return "HubSpot"
    return "Billing" if ids and ids[0].startswith(BILLING_IDS) else "Stripe"


def _left_out(origins: tuple[str, ...]) -> str | None:
    if not origins:
        return None
    more = f" (and {len(origins) - 1} more)" if len(origins) > 1 else ""
    article = "An" if origins[0][0] in "aeiou" else "A"
    which = origins[0].replace(", ", " of ", 1)
    return f"{article} {which}{more} tries to give instructions and was left out."


# ── what was done, comes next, and will not happen ──────────────────────────────────────


def _done(case: Case) -> str:
    mails = [m for m in case.facts.customer_mails if m.invoice == case.facts.invoice.id]
    if not mails:
        return "No mail to the customer about this invoice."
    return f"Payment link mailed to the billing contact on {words.date(mails[-1].at, case.tz)}."


def _coming(case: Case) -> str:
    if case.mode is Mode.APPROVE:
        return f"Without an answer by {case.by} nothing is charged or sent, and the case is yours."
    if case.mode is Mode.ACT:
        return f"We remind you on {case.by}."
    match case.verdict.action:
        case Action.SCHEDULE_RETRY:
            return "One charge, after checking that it is still unpaid and still allowed."
        case Action.SEND_UPDATE_LINK:
            at = case.verdict.at
            when = f" from {words.moment(at, case.tz)}" if at and at > case.facts.now else ""
            return f"The link goes out in working hours{when}; you hear from us if it stays unused."
        case _:
            return "The case closes."


def _never(case: Case) -> str:
    if case.mode in (Mode.APPROVE, Mode.ACT):
        return "No charge and no customer mail from us while this is with you."
    match case.verdict.action:
        case Action.SCHEDULE_RETRY:
            return "No mail to the customer for now."
        case Action.SEND_UPDATE_LINK:
            return "No further charge on the present payment method."
        case _:
            return "No charge, no mail."


def _recommended(case: Case) -> str:
    if case.mode is Mode.APPROVE:
        return "Approve, unless you know something these systems do not."
    if case.mode is Mode.KNOW:
        return "Leave it to us, unless you know something these systems do not."
    return RECOMMENDED.get(case.cause, "Call, or send the draft below as it is.")


def _alternative(case: Case) -> str:
    if case.mode is Mode.APPROVE:
        return "Reject, and it becomes your conversation."
    if case.mode is Mode.KNOW:
        return "Snooze it and it waits, or stop it and it is yours."
    days = case.playbook.handoff.snooze_days
    return ALTERNATIVES.get(case.cause, f"Not now? Snooze it for {words.plural(days, 'day')}.")


# ── the draft for the customer ──────────────────────────────────────────────────────────


def _draft(case: Case, prose: Prose, link: str | None) -> CustomerDraft | None:
    if case.undraftable or case.verdict.action is Action.STOP:
        return None
    if case.mode is Mode.KNOW and case.family is Family.TECHNICAL:
        return None
    if prose.message is not None:
        return prose.message
    owner = case.facts.crm.owner if case.facts.crm else None
    ours = case.mode is not Mode.ACT and case.verdict.action is Action.SEND_UPDATE_LINK
    name = words.tidy(owner.name, 60) if owner and not ours else None
    written = customer_letter.write(
        case.facts, case.verdict, case.playbook, link=link, signature=name or None
    )
    return CustomerDraft(
        language_name(written.language), written.subject, tuple(written.text.split("\n\n"))
    )


def language_name(code: str) -> str:
    return Locale.parse(code).english_name or code


def _draft_title(case: Case) -> str:
    if case.mode is Mode.ACT:
        return "Ready to send"
    if case.verdict.action is Action.SEND_UPDATE_LINK:
        return "The message to the customer"
    return "If you prefer to write"


def _no_draft(case: Case) -> str | None:
    return NO_DRAFT[case.undraftable] if case.undraftable else None


# ── how to act, and where it comes from ─────────────────────────────────────────────────


def _commands(case: Case) -> Iterable[Command]:
    invoice, days = case.facts.invoice.id, case.playbook.handoff.snooze_days
    approve = {Mode.APPROVE: "Go ahead", Mode.ACT: "I have it"}.get(case.mode)
    if approve:
        yield Command(approve, f"dunning approve {invoice}")
    if case.mode is Mode.APPROVE:
        yield Command("No, leave it to me", f"dunning reject {invoice}")
    yield Command(f"Not now, in {words.plural(days, 'day')}", f"dunning snooze {invoice}")
    yield Command("Stop this case", f"dunning cancel {invoice}")


def _first_word(case: Case) -> str:
    return "snooze" if case.mode is Mode.KNOW else "approve"


DECIDERS = {
    DecidedBy.POLICY: "the rules",
    DecidedBy.MODEL: "the agent, within the rules",
    DecidedBy.FALLBACK: "the rule table, without a model",
    DecidedBy.PERSON: "a person, within the rules",
}


def _footer(case: Case) -> Iterable[str]:
    yield f"As of {words.moment(case.facts.now, case.tz)}."
    codes = [r.code for r in (*case.verdict.approval, *case.verdict.reasons)]
    shown = [code for code in dict.fromkeys(codes) if not words.REVEALING.search(code)]
    because = f" ({', '.join(shown[:4])})" if shown else ""
    yield f"Decided by {DECIDERS[case.verdict.decided_by]}{because}."
    if case.playbook.hash:
        yield f"Playbook {case.playbook.hash[:12]}."
    yield f"Whole story: dunning explain {case.facts.invoice.id}"
