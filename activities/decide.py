"""Weighing the evidence and letting the rules conclude: the two steps around the agent's proposal.

Rules and agent read the same redacted texts, and only this round's snapshots, so that a step that
runs twice says the same thing twice.
"""

from temporalio import activity

from activities import words
from activities.errors import retry_later
from activities.records import Records
from workflows import evidence, policy
from workflows.case import Action, Brief, DecidedBy, Options, Proposal, Reason, Verdict
from workflows.evidence import Evidence, Pack
from workflows.facts import Facts, Source
from workflows.nouns import DecisionId
from workflows.playbook import Playbook
from workflows.redaction import redact, redact_facts
from workflows.situation import Situation, in_usd
from workflows.steps import Conclude, Concluded, LookedUp, LookUp, Ref, Weigh, Weighed

LEGAL = "ESC_LEGAL_SENSITIVE"
MOST_FOUND = 12  # facts that one look-up may add


class Deciding:
    """The steps between gathering and acting. `live` is the mode this installation works in."""

    def __init__(self, records: Records, *, live: bool) -> None:
        self._records = records
        self._live = live

    @activity.defn
    async def weigh_evidence(self, order: Weigh) -> Weighed:
        """Narrow the options, and keep what was known."""
        facts, playbook = await self._known(order.ref, order.missing)
        weighed, pack = weigh(facts, playbook)
        await self._records.put_pack(pack.hash, pack.body)
        return weighed

    @activity.defn
    async def conclude(self, order: Conclude) -> Concluded:
        """Clamp the proposal, keep the decision. A second call answers with the first's verdict."""
        facts, playbook = await self._known(order.ref)
        verdict = settle(facts, order.options, order.proposal, playbook)
        why = why_of(verdict, order.options, order.problem)
        decision, ordinal, kept = await self._records.put_decision(order, verdict, why)
        return Concluded(
            decision=DecisionId(decision),
            ordinal=ordinal,
            verdict=kept,
            why=why_of(kept, order.options, order.problem),
        )

    @activity.defn
    async def look_up(self, order: LookUp) -> LookedUp:
        """Read one more thing of this customer, from what was gathered. Never asks the world."""
        facts, playbook = await self._known(order.ref)
        found = look(facts, order, playbook)
        if not found:
            return LookedUp(evidence=(), text=f"{_subject(order)}: nothing was found")
        more = Pack(
            invoice=order.ref.invoice, now=order.ref.now, playbook=playbook.hash, evidence=found
        )
        await self._records.put_pack(more.hash, more.body)
        ids = tuple(fact.id for fact in found)
        return LookedUp(evidence=ids, text=f"{_subject(order)}: {', '.join(ids)}", pack=more.hash)

    async def _known(self, ref: Ref, missing: tuple[Source, ...] = ()) -> tuple[Facts, Playbook]:
        try:
            facts = await self._records.facts(ref, live=self._live, missing=missing)
        except LookupError as gap:
            raise retry_later(f"{ref.invoice}: {gap}") from gap
        return facts, await self._records.playbook_of(ref.invoice)


# ── weighing ────────────────────────────────────────────────────────────────────────────


def weigh(facts: Facts, playbook: Playbook) -> tuple[Weighed, Pack]:
    """What the rules leave open, whom to ask, and the pack to ask with."""
    clean = redact_facts(facts)
    options = policy.narrow(clean, playbook)
    pack = evidence.build(facts, options, playbook)
    weighed = Weighed(
        options=options,
        ask_model=is_worth_asking(facts, options, playbook),
        pack=pack.hash,
        brief=brief(clean, playbook),
        draft_model=may_draft(facts, options, playbook),
        tell_csm=playbook.handoff.when == "always" or Situation(facts, playbook).is_high_value,
    )
    return weighed, pack


def is_worth_asking(facts: Facts, options: Options, playbook: Playbook) -> bool:
    """Is there a model, a choice, and enough at stake? Legal matters are never put to a model."""
    if not playbook.agent.decide.model or len(options.allowed) < 2 or _is_legal(options):
        return False
    if policy.ending(facts) is not None:
        return False
    value = in_usd(facts.invoice.remaining, playbook)
    is_small = value is not None and value < playbook.agent.skip_below_usd
    return not (is_small and options.default is Action.SCHEDULE_RETRY and not options.approval)


def may_draft(facts: Facts, options: Options, playbook: Playbook) -> bool:
    """May a model write to the CSM? Health, death and law are not prose for a machine."""
    return bool(playbook.agent.draft.model) and not _is_legal(options)


def _is_legal(options: Options) -> bool:
    return any(reason.code == LEGAL for reason in options.reasons)


def brief(facts: Facts, playbook: Playbook) -> Brief:
    """Four phrases for people who look at a list of cases. The reason never names a fraud."""
    company = facts.crm.company_name if facts.crm else None
    return Brief(
        account=words.tidy(redact(company or facts.customer.name or ""), 60) or facts.customer.id,
        amount=facts.invoice.remaining,
        why=words.in_brief(facts, playbook),
        decline_code=(facts.failure.decline_code or facts.failure.code) if facts.failure else None,
        plan_tier=facts.billing.plan_tier if facts.billing else None,
    )


# ── concluding ──────────────────────────────────────────────────────────────────────────


def settle(
    facts: Facts, options: Options, proposal: Proposal | None, playbook: Playbook
) -> Verdict:
    """The rules' last word in this round. An invoice that needs us no more is left alone."""
    if (ended := policy.ending(facts)) is not None:
        reason = Reason(code=ended.code, text=ended.text)
        return Verdict(action=Action.STOP, reasons=(reason,), decided_by=DecidedBy.POLICY)
    return policy.clamp(redact_facts(facts), options, proposal, playbook)


DONE = {
    Action.SCHEDULE_RETRY: "Charge again",
    Action.SEND_UPDATE_LINK: "Send the customer a link",
    Action.ESCALATE_NOW: "Hand over to the account owner",
    Action.STOP: "Leave the invoice alone",
}
BY_WHOM = {
    DecidedBy.MODEL: "The agent chose this within the rules.",
    DecidedBy.PERSON: "A person chose this within the rules.",
}


def why_of(verdict: Verdict, options: Options, problem: str | None = None) -> str:
    """One sentence for people, in our own words: what a model said is evidence, not explanation."""
    because = _because(verdict, options)
    if problem and verdict.decided_by is DecidedBy.FALLBACK:
        because = f"{because} (Without the agent: {problem})"
    elif problem:
        because = problem
    when = _when(verdict, options)
    return f"{DONE[verdict.action]}{when}: {words.tidy(because, 400)}"


def _when(verdict: Verdict, options: Options) -> str:
    if verdict.action is not Action.SCHEDULE_RETRY or verdict.at is None:
        return ""
    slot = next((slot for slot in options.slots if slot.at == verdict.at), None)
    return f" on {slot.label}" if slot else f" on {verdict.at:%Y-%m-%d at %H:%M} UTC"


def _because(verdict: Verdict, options: Options) -> str:
    """Who chose otherwise, else the rule that closed the other ways, else the clerk's reason."""
    if verdict.action is Action.STOP and verdict.reasons:
        return verdict.reasons[0].text
    if verdict.action is not options.default and verdict.decided_by in BY_WHOM:
        return BY_WHOM[verdict.decided_by]
    if len(options.allowed) == 1 and options.blocked:
        return options.blocked[0].text
    clerks = [reason for reason in options.reasons if reason.code.startswith("PREFER_")]
    return clerks[0].text if clerks else "Nothing speaks against it."


# ── looking things up ───────────────────────────────────────────────────────────────────


def look(facts: Facts, order: LookUp, playbook: Playbook) -> tuple[Evidence, ...]:
    """What the agent may see beyond its pack. An unknown tool or id finds nothing."""
    id = order.evidence_id or ""
    match order.tool:
        case "read_note" | "read_ticket":
            kind = "NOTE" if order.tool == "read_note" else "TKT"
            found = evidence.in_full(facts, id, playbook) if id.startswith(f"{kind}.") else None
            return (found,) if found else ()
        case "list_more_notes":
            return evidence.older_notes(facts, id, playbook)
        case "list_invoices":
            months = min(max(order.months or 12, 1), 24)
            return evidence.paid_invoices(facts, months)[: 2 * MOST_FOUND]
        case _:
            return ()


def _subject(order: LookUp) -> str:
    about = order.evidence_id or (f"{order.months} months" if order.months else "")
    return words.tidy(f"{order.tool.replace('_', ' ')} {about}", 80)
