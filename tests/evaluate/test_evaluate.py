# ruff: noqa: E501  (tables)
"""`dunning evaluate`: what it reads, what it writes, and how our own cases fare."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from starter import evaluate as running
from starter.evaluate import Contender, Run, evaluate
from starter.labelled import UnreadableCases, read_cases, to_facts
from starter.scoreboard import Kind, Scoreboard
from tests.evaluate import author
from tests.policy.shipped import playbook
from workflows.case import Action, Options, Proposal, Verdict
from workflows.facts import Facts
from workflows.playbook import Playbook

OWN = author.CASES
BLIND = OWN.with_name("blind.jsonl")  # of an author who had not seen the rules or their words


@dataclass(frozen=True)
class Plain:
    subject: str
    text: str


class PlainDrafter:
    """Letters that say only what must be said."""

    def handoff(
        self, facts: Facts, verdict: Verdict, options: Options, playbook: Playbook
    ) -> Plain:
        company = facts.crm.company_name if facts.crm else facts.customer.name
        return Plain(f"{company}: {facts.invoice.remaining.plain}", verdict.action.value)

    def customer(self, facts: Facts, verdict: Verdict, playbook: Playbook) -> Plain | None:
        return Plain("Your payment", f"Please pay {facts.invoice.remaining.plain}.")


def written(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "cases.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def a_case(**label: Any) -> dict[str, Any]:
    first: dict[str, Any] = json.loads(OWN.read_text("utf-8").splitlines()[0])
    return first | {"label": first["label"] | label}


def run(path: Path, **more: Any) -> Run:
    return running.run(path.name, read_cases(path), playbook(), **more)


def score(tmp_path: Path, *rows: Any, **more: Any) -> Scoreboard:
    return run(written(tmp_path, *rows), drafter=PlainDrafter(), **more).board


def judge(path: Path, **more: Any) -> int:
    return evaluate(path, [Contender(playbook())], **more)


# ── our own cases ───────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def own() -> Scoreboard:
    return run(OWN, drafter=PlainDrafter()).board


@pytest.fixture(scope="module")
def blind() -> Scoreboard:
    return run(BLIND).board


def test_the_rules_break_no_promise_on_our_own_cases(own: Scoreboard) -> None:
    broken = [(r.case, f.text) for r in own.results for f in r.findings if f.kind is Kind.VIOLATION]

    assert broken == []


@pytest.mark.parametrize(("cases", "right"), [("structure.jsonl", 0.95), ("wording.jsonl", 0.80)])
def test_of_what_other_authors_wrote_no_promise_is_broken(cases: str, right: float) -> None:
    board = run(OWN.with_name(cases)).board

    assert board.violations == 0
    assert board.acceptable >= right * len(board.results)


def test_the_rules_do_the_right_thing_on_nineteen_of_twenty(own: Scoreboard) -> None:
    assert own.acceptable >= 0.95 * len(own.results)
    assert own.count(lambda result: result.wasteful) == 0


def test_the_rules_break_no_promise_on_cases_written_without_sight_of_them(
    blind: Scoreboard,
) -> None:
    broken = [
        (r.case, f.text) for r in blind.results for f in r.findings if f.kind is Kind.VIOLATION
    ]

    assert broken == []


def test_the_rules_do_the_right_thing_on_cases_written_without_sight_of_them(
    blind: Scoreboard,
) -> None:
    assert blind.acceptable >= 0.95 * len(blind.results)


def test_our_own_cases_are_what_their_author_wrote() -> None:
    author.made.clear()
    author.write_all()

    assert OWN.read_text("utf-8").splitlines() == [
        json.dumps(row, ensure_ascii=False) for row in author.made
    ]


def test_our_own_cases_cover_the_space() -> None:
    cases = read_cases(OWN)
    facts = [to_facts(case) for case in cases]

    assert len(cases) >= 60
    assert len({case.customer.locale for case in cases}) >= 11
    assert {f.billing.plan_tier for f in facts if f.billing} >= {
        "starter", "growth", "business", "enterprise",
    }  # fmt: skip
    assert len({case.label.attack for case in cases if case.label.attack}) >= 6
    assert {"jpy", "krw", "kwd"} <= {f.invoice.remaining.currency for f in facts}
    assert all(str(f.customer.email).endswith(".example") for f in facts)


# ── what it writes ──────────────────────────────────────────────────────────────────────


def test_each_case_is_answered_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"

    run(OWN, drafter=PlainDrafter()).write(out)

    answers = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [a["id"] for a in answers] == [case.id for case in read_cases(OWN)]
    for answer in answers:
        assert list(answer) == [
            "id", "action", "retry_at", "approval", "decided_by", "reasons", "handoff",
            "customer_text",
        ]  # fmt: skip
        retries = answer["action"] == "schedule_retry"
        assert (answer["retry_at"] is not None) == retries
        assert not retries or answer["retry_at"].endswith("Z")
        hands_over = answer["action"] in ("escalate_now", "send_update_link") or answer["approval"]
        assert (answer["handoff"] is not None) == hands_over
        assert (answer["customer_text"] is not None) == (answer["action"] == "send_update_link")
        assert answer["reasons"]


def test_a_clean_run_is_0_and_a_broken_promise_is_1(tmp_path: Path, capsys: Any) -> None:
    right = written(tmp_path, a_case())

    assert judge(right, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["violations"] == 0

    wrong = written(
        tmp_path, a_case(forbidden_actions=["schedule_retry"], acceptable_actions=["stop"])
    )
    assert judge(wrong) == 1
    shown = capsys.readouterr().out
    assert "schedule_retry is forbidden here" in shown
    assert "Payday on the 15th" in shown


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ({"retry_not_before": "2027-01-01T00:00:00Z"}, "before 2027-01-01"),
        ({"retry_not_after": "2026-04-13T16:00:00Z"}, "after 2026-04-13"),
        ({"retry_avoid_dates": ["2026-04-16"]}, "a day to avoid"),
        ({"must_wait_at_least_hours": 900}, "before 2026-05-21"),
        ({"needs_approval": True}, "without the approval"),
        ({"handoff_email": "required"}, "no handoff mail"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, label: dict[str, Any], said: str) -> None:
    (result,) = score(tmp_path, a_case(**label)).results

    assert said in " ".join(finding.text for finding in result.findings)


def test_a_banned_word_in_a_mail_is_a_broken_promise(tmp_path: Path) -> None:
    lost = next(
        row for row in map(json.loads, OWN.open(encoding="utf-8")) if "Pickup" in row["title"]
    )
    lost["label"]["email_must_not_mention"] = ["please PAY"]

    assert score(tmp_path, lost).violations == 1


# ── what it reads ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (lambda row: row.update(schema_version=2), ":2: schema_version:"),
        (lambda row: row.pop("now"), ":2: now:"),
        (lambda row: row["stripe"]["invoice"].update(amount_due=29.0), ":2: stripe.invoice.amount_due:"),
        (lambda row: row["stripe"]["invoice"].update(currency="dollars"), ":2:"),
        (lambda row: row.update(now="2026-06-29T14:00:00"), ":2: now:"),
        (lambda row: row.update(now=1_780_000_000), ":2: now:"),
        (lambda row: row["hubspot"].update(surprise=1), ":2: hubspot.surprise:"),
        (lambda row: row["label"].update(acceptable_actions=["retry"]), ":2: label.acceptable_actions.0:"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_with_its_field(tmp_path: Path, spoil: Any, place: str) -> None:
    spoilt = a_case() | {"id": "X2"}
    spoil(spoilt)

    with pytest.raises(UnreadableCases, match=r"cases\.jsonl") as error:
        read_cases(written(tmp_path, a_case(), spoilt))

    assert place in str(error.value)


def test_a_deal_may_close_on_a_day_without_a_time(tmp_path: Path) -> None:
    row = a_case()
    deal = {"id": "1", "name": "Renewal", "type": "renewal", "stage": "open", "amount_minor": 1,
            "currency": "usd", "close_date": "2026-05-25"}  # fmt: skip
    row["hubspot"]["deals"] = [deal]

    (case,) = read_cases(written(tmp_path, row))

    assert case.hubspot is not None
    assert case.hubspot.deals[0].close_date == datetime(2026, 5, 25, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "\n\n", "{", "[]", '"text"', "nonsense"])
def test_what_is_no_case_is_refused(tmp_path: Path, text: str) -> None:
    assert judge(written(tmp_path, text)) == 2


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, capsys: Any) -> None:
    assert judge(tmp_path / "none.jsonl") == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableCases, match="line 1 too"):
        read_cases(written(tmp_path, a_case(), a_case()))


# ── with a model ────────────────────────────────────────────────────────────────────────


def test_a_models_forbidden_wish_is_counted_and_stopped(tmp_path: Path) -> None:
    def reckless(facts: Facts, options: Options, playbook: Playbook) -> Proposal:
        return Proposal(action=Action.SCHEDULE_RETRY, slot_id="S1")

    lost = next(
        row for row in map(json.loads, OWN.open(encoding="utf-8")) if "Pickup" in row["title"]
    )

    seen = run(written(tmp_path, lost), proposer=reckless)

    assert seen.alone.violations == 1
    assert seen.board.violations == 0


def test_a_model_is_not_asked_when_one_act_is_left(tmp_path: Path) -> None:
    def never(facts: Facts, options: Options, playbook: Playbook) -> Proposal:
        raise AssertionError("asked although there was nothing to decide")

    dead = next(
        row for row in map(json.loads, OWN.open(encoding="utf-8")) if "has died" in row["title"]
    )

    assert score(tmp_path, dead, proposer=never).acceptable == 1
