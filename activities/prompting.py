"""Turns a case into the messages that a model reads. Nothing here calls anything.

What other people wrote travels as a JSON array inside a fence whose mark is new each time, and
every `<` in it is escaped: it can neither close the fence nor look like ours.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from activities import playbook as playbook_files
from workflows.case import Action, Options, Verdict
from workflows.evidence import Evidence, Pack, Trust
from workflows.playbook import Playbook

Message = dict[str, str]
EVIDENCE = (
    "\n## Evidence\n"  # what stands before is the same for every case, so providers can cache it
)

DOES = {
    Action.SCHEDULE_RETRY: "charge again at the time in {{retry_at}}",
    Action.SEND_UPDATE_LINK: "mail the customer a link to pay or to add a card",
    Action.ESCALATE_NOW: "hand over to the account owner; nothing is charged or sent meanwhile",
    Action.STOP: "leave the invoice alone",
}


@dataclass(frozen=True)
class Question:
    """Messages, the hashes of their prompts, and the word that must never come back."""

    messages: tuple[Message, ...]
    prompts: Mapping[str, str]
    canary: str

    def again(self, answer: str, problems: Iterable[str], playbook: Playbook) -> "Question":
        """The same question with the unusable answer and what is wrong with it."""
        prompt = playbook_files.prompt(playbook, "repair")
        listed = "\n".join(f"- {problem}" for problem in list(problems)[:10])
        more: tuple[Message, ...] = (
            {"role": "assistant", "content": answer[:6_000] or "{}"},
            {"role": "user", "content": prompt.fill({"problems": listed})},
        )
        prompts = {**self.prompts, "repair": prompt_hash(playbook, "repair")}
        return Question((*self.messages, *more), prompts, self.canary)


def prompt_hash(playbook: Playbook, name: str) -> str:
    """What identifies a prompt: its words and those of everything it includes."""
    parts = [playbook.prompts[name], playbook.prompts["glossary"]]
    parts += [
        f"{example.name}\n{example.body}" for example in playbook_files.few_shot(playbook, name)
    ]
    plain = "\n".join("\n".join(line.rstrip() for line in part.splitlines()) for part in parts)
    return hashlib.sha256(plain.encode()).hexdigest()


def decide(pack: Pack, options: Options, playbook: Playbook, *, tools: int = 0) -> Question:
    """Which of the allowed actions? With `tools`, so many look-ups may be asked for instead."""
    slots = [f"- {s.slot_id}: {s.label} ({', '.join(s.why)})" for s in options.slots]
    default = options.default.value + (f" {options.default_slot}" if options.default_slot else "")
    values = {
        "actions": ", ".join(action.value for action in options.allowed),
        "slots": "\n".join(slots) or "- none",
        "default": default,
        "tools": _tools(tools),
        "today": f"{pack.now:%A, %Y-%m-%d %H:%M} UTC",
    }
    return _question("decide", pack.evidence, values, playbook)


def draft(
    shown: Sequence[Evidence],
    verdict: Verdict,
    playbook: Playbook,
    *,
    placeholders: Iterable[str],
    language: str,
) -> Question:
    """Write the handoff. Gets the final decision and the cited evidence, and nothing uncited."""
    values = {
        "decision": DOES[verdict.action],
        "placeholders": ", ".join(f"{{{{{name}}}}}" for name in sorted(placeholders)),
        "company": playbook.company.name,
        "language": language,
    }
    return _question("draft", shown, values, playbook)


def _tools(look_ups: int) -> str:
    if not look_ups:
        return ""
    return (
        f"You may ask to see up to {look_ups} things first, in `need_more` (then the other fields "
        "do not count): `read_note` or `read_ticket` with the id of a text that is cut off, "
        "`list_more_notes` with the id of the oldest note, `list_invoices` with a number of "
        "months. Ask only if it could change your choice; else `need_more` is an empty list."
    )


def _question(
    name: str, shown: Sequence[Evidence], values: Mapping[str, str], playbook: Playbook
) -> Question:
    canary, fence = f"cn-{secrets.token_hex(6)}", f"untrusted-{secrets.token_hex(8)}"
    prompt = playbook_files.prompt(playbook, name)
    examples = (example.body for example in playbook_files.few_shot(playbook, name))
    text = prompt.fill(
        {
            **dict.fromkeys(prompt.inputs, ""),
            "glossary": playbook_files.prompt(playbook, "glossary").body.strip(),
            "examples": "\n".join(examples).strip(),
            "canary": canary,
            "fence": fence,
            "facts": facts_block(shown),
            "texts": texts_block(shown, fence),
            **values,
        }
    )
    fixed, _, case = text.partition(EVIDENCE)
    messages: tuple[Message, ...] = (
        {"role": "system", "content": fixed},
        {"role": "user", "content": f"## Evidence\n{case}"},
    )
    return Question(messages, {name: prompt_hash(playbook, name)}, canary)


def facts_block(shown: Sequence[Evidence]) -> str:
    """Our own facts, one a line."""
    lines = [f"- {fact.id}: {fact.text}" for fact in shown if is_ours(fact)]
    return "\n".join(lines) or "- none"


def texts_block(shown: Sequence[Evidence], fence: str) -> str:
    """Other people's texts, unable to pretend to be anything else."""
    rows = [
        {
            "id": fact.id,
            "trust": fact.trust.value,
            "written": f"{fact.as_of:%Y-%m-%d}" if fact.as_of else None,
            "text": fact.text,
        }
        for fact in shown
        if not is_ours(fact)
    ]
    body = json.dumps(rows, ensure_ascii=False, indent=1).replace("<", "\\u003c")
    return f"<{fence}>\n{body}\n</{fence}>"


OUR_SENTENCES = frozenset({"account", "owner"})  # made by code although they speak of the CRM


def is_ours(fact: Evidence) -> bool:
    """Made by code, whoever's system it speaks of."""
    return fact.trust is Trust.SYSTEM or fact.kind in OUR_SENTENCES
