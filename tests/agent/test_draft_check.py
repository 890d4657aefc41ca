"""The draft checker: what is wrong is refused, what is right passes, in five languages.

`drafts/good.jsonl` holds fifty drafts that a careful colleague would send; each row of
`drafts/corrupted.jsonl` changes one sentence of such a draft, and says which finding must stop it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from activities import draft_check
from activities.answers import DraftAnswer, draft_of
from activities.draft_check import Context
from activities.letters import placeholder_values
from tests.agent.accounts import NOW, account
from workflows.case import Action, Verdict
from workflows.evidence import build
from workflows.facts import Facts
from workflows.playbook import Playbook
from workflows.policy import narrow

Row = dict[str, Any]
DRAFTS = Path(__file__).parent / "drafts"
LINK = "https://pay.ourco.example/pay/abc"
NOTES = (
    "New AP lead: Simone Achard, prefers e-mail, replies same day.",
    "Usage is up 20% since the team grew. They are happy with the product.",
)
TICKETS = ("Where do we add seats?",)


def rows(name: str) -> list[Row]:
    text = (DRAFTS / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


GOOD, CORRUPTED = rows("good.jsonl"), rows("corrupted.jsonl")


def facts_of(name: str) -> Facts:
    kind, language = name.split("_")
    decline = "stolen_card" if kind == "stolen" else "expired_card"
    return account(decline=decline, notes=NOTES, tickets=TICKETS, locale=language)


def context_of(name: str, playbook: Playbook, *, canary: str = "cn-1234") -> Context:
    facts = facts_of(name)
    verdict = Verdict(action=Action.SEND_UPDATE_LINK, at=NOW)
    pack = build(facts, narrow(facts, playbook), playbook)
    return Context(
        facts=facts, verdict=verdict, playbook=playbook, pack=pack, cited=pack.evidence,
        values=placeholder_values(facts, verdict, playbook, link=LINK),
        language=name.split("_")[1], canary=canary,
    )  # fmt: skip


def findings(draft: Row, context: Context) -> list[draft_check.Finding]:
    return draft_check.check(draft_of(DraftAnswer(**draft), context.values), context)


def blocking(draft: Row, context: Context) -> list[str]:
    return [finding.text for finding in findings(draft, context) if finding.blocks]


def corrupt(row: Row) -> Row:
    """A good draft with the row's one sentence in it."""
    language = row["account"].split("_")[1]
    draft = json.loads(json.dumps(next(r["draft"] for r in GOOD if r["id"] == f"{language}-1")))
    where, text = row["where"], row["text"]
    match where:
        case "quote" | "account_context":
            draft["account_context"] = [{"text": text, "evidence_ids": ["NOTE.2"]}]
        case "cite":
            draft["account_context"] = [{"text": text, "evidence_ids": ["NOTE.77"]}]
        case _:
            draft[where] = [text] if isinstance(draft[where], list) else text
    return dict(draft)


def test_of_fifty_good_drafts_in_five_languages_at_most_one_is_refused(shipped: Playbook) -> None:
    refused = {
        row["id"]: found
        for row in GOOD
        if (found := blocking(row["draft"], context_of(row["account"], shipped)))
    }

    assert len(GOOD) == 50
    assert len({row["account"] for row in GOOD}) == 5
    assert len(refused) <= 1, refused


def test_there_are_more_than_a_hundred_ways_to_write_it_wrongly() -> None:
    assert len(CORRUPTED) >= 100


@pytest.mark.parametrize("row", CORRUPTED, ids=lambda row: row["id"])
def test_a_corrupted_draft_is_refused_for_its_own_reason(row: Row, shipped: Playbook) -> None:
    found = findings(corrupt(row), context_of(row["account"], shipped))

    assert row["expect"] in {finding.code for finding in found if finding.blocks}, (
        row["text"],
        found,
    )
