"""The agent without a case, as evaluations use it."""

from activities.decide import settle
from activities.rehearsal import Rehearsal
from sandbox.model import Mode
from tests.agent.accounts import account
from tests.agent.conftest import ModelServer
from workflows.case import Action, DecidedBy, Verdict
from workflows.playbook import Playbook
from workflows.policy import narrow


def test_it_proposes_drafts_and_tells_what_it_cost(rules: Playbook, server: ModelServer) -> None:
    facts = account()
    options = narrow(facts, rules)
    handover = Verdict(action=Action.ESCALATE_NOW)

    with Rehearsal() as rehearsal:
        proposal = rehearsal(facts, options, rules)
        letter = rehearsal.handoff(facts, handover, options, rules)

    assert settle(facts, options, proposal, rules).decided_by is DecidedBy.MODEL
    assert "A customer for 14 months." in letter.text
    assert rehearsal.purse.calls == 2
    assert rehearsal.purse.total > 0


def test_a_model_that_fails_leaves_the_rules_and_the_template(
    rules: Playbook, server: ModelServer
) -> None:
    server.behaves(Mode.GARBAGE)
    facts = account()
    options = narrow(facts, rules)

    with Rehearsal() as rehearsal:
        assert rehearsal(facts, options, rules) is None
        letter = rehearsal.handoff(facts, Verdict(action=Action.ESCALATE_NOW), options, rules)

    assert "Kemper Yoga" in letter.subject
    assert all("could not be used" in problem for problem in rehearsal.purse.problems)


def test_without_a_model_nothing_is_asked_and_nothing_is_spent(shipped: Playbook) -> None:
    facts = account()
    options = narrow(facts, shipped)

    with Rehearsal() as rehearsal:
        assert rehearsal(facts, options, shipped) is None
        rehearsal.handoff(facts, Verdict(action=Action.ESCALATE_NOW), options, shipped)

    assert rehearsal.purse.calls == 0
