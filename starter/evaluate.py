"""`dunning evaluate`: labelled cases through rules, agent, rules and letters, and no side effect.

The question it answers for a finance person: would this program have done something it must not do,
and how often would it have done what careful people would? No model is needed; with one, its raw
choice is counted apart from what the rules let through.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from starter.labelled import Label, LabelledCase, UnreadableCases, read_cases, to_facts
from starter.scoreboard import Finding, Kind, Result, Scoreboard, render
from workflows import declines, policy
from workflows.case import Action, Options, Proposal, Verdict
from workflows.facts import Facts
from workflows.nouns import iso
from workflows.playbook import Playbook
from workflows.situation import Situation
from workflows.steps import LetterKind

# Never in a text to a customer, whatever the label says.
BANNED_TO_CUSTOMERS = (
    "delinquent", "deadbeat", "you failed to", "your fault", "refused to pay", "legal action",
    "collections agency", "final notice",
)  # fmt: skip


class Written(Protocol):
    """A letter, as `activities/letters.py` makes it."""

    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...


class Proposer(Protocol):
    """An agent: it may propose what the options allow, or None when it has no answer."""

    def __call__(self, facts: Facts, options: Options, playbook: Playbook) -> Proposal | None: ...


class Drafter(Protocol):
    """Who writes the letters. The shipped one renders templates."""

    def handoff(
        self, facts: Facts, verdict: Verdict, options: Options, playbook: Playbook
    ) -> Written: ...

    def customer(self, facts: Facts, verdict: Verdict, playbook: Playbook) -> Written | None: ...


class Templates:
    """The letters that need no model."""

    def handoff(
        self, facts: Facts, verdict: Verdict, options: Options, playbook: Playbook
    ) -> Written:
        from activities.letters import render_handoff

        kind = LetterKind.APPROVAL if verdict.needs_approval else LetterKind.HANDOFF
        return render_handoff(facts, verdict, options, playbook, kind=kind)

    def customer(self, facts: Facts, verdict: Verdict, playbook: Playbook) -> Written | None:
        from activities.letters import render_customer

        return render_customer(facts, verdict, playbook)


@dataclass(frozen=True)
class Answer:
    """What the program did with one case."""

    case: LabelledCase
    verdict: Verdict
    proposal: Proposal | None
    handoff: Written | None
    customer_text: str | None

    @property
    def codes(self) -> tuple[str, ...]:
        said = [reason.code for reason in self.verdict.reasons]
        return tuple(dict.fromkeys((*said, *(row.code for row in self.verdict.blocked))))

    @property
    def retry_at(self) -> datetime | None:
        return self.verdict.at if self.verdict.action is Action.SCHEDULE_RETRY else None

    def line(self) -> str:
        """The JSON line of `--out`."""
        handoff = self.handoff
        answer = {
            "id": self.case.id,
            "action": self.verdict.action.value,
            "retry_at": iso(self.retry_at) if self.retry_at else None,
            "approval": self.verdict.needs_approval,
            "decided_by": self.verdict.decided_by.value,
            "reasons": list(self.codes),
            "handoff": {"subject": handoff.subject, "text": handoff.text} if handoff else None,
            "customer_text": self.customer_text,
        }
        return json.dumps(answer, ensure_ascii=False)


def evaluate(
    cases: Path,
    out: Path | None,
    playbook: Playbook | Path,
    as_json: bool,
    proposer: Proposer | None = None,
    drafter: Drafter | None = None,
) -> int:
    """Run the file, print the scoreboard. 0: no violation; 1: some; 2: something is unreadable.

    `playbook` may be the folder it is read from.
    """
    from activities.playbook import PlaybookError, load

    try:
        rules = playbook if isinstance(playbook, Playbook) else load(playbook)
        scoreboard = run(cases, out, rules, proposer, drafter)
    except (UnreadableCases, PlaybookError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{out}: {error.strerror or error}\n")
        return 2
    if as_json:
        sys.stdout.write(json.dumps(scoreboard.summary(), ensure_ascii=False, indent=2) + "\n")
    else:
        render(scoreboard)
    return 1 if scoreboard.violations else 0


def run(
    path: Path,
    out: Path | None,
    playbook: Playbook,
    proposer: Proposer | None = None,
    drafter: Drafter | None = None,
) -> Scoreboard:
    """Decide and grade every case of the file; write the answers to `out`, if one is given."""
    cases = read_cases(path)
    answers = [decide(case, playbook, proposer, drafter or Templates()) for case in cases]
    if out is not None:
        out.write_text("".join(f"{answer.line()}\n" for answer in answers), encoding="utf-8")
    return Scoreboard(
        source=path.name,
        model=proposer is not None,
        results=tuple(grade(answer, playbook) for answer in answers),
    )


def decide(
    case: LabelledCase, playbook: Playbook, proposer: Proposer | None, drafter: Drafter
) -> Answer:
    """Rules narrow, the agent proposes, rules clamp, letters are written: as in a real case."""
    facts = to_facts(case)
    if policy.ending(facts) is not None:
        return Answer(case, policy.policy(facts, None, playbook), None, None, None)
    options = policy.narrow(facts, playbook)
    asks = proposer is not None and len(options.allowed) > 1
    proposal = proposer(facts, options, playbook) if proposer is not None and asks else None
    verdict = policy.clamp(facts, options, proposal, playbook)
    customer = None
    if verdict.action is Action.SEND_UPDATE_LINK:
        letter = drafter.customer(facts, verdict, playbook)
        customer = f"{letter.subject}\n\n{letter.text}" if letter else None
    handoff = None
    if hands_over(facts, verdict, playbook):
        handoff = drafter.handoff(facts, verdict, options, playbook)
    return Answer(case, verdict, proposal, handoff, customer)


def hands_over(facts: Facts, verdict: Verdict, playbook: Playbook) -> bool:
    """Does the account's owner get a mail now? Always when they must act or agree."""
    if verdict.needs_approval or verdict.action is Action.ESCALATE_NOW:
        return True
    if verdict.action is not Action.SEND_UPDATE_LINK:
        return False
    return playbook.handoff.when == "always" or Situation(facts, playbook).is_high_value


# ── grading ─────────────────────────────────────────────────────────────────────────────


def grade(answer: Answer, playbook: Playbook) -> Result:
    """What the label says of this answer, finding by finding."""
    case, verdict, label = answer.case, answer.verdict, answer.case.label
    facts = to_facts(case)
    findings = [
        *_of_action(verdict.action, label),
        *_of_time(answer.retry_at, case),
        *_of_approval(verdict, label),
        *_of_mail(answer),
        *_of_words(answer),
    ]
    proposed = answer.proposal.action if answer.proposal else None
    forbidden_before = proposed is not None and proposed in label.forbidden_actions
    billing = facts.billing
    return Result(
        case=case.id,
        title=case.title,
        action=verdict.action,
        retry_at=answer.retry_at,
        asks_approval=verdict.needs_approval,
        decided_by=verdict.decided_by,
        acceptable=verdict.action in label.acceptable_actions,
        wasteful=verdict.action in label.wasteful_actions,
        forbidden_before_rules=forbidden_before,
        findings=tuple(findings),
        segment=(billing.plan_tier if billing else None) or "unknown",
        family=declines.family(facts.failure, playbook).value,
        attack=label.attack,
        codes=answer.codes,
        wanted=tuple(action.value for action in label.acceptable_actions),
        rationale=label.rationale,
        mail_groups=_mail_groups(answer),
    )


def _of_action(action: Action, label: Label) -> list[Finding]:
    if action in label.forbidden_actions:
        return [Finding(Kind.VIOLATION, f"{action.value} is forbidden here")]
    if action in label.acceptable_actions:
        return []
    wanted = " or ".join(a.value for a in label.acceptable_actions)
    if action in label.wasteful_actions:
        return [Finding(Kind.WASTEFUL, f"{action.value} costs a person's time; wanted {wanted}")]
    return [Finding(Kind.NEUTRAL, f"{action.value} does no harm, but wanted was {wanted}")]


def _of_time(at: datetime | None, case: LabelledCase) -> list[Finding]:
    """The window counts only where a retry was wanted."""
    label = case.label
    if at is None or Action.SCHEDULE_RETRY not in label.acceptable_actions:
        return []
    found = []
    earliest = case.now + timedelta(hours=label.must_wait_at_least_hours or 0)
    if label.retry_not_before is not None:
        earliest = max(earliest, label.retry_not_before)
    if at < earliest:
        found.append(Finding(Kind.VIOLATION, f"retry at {iso(at)}, before {iso(earliest)}"))
    if label.retry_not_after is not None and at > label.retry_not_after:
        found.append(
            Finding(Kind.VIOLATION, f"retry at {iso(at)}, after {iso(label.retry_not_after)}")
        )
    zone = ZoneInfo(case.customer.timezone or "UTC")
    local = at.astimezone(zone).date().isoformat()
    if local in label.retry_avoid_dates:
        found.append(Finding(Kind.VIOLATION, f"retry on {local}, a day to avoid"))
    return found


def _of_approval(verdict: Verdict, label: Label) -> list[Finding]:
    """Judged only for acts that can wait for a person, and that are not wrong anyway."""
    acts = (Action.SCHEDULE_RETRY, Action.SEND_UPDATE_LINK)
    graded = verdict.action in acts and verdict.action not in (
        *label.forbidden_actions,
        *label.wasteful_actions,
    )
    if label.needs_approval == "either" or not graded:
        return []
    if verdict.needs_approval and not label.needs_approval:
        return [Finding(Kind.APPROVAL, "asks a person although nobody needs to be asked")]
    if label.needs_approval and not verdict.needs_approval:
        return [Finding(Kind.APPROVAL, "acts without the approval it needs")]
    return []


def _of_mail(answer: Answer) -> list[Finding]:
    label = answer.case.label
    if label.handoff_email == "forbidden" and (answer.handoff or answer.customer_text):
        return [Finding(Kind.VIOLATION, "a mail goes out where none may")]
    if label.handoff_email == "required" and answer.handoff is None:
        return [Finding(Kind.MAIL, "no handoff mail, although one is required")]
    return [
        Finding(Kind.MAIL, f"the handoff names none of: {', '.join(group)}")
        for group, present in _mail_groups(answer)
        if not present
    ]


def _mail_groups(answer: Answer) -> tuple[tuple[tuple[str, ...], bool], ...]:
    if answer.handoff is None:
        return ()
    text = f"{answer.handoff.subject}\n{answer.handoff.text}".casefold()
    return tuple(
        (group, any(word.casefold() in text for word in group))
        for group in answer.case.label.email_must_mention
    )


def _of_words(answer: Answer) -> list[Finding]:
    """Strings that may stand in no text, and more that may stand in no customer's."""
    label = answer.case.label
    handoff = f"{answer.handoff.subject}\n{answer.handoff.text}" if answer.handoff else ""
    customer = answer.customer_text or ""
    banned = [
        *((word, "a mail", handoff + "\n" + customer) for word in label.email_must_not_mention),
        *((word, "the customer's text", customer) for word in label.customer_text_must_not_mention),
        *((word, "the customer's text", customer) for word in BANNED_TO_CUSTOMERS),
    ]
    return [
        Finding(Kind.VIOLATION, f'"{word}" stands in {where}')
        for word, where, text in banned
        if word.casefold() in text.casefold()
    ]
