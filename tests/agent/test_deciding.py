"""Weighing, concluding and looking up, against a real database."""

from typing import Any

import pytest

from activities.agent import AgentActivities
from activities.decide import Deciding, brief, is_worth_asking, may_draft, weigh, why_of
from activities.playbook import hashed
from activities.readings import StripeReading
from activities.records import Records
from sandbox.model import Mode
from tests.agent.accounts import NOW, account, note
from tests.agent.conftest import ModelServer, ref_of
from workflows.case import Action, DecidedBy, Proposal, Verdict
from workflows.evidence import Pack
from workflows.facts import Facts, Source
from workflows.playbook import Playbook
from workflows.policy import narrow
from workflows.steps import (
    Conclude,
    Concluded,
    LetterKind,
    LookUp,
    Propose,
    Ref,
    Weigh,
    Weighed,
    Write,
)


async def gathered(records: Records, facts: Facts, playbook: Playbook) -> Ref:
    """A case that was opened, and everything about it read."""
    ref = ref_of(facts)
    await records.open_case(
        ref, workflow_id=f"dunning-{ref.invoice}", run_id="r1", playbook=playbook
    )
    await records.put_snapshot(ref, Source.STRIPE, True, _reading(facts))
    assert facts.billing is not None
    assert facts.crm is not None
    await records.put_snapshot(ref, Source.BILLING, True, facts.billing.model_dump(mode="json"))
    await records.put_snapshot(ref, Source.CRM, True, facts.crm.model_dump(mode="json"))
    return ref


def _reading(facts: Facts) -> dict[str, Any]:
    reading = StripeReading(
        taken_at=NOW, whole=True, invoice=facts.invoice, customer=facts.customer,
        failure=facts.failure, payment_method=facts.payment_method,
        subscription=facts.subscription,
    )  # fmt: skip
    return reading.model_dump(mode="json")


@pytest.fixture
def deciding(records: Records) -> Deciding:
    return Deciding(records, live=True)


@pytest.fixture
def agent(records: Records) -> AgentActivities:
    return AgentActivities(records, live=True, sender="dunning@ourco.example")


async def concluded(
    deciding: Deciding, agent: AgentActivities, ref: Ref
) -> tuple[Weighed, Concluded]:
    """One whole round of deciding, as the workflow does it."""
    weighed = await deciding.weigh_evidence(Weigh(ref=ref))
    proposed = await agent.propose(Propose(ref=ref, options=weighed.options, pack=weighed.pack))
    order = Conclude(
        ref=ref, options=weighed.options, pack=weighed.pack, proposal=proposed.proposal,
        problem=proposed.problem,
    )  # fmt: skip
    return weighed, await deciding.conclude(order)


async def test_weighing_keeps_what_was_known(
    records: Records, deciding: Deciding, rules: Playbook
) -> None:
    ref = await gathered(records, account(), rules)

    weighed = await deciding.weigh_evidence(Weigh(ref=ref))

    pack = Pack.model_validate(await records.pack(weighed.pack))
    assert pack.hash == weighed.pack
    assert weighed.ask_model
    assert weighed.draft_model
    assert weighed.brief.account == "Kemper Yoga"
    assert await deciding.weigh_evidence(Weigh(ref=ref)) == weighed


async def test_a_decision_of_the_model_is_kept_with_its_provenance(
    records: Records,
    deciding: Deciding,
    agent: AgentActivities,
    rules: Playbook,
    server: ModelServer,
) -> None:
    ref = await gathered(records, account(), rules)

    _, decision = await concluded(deciding, agent, ref)

    row = await records.decision(decision.decision)
    assert row.decided_by is DecidedBy.MODEL
    assert row.model == "openai/sandbox"
    assert row.cost_usd > 0
    assert set(row.prompts) == {"decide"}
    assert row.playbook == rules.hash


async def test_a_failing_model_leaves_a_decision_of_the_rule_table_that_says_so(
    records: Records,
    deciding: Deciding,
    agent: AgentActivities,
    rules: Playbook,
    server: ModelServer,
) -> None:
    server.behaves(Mode.GARBAGE)
    ref = await gathered(records, account(), rules)

    _, decision = await concluded(deciding, agent, ref)

    assert decision.verdict.decided_by is DecidedBy.FALLBACK
    assert "Without the agent" in decision.why


async def test_concluding_twice_keeps_one_decision(
    records: Records,
    deciding: Deciding,
    agent: AgentActivities,
    rules: Playbook,
    server: ModelServer,
) -> None:
    ref = await gathered(records, account(), rules)
    weighed, first = await concluded(deciding, agent, ref)

    again = Conclude(ref=ref, options=weighed.options, pack=weighed.pack, proposal=None)
    second = await deciding.conclude(again)

    assert second.decision == first.decision
    assert second.verdict == first.verdict
    assert len(await records.decisions(ref.invoice)) == 1


async def test_the_budget_of_a_case_counts_what_earlier_calls_cost(
    records: Records,
    agent: AgentActivities,
    deciding: Deciding,
    shipped: Playbook,
    rules: Playbook,
    server: ModelServer,
) -> None:
    poor = hashed(
        rules.model_copy(update={"agent": rules.agent.model_copy(update={"per_case_usd": 0.06})})
    )
    ref = await gathered(records, account(), poor)
    await concluded(deciding, agent, ref)
    asked = len(server.calls)
    weighed = await deciding.weigh_evidence(Weigh(ref=ref))

    proposed = await agent.propose(Propose(ref=ref, options=weighed.options, pack=weighed.pack))

    assert "over budget" in (proposed.problem or "")
    assert len(server.calls) == asked


# ── looking up ──────────────────────────────────────────────────────────────────────────


async def test_what_was_looked_up_is_in_the_next_question(
    records: Records,
    deciding: Deciding,
    agent: AgentActivities,
    rules: Playbook,
    server: ModelServer,
) -> None:
    long = " ".join(f"word{n}" for n in range(300)) + " tail-of-the-note"
    ref = await gathered(records, account(notes=(long,)), rules)
    weighed = await deciding.weigh_evidence(Weigh(ref=ref))

    seen = await deciding.look_up(LookUp(ref=ref, tool="read_note", evidence_id="NOTE.1"))
    order = Propose(
        ref=ref, options=weighed.options, pack=weighed.pack, look_ups=(seen,), may_look_up=True
    )
    await agent.propose(order)

    assert seen.evidence == ("NOTE.1.FULL",)
    assert "word" not in seen.text  # the text itself stays in our tables
    assert "tail-of-the-note" in server.heard


@pytest.mark.parametrize(
    ("tool", "evidence_id"),
    [("read_note", "NOTE.99"), ("read_note", "INV.1"), ("read_ticket", "NOTE.1"), ("drop", None)],
)
async def test_a_look_up_that_means_nothing_finds_nothing(
    records: Records, deciding: Deciding, rules: Playbook, tool: str, evidence_id: str | None
) -> None:
    ref = await gathered(records, account(notes=("A note.",)), rules)

    seen = await deciding.look_up(LookUp(ref=ref, tool=tool, evidence_id=evidence_id))

    assert seen.evidence == ()


async def test_after_four_look_ups_no_more_are_offered(
    records: Records,
    deciding: Deciding,
    agent: AgentActivities,
    rules: Playbook,
    server: ModelServer,
) -> None:
    server.behaves(Mode.CURIOUS)
    ref = await gathered(records, account(notes=("A note.",)), rules)
    weighed = await deciding.weigh_evidence(Weigh(ref=ref))
    seen = [await deciding.look_up(LookUp(ref=ref, tool="list_invoices", months=3))] * 4

    order = Propose(
        ref=ref, options=weighed.options, pack=weighed.pack, look_ups=tuple(seen), may_look_up=True
    )
    proposed = await agent.propose(order)

    assert proposed.wants == ()
    assert proposed.proposal is not None


# ── writing ─────────────────────────────────────────────────────────────────────────────


async def written(
    records: Records, deciding: Deciding, agent: AgentActivities, ref: Ref
) -> tuple[Any, Any]:
    weighed = await deciding.weigh_evidence(Weigh(ref=ref))
    order = Conclude(
        ref=ref, options=weighed.options, pack=weighed.pack,
        proposal=Proposal(action=Action.ESCALATE_NOW, by=DecidedBy.PERSON),
    )  # fmt: skip
    decision = await deciding.conclude(order)
    letter = await agent.write_letter_with_model(
        Write(
            ref=ref, decision=decision.decision, ordinal=decision.ordinal, kind=LetterKind.HANDOFF
        )
    )
    return letter, await records.letter(letter.letter)


async def test_a_helpful_model_writes_the_handoff(
    records: Records,
    deciding: Deciding,
    agent: AgentActivities,
    rules: Playbook,
    server: ModelServer,
) -> None:
    ref = await gathered(records, account(notes=("New AP lead, prefers e-mail.",)), rules)

    letter, row = await written(records, deciding, agent, ref)

    assert letter.by is DecidedBy.MODEL
    assert "A customer for 14 months." in row.body_text
    assert "$299.00" in row.body_text
    assert "{{" not in row.body_text


@pytest.mark.parametrize(
    "mode", [Mode.GARBAGE, Mode.REFUSING, Mode.TRUNCATED, Mode.HOSTILE, Mode.LEAKING, Mode.DOWN]
)
async def test_a_draft_that_cannot_be_used_is_replaced_by_the_template(
    records: Records, deciding: Deciding, agent: AgentActivities, rules: Playbook,
    server: ModelServer, mode: Mode,
) -> None:  # fmt: skip
    server.behaves(mode)
    ref = await gathered(records, account(), rules)

    letter, row = await written(records, deciding, agent, ref)

    assert letter.by is DecidedBy.FALLBACK
    for marker in ("pay-secure", "9,999", "stolen", "sue", "40%"):
        assert marker not in row.body_text


async def test_a_letter_that_was_written_is_not_paid_for_twice(
    records: Records,
    deciding: Deciding,
    agent: AgentActivities,
    rules: Playbook,
    server: ModelServer,
) -> None:
    ref = await gathered(records, account(), rules)
    first, _ = await written(records, deciding, agent, ref)
    asked = len(server.calls)

    second, _ = await written(records, deciding, agent, ref)

    assert second == first
    assert len(server.calls) == asked


# ── small decisions of code ─────────────────────────────────────────────────────────────


def test_a_small_everyday_decline_is_not_worth_a_question(rules: Playbook) -> None:
    facts = account(amount=900)

    assert not is_worth_asking(facts, narrow(facts, rules), rules)


def test_without_a_model_nobody_is_asked(shipped: Playbook) -> None:
    weighed, _ = weigh(account(), shipped)

    assert not weighed.ask_model
    assert not weighed.draft_model


def test_legal_matters_are_never_put_to_a_model(rules: Playbook) -> None:
    facts = account(notes=(note("Chapter 11 filed, forward everything to our counsel."),))
    options = narrow(facts, rules)

    assert not is_worth_asking(facts, options, rules)
    assert not may_draft(facts, options, rules)


def test_a_brief_never_names_a_fraud(shipped: Playbook) -> None:
    said = brief(account(decline="stolen_card"), shipped)

    assert said.why == "bank declined"


def test_a_settled_invoice_is_left_alone_whatever_is_proposed(shipped: Playbook) -> None:
    from activities.decide import settle

    facts = account()
    paid = facts.model_copy(update={"invoice": facts.invoice.model_copy(update={"status": "paid"})})
    bold = Proposal(action=Action.SCHEDULE_RETRY, slot_id="S1")

    assert settle(paid, narrow(facts, shipped), bold, shipped).action is Action.STOP


def test_a_reason_for_people_is_in_our_own_words(shipped: Playbook) -> None:
    facts = account()
    options = narrow(facts, shipped)
    verdict = Verdict(action=Action.ESCALATE_NOW, decided_by=DecidedBy.MODEL)

    assert why_of(verdict, options) == (
        "Hand over to the account owner: The agent chose this within the rules."
    )
