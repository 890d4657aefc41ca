# ruff: noqa: E501  (a page of text)
"""`docs/rules.md`, made from the rules themselves. Write it anew after a change:

python -m tests.policy.rules_page
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from workflows.case import Action
from workflows.policy import CHOICES, ENDINGS, FILTERS, RULES, Choice, Group, Rule

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
ACTS = {
    Action.SCHEDULE_RETRY: "retry",
    Action.SEND_UPDATE_LINK: "link",
    Action.ESCALATE_NOW: "a person",
}
TITLES = {
    Group.STOP: "Stop: the invoice needs us no more",
    Group.LEGAL_AND_SAFETY: "Legal and safety: only a person acts",
    Group.UNVERIFIED_CLAIM: "Claims nobody has checked: only a person acts",
    Group.NEVER_RETRY: "Never retry this card or account",
    Group.EARLIEST_TIME: "Not before",
    Group.APPROVAL: "A person must agree first",
    Group.CONTACT: "Writing to the customer",
    Group.DEGRADED: "What could not be seen",
}
INTRO = """# The rules

Made from `workflows/policy.py` by `python -m tests.policy.rules_page`; a test fails when the two differ.
Do not edit by hand.

The order is the precedence. A rule takes something away (it forbids an act, delays it, or asks for a
person's agreement); no rule ever permits. So one more rule that fires never makes a decision bolder.
Words in italics are filled in from the case. Limits that are numbers stand in `playbook/playbook.toml`,
what each decline code means in `playbook/declines.csv`, and the words that are looked for in notes and
tickets in `playbook/words/`.
"""
CHOICES_INTRO = """## What is done when no model decides

The first row that fits, and whose act is still allowed, is taken. Rows marked *no retry left* fit only
when the rules above allow no retry.

| Code | Does | Because |
|---|---|---|
"""
OTHER_CODES = """
## Codes that come with a proposal

| Code | Effect | When |
|---|---|---|
| `APPR_LOW_CONFIDENCE` | a person must agree | the model is unsure, or differs from the rule table on an important account |
| `APPR_MODEL_ASKS` | a person must agree | the model asks for one |
| `CLAMP_HORIZON` | forbids retry | no permitted time is left before the retry window ends |
| `CLAMP_MONEY_DAY` | delays retry | the model named an earlier time than the day on which money is likely to be there |
| `CLAMP_LINGERING` | hastens retry | the model would wait more than three days longer than the rule table |
| `ONLY_A_PERSON` | refuses the proposal | groups 2 or 3 gave the case to a person; or a model would charge a customer who is upset or may leave, or send an upset one a link |
| `NOT_OFFERED` | refuses the proposal | only the rules may choose this (stopping) |
"""


def page() -> str:
    return "".join((INTRO, *_groups((*ENDINGS, *FILTERS, *RULES)), "\n", *_choices(), OTHER_CODES))


def _groups(rules: Iterable[Rule]) -> Iterator[str]:
    by_group: dict[Group, list[Rule]] = {group: [] for group in Group}
    for rule in rules:
        by_group[rule.group].append(rule)
    for group, members in by_group.items():
        yield f"\n## {group.value} · {TITLES[group]}\n\n"
        yield "| Code | Effect | Says | Source |\n|---|---|---|---|\n"
        for rule in members:
            yield f"| `{rule.code}` | {_effect(rule)} | {_said(rule.because)} | {rule.source} |\n"


def _effect(rule: Rule) -> str:
    if rule.ends is not None:
        return f"ends the case: `{rule.ends.value}`"
    if rule.forbids:
        return f"forbids {_acts(rule.forbids)}"
    if rule.delays is not None:
        return f"delays {ACTS[rule.delays]}"
    if rule.approves:
        return f"approval for {_acts(rule.approves)}"
    return "is noted"


def _acts(actions: Iterable[Action]) -> str:
    return " and ".join(ACTS[action] for action in actions)


def _said(sentence: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: f"*{m[1].replace('_', ' ')}*", sentence)


def _choices() -> Iterator[str]:
    yield CHOICES_INTRO
    for choice in CHOICES:
        yield f"| `{choice.code}` | {_does(choice)} | {_said(choice.because)} |\n"


def _does(choice: Choice) -> str:
    return ACTS[choice.action] + (" *(no retry left)*" if choice.without_retry else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
