"""Reads the playbook: the folder in which a company says how its failed payments are to be treated.

`load` reads all of it and refuses what it does not understand, with file, line and what to do.
`Current` is the playbook of this moment: an edit counts for the next case, without a restart.
"""

import csv
import difflib
import json
import logging
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from workflows.evidence import canonical_hash
from workflows.playbook import DeclineRule, ModelChoice, Playbook
from workflows.redaction import redact_counted

log = logging.getLogger(__name__)

SETTINGS, DECLINES, BILLING = "playbook.toml", "declines.csv", "billing.sql"
PROMPTS = ("decide", "draft", "repair", "glossary")
FROM_OTHER_FILES = {"declines", "words", "prompts", "billing_sql", "letters", "hash"}
RESTORE = "Restore it from the playbook that came with this project"


@dataclass(frozen=True)
class Flaw:
    """One thing wrong with a playbook, said to the person who edits it."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{f', line {self.line}' if self.line else ''}: {self.reason}"


class PlaybookError(ValueError):
    """The playbook cannot be used. Each line says where, what and what to do."""

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        self.flaws = tuple(flaws)
        super().__init__("\n".join(map(str, self.flaws)))


def load(folder: str | Path) -> Playbook:
    """The playbook in this folder, complete and checked. Raises `PlaybookError`."""
    root = Path(folder)
    if not root.is_dir() or not any(root.iterdir()):
        reason = "is empty" if root.is_dir() else "is not a folder"
        raise PlaybookError(
            [
                Flaw(
                    str(root),
                    None,
                    f"{reason}. Set DUNNING_PLAYBOOK to a folder with a {SETTINGS}.",
                )
            ]
        )
    flaws: list[Flaw] = []
    settings = _settings(root, flaws)
    parts = {
        "declines": _declines(root, flaws),
        "words": _words(root, flaws),
        "prompts": _prompts(root, flaws),
        "billing_sql": _text(root, BILLING, flaws),
        "letters": _letters(root, flaws),
    }
    if flaws:
        raise PlaybookError(flaws)
    return hashed(Playbook(**settings, **parts))


def hashed(playbook: Playbook) -> Playbook:
    """With the hash of everything in it."""
    body = playbook.model_dump(mode="json", exclude={"hash"})
    return playbook.model_copy(update={"hash": canonical_hash(body)})


def with_models(playbook: Playbook, decide: str, draft: str, api_base: str) -> Playbook:
    """The environment's models in place of the playbook's. An empty string changes nothing.

    A model from the environment has no fallbacks: they were chosen for another provider.
    """
    agent = playbook.agent
    chosen = {
        "decide": _with_model(agent.decide, decide, api_base),
        "draft": _with_model(agent.draft, draft, api_base),
    }
    if chosen == {"decide": agent.decide, "draft": agent.draft}:
        return playbook
    return hashed(playbook.model_copy(update={"agent": agent.model_copy(update=chosen)}))


def _with_model(choice: ModelChoice, model: str, api_base: str) -> ModelChoice:
    update: dict[str, Any] = {}
    if model and model != choice.model:
        update |= {"model": model, "fallbacks": ()}
    if api_base:
        update["api_base"] = api_base
    return choice.model_copy(update=update)


class Current:
    """Call it for the playbook as it is on disk now.

    A playbook that was good and is broken by an edit stays in use, and the log says what is wrong
    with the edit: money does not stop for a typing error. A broken one at the start raises
    `PlaybookError`.
    """

    def __init__(
        self, folder: str | Path, *, decide: str = "", draft: str = "", api_base: str = ""
    ) -> None:
        self._folder = Path(folder)
        self._models = (decide, draft, api_base)
        self._lock = Lock()
        self._seen = _state_of(self._folder)
        self._playbook = with_models(load(self._folder), *self._models)
        self.problem: PlaybookError | None = None

    def __call__(self) -> Playbook:
        state = _state_of(self._folder)
        with self._lock:
            if state != self._seen:
                self._seen = state
                self._reload()
            return self._playbook

    def _reload(self) -> None:
        try:
            self._playbook = with_models(load(self._folder), *self._models)
            self.problem = None
        except PlaybookError as problem:
            self.problem = problem
            log.error("The edited playbook cannot be used, the one before stays:\n%s", problem)


def _state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Which files there are, when each changed and how long it is."""
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                stat = os.stat(os.path.join(parent, name))
            except FileNotFoundError:  # an editor swaps files by renaming them
                continue
            found.append((os.path.join(parent, name), stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found))


def _text(root: Path, name: str, flaws: list[Flaw]) -> str:
    try:
        return (root / name).read_text(encoding="utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        flaws.append(Flaw(str(root / name), None, f"is missing. {RESTORE}."))
    except UnicodeDecodeError as wrong:
        line = wrong.object[: wrong.start].count(b"\n") + 1
        flaws.append(Flaw(str(root / name), line, "is not UTF-8 text. Save the file as UTF-8."))
    return ""


# ── playbook.toml ───────────────────────────────────────────────────────────────────────


def _settings(root: Path, flaws: list[Flaw]) -> dict[str, Any]:
    text = _text(root, SETTINGS, flaws)
    file = str(root / SETTINGS)
    settings = _toml(file, text, flaws)
    if settings is None:
        return {}
    try:
        Playbook(
            **{name: value for name, value in settings.items() if name not in FROM_OTHER_FILES}
        )
    except ValidationError as wrong:
        flaws += [_setting_flaw(file, text, error, settings) for error in wrong.errors()]
    for name in FROM_OTHER_FILES & settings.keys():
        flaws.append(
            Flaw(
                file,
                _line_of(text, (name,)),
                f"{name} is not set here: it has files of its own beside this one. Remove it.",
            )
        )
    flaws += _currency_flaws(file, text, settings)
    return settings


def _currency_flaws(file: str, text: str, settings: Mapping[str, Any]) -> Iterator[Flaw]:
    rates = settings.get("usd_per", {})
    for currency, rate in rates.items() if isinstance(rates, dict) else ():
        if not re.fullmatch(r"[a-z]{3}", currency):
            yield Flaw(
                file,
                _line_of(text, ("usd_per", currency)),
                f"usd_per.{currency} is no currency. "
                "Use the three letters of ISO 4217 in lower case, as in eur.",
            )
        elif isinstance(rate, int | float) and not 0 < rate < 1_000:
            yield Flaw(
                file,
                _line_of(text, ("usd_per", currency)),
                f"usd_per.{currency} = {rate}: "
                f"say how many US dollars one {currency.upper()} is worth.",
            )


def _toml(file: str, text: str, flaws: list[Flaw]) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        at = re.search(r"\(at line (\d+), column (\d+)\)|\(at end of document\)", str(wrong))
        line = int(at[1]) if at and at[1] else text.count("\n") + 1
        reason = re.sub(r"\s*\(at .*\)$", "", str(wrong))
        flaws.append(
            Flaw(
                file,
                line,
                f"is not valid TOML: {reason}. A text stands in quotes, a list in [brackets].",
            )
        )
        return None


def _setting_flaw(file: str, text: str, error: Any, settings: Mapping[str, Any]) -> Flaw:
    path = tuple(str(part) for part in error["loc"])
    name, line = ".".join(path), _line_of(text, path)
    if error["type"] == "extra_forbidden":
        near = _did_you_mean(path[-1], _known_keys(path[:-1]))
        return Flaw(file, line, f"{name} is not a setting. {near}")
    return Flaw(file, line, f"{name} = {_shown(error['input'])}: {_in_words(error)}.")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."


def _known_keys(path: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Playbook
    for part in path:
        field = model.model_fields.get(part)
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return [
        name for name in model.model_fields if model is not Playbook or name not in FROM_OTHER_FILES
    ]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    options = (
        get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    )
    for option in options:
        if option is not NoneType and isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _in_words(error: Any) -> str:
    limits = error.get("ctx", {})
    match error["type"]:
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number"
        case "float_type" | "float_parsing":
            return "must be a number"
        case "string_type":
            return "must be a text in quotes"
        case "bool_type" | "bool_parsing":
            return "must be true or false"
        case "tuple_type" | "list_type":
            return "must be a list in [brackets]"
        case "literal_error":
            return f"must be {limits['expected']}"
        case "greater_than_equal" | "greater_than":
            return f"must be at least {limits.get('ge', limits.get('gt'))}"
        case "less_than_equal" | "less_than":
            return f"must be at most {limits.get('le', limits.get('lt'))}"
        case "model_type" | "dict_type":
            return "must be a [section] of its own"
        case _:
            return str(error["msg"]).removeprefix("Value error, ")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _line_of(text: str, path: tuple[str, ...]) -> int | None:
    """Where a setting stands in the file; failing that, its section's heading."""
    found, section = None, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            section = heading[1].replace('"', "").replace(" ", "")
            if section == ".".join(path[: section.count(".") + 1]):
                found = found or number
            continue
        key = re.match(r"""\s*["']?([\w.-]+)["']?\s*=""", line)
        if key and ".".join(filter(None, (section, key[1]))) in _prefixes(path):
            return number
    return found


def _prefixes(path: tuple[str, ...]) -> set[str]:
    return {".".join(path[:length]) for length in range(1, len(path) + 1)}


# ── declines.csv ────────────────────────────────────────────────────────────────────────


def _declines(root: Path, flaws: list[Flaw]) -> tuple[DeclineRule, ...]:
    file, text = str(root / DECLINES), _text(root, DECLINES, flaws)
    if not text:
        return ()
    reader = csv.DictReader(text.splitlines())
    columns = set(DeclineRule.model_fields)
    for missing in sorted(columns - set(reader.fieldnames or ())):
        flaws.append(Flaw(file, 1, f"the column {missing} is missing. {_columns_are()}"))
    for extra in sorted(set(reader.fieldnames or ()) - columns):
        flaws.append(Flaw(file, 1, f"{extra} is not a column. {_did_you_mean(extra, columns)}"))
    if flaws and flaws[-1].file == file:
        return ()
    rules: dict[str, DeclineRule] = {}
    for row in reader:
        _decline(file, reader.line_num, row, rules, flaws)
    return tuple(rules.values())


def _columns_are() -> str:
    return f"The columns are {', '.join(DeclineRule.model_fields)}."


def _decline(
    file: str, line: int, row: dict[str, Any], rules: dict[str, DeclineRule], flaws: list[Flaw]
) -> None:
    if None in row or None in row.values():
        flaws.append(
            Flaw(file, line, "has too many or too few columns. Put a text with a comma in quotes.")
        )
        return
    code = row["code"].strip()
    if not code or code in rules:
        flaws.append(
            Flaw(
                file,
                line,
                f"{code or 'an empty code'} stands here twice. Keep one row."
                if code
                else "the code is empty.",
            )
        )
        return
    try:
        rules[code] = DeclineRule(
            **row | {"code": code, "min_wait_hours": row["min_wait_hours"].strip() or None}
        )
    except ValidationError as wrong:
        flaws += [
            Flaw(
                file,
                line,
                f"{code}: {error['loc'][0]} = {_shown(error['input'])}: {_in_words(error)}.",
            )
            for error in wrong.errors()
        ]


# ── words/*.toml ────────────────────────────────────────────────────────────────────────


def _words(root: Path, flaws: list[Flaw]) -> dict[str, dict[str, tuple[str, ...]]]:
    """One file per topic, in it one list of phrases per language."""
    files = sorted((root / "words").glob("*.toml"))
    if not files:
        flaws.append(Flaw(str(root / "words"), None, f"has no word lists. {RESTORE}."))
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for path in files:
        text = _text(root, f"words/{path.name}", flaws)
        languages = _toml(str(path), text, flaws)
        if languages is not None:
            flaws += _word_flaws(str(path), text, languages)
            found[path.stem] = {
                language: tuple(map(str, phrases)) if isinstance(phrases, list) else ()
                for language, phrases in languages.items()
            }
    return found


def _word_flaws(file: str, text: str, languages: Mapping[str, Any]) -> Iterator[Flaw]:
    for language, phrases in languages.items():
        line = _line_of(text, (language,))
        if not re.fullmatch(r"[a-z]{2,3}", language):
            yield Flaw(file, line, f"{language} is no language. Use two letters, as in en or de.")
        if not isinstance(phrases, list):
            yield Flaw(file, line, f'{language} must be a list of texts, as in ["our lawyer"].')
            continue
        for phrase in phrases:
            if not isinstance(phrase, str) or not phrase.strip(" .*"):
                yield Flaw(
                    file,
                    line,
                    f"{language} has {_shown(phrase)}: every entry is a text of at least one word.",
                )


# ── prompts/*.md ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Prompt:
    """One Markdown prompt: what its front matter says, and its body."""

    name: str
    meta: Mapping[str, str]
    body: str
    first_line: int = 1

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(word for word in re.split(r"[\s,\[\]]+", self.meta.get("inputs", "")) if word)

    def fill(self, values: Mapping[str, str]) -> str:
        """Every input in its place, in one pass: nothing inside a value is ever replaced."""
        return _PLACE.sub(lambda m: values[m[1]] if m[1] in self.inputs else m[0], self.body)


_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
META = {"id", "version", "schema", "max_output_tokens", "tier", "inputs", "changelog"}
# What a prompt may ask us to fill in. Who fills it: `activities/prompting.py`.
_EVERY_CALL = frozenset({"glossary", "examples", "canary", "facts", "texts", "fence"})
INPUTS: Mapping[str, frozenset[str]] = {
    "decide": _EVERY_CALL | {"actions", "slots", "default", "tools", "today"},
    "draft": _EVERY_CALL | {"decision", "placeholders", "company", "language"},
    "repair": frozenset({"problems"}),
    "glossary": frozenset(),
}
# What a draft may leave for us to fill in; they stand in examples word for word.
_LATER = """
    owner_first_name company contact_first_name amount_due total_open open_invoice_count
    invoice_number due_date failed_on retry_at plan mrr tenure renewal_date renewal_amount
    update_link case_link
"""
PLACEHOLDERS = frozenset(_LATER.split())


def prompt(playbook: Playbook, name: str) -> Prompt:
    return parse_prompt(name, playbook.prompts[name])


def few_shot(playbook: Playbook, kind: str) -> list[Prompt]:
    """The examples for one call (`decide` or `draft`), by name."""
    examples = [
        parse_prompt(name, text)
        for name, text in sorted(playbook.prompts.items())
        if name.startswith("few_shot/")
    ]
    return [example for example in examples if example.meta.get("schema", "decide") == kind]


def parse_prompt(name: str, text: str) -> Prompt:
    front = _FRONT.match(text)
    if front is None:
        return Prompt(name, {}, text)
    lines = [line.split(":", 1) for line in front[1].splitlines() if ":" in line]
    meta = {key.strip(): value.strip() for key, value in lines}
    return Prompt(name, meta, text[front.end() :].strip("\n") + "\n", front[0].count("\n") + 1)


def _prompts(root: Path, flaws: list[Flaw]) -> dict[str, str]:
    found: dict[str, str] = {}
    folder = root / "prompts"
    for name in PROMPTS:
        found[name] = _text(root, f"prompts/{name}.md", flaws)
    for path in sorted((folder / "few_shot").glob("*.md")):
        found[f"few_shot/{path.stem}"] = _text(root, f"prompts/few_shot/{path.name}", flaws)
    for name, text in found.items():
        if text:
            flaws += _prompt_flaws(str(folder / f"{name}.md"), parse_prompt(name, text), text)
    return found


def _prompt_flaws(file: str, prompt: Prompt, text: str) -> Iterator[Flaw]:
    if not prompt.meta:
        yield Flaw(
            file,
            1,
            "has no front matter. Begin with a line ---, then id, version and inputs, then ---.",
        )
        return
    for key in prompt.meta.keys() - META:
        yield Flaw(
            file,
            _line_with(text, f"{key}:"),
            f"{key} is not known in front matter. {_did_you_mean(key, META)}",
        )
    known = INPUTS.get(prompt.name, frozenset())
    for name in prompt.inputs:
        if name not in known:
            yield Flaw(
                file,
                _line_with(text, "inputs:"),
                f"the input {name} is unknown. "
                + (_did_you_mean(name, known) if known else "This prompt has none."),
            )
    for place in _PLACE.finditer(prompt.body):
        if place[1] not in {*prompt.inputs, *PLACEHOLDERS}:
            line = text.count("\n", 0, text.find(place[0])) + 1
            near = _did_you_mean(place[1], {*prompt.inputs, *known, *PLACEHOLDERS})
            yield Flaw(file, line, f"{place[0]} is filled in by nobody. {near}")


def _line_with(text: str, start: str) -> int | None:
    return next((n for n, line in enumerate(text.splitlines(), 1) if line.startswith(start)), None)


# ── letters/<language>/* ────────────────────────────────────────────────────────────────


def _letters(root: Path, flaws: list[Flaw]) -> dict[str, str]:
    """By `language/name`, as in `de/update_card`."""
    from activities import customer_letter  # knows what a letter may say; needs babel

    files = sorted(path for path in (root / "letters").glob("*/*.txt") if path.is_file())
    if not files:
        flaws.append(Flaw(str(root / "letters"), None, f"has no letters. {RESTORE}."))
    letters = {
        f"{path.parent.name}/{path.stem}": _text(
            root, f"letters/{path.parent.name}/{path.name}", flaws
        )
        for path in files
    }
    for flaw in customer_letter.flaws(letters):
        name, _, reason = flaw.partition(" ")
        flaws.append(
            Flaw(str(root / name), _line_of_placeholder(letters, name, reason), f"{reason}.")
        )
    return letters


def _line_of_placeholder(letters: Mapping[str, str], file: str, reason: str) -> int | None:
    used = re.search(r"\{\{(\w+)\}\}", reason)
    text = letters.get(file.removeprefix("letters/").removesuffix(".txt"), "")
    return text.count("\n", 0, text.find(used[0])) + 1 if used and used[0] in text else None


# ── dunning prompts lint ────────────────────────────────────────────────────────────────

LONGEST_PROMPT = 12_000  # characters; about 3,000 tokens


def lint(playbook: Playbook) -> list[str]:
    """What a careful colleague would say about the prompts. An empty list is praise."""
    from activities import answers  # the schemas; not needed to load a playbook

    said: list[str] = []
    for name, text in sorted(playbook.prompts.items()):
        parsed = parse_prompt(name, text)
        said += [f"prompts/{name}.md: {remark}" for remark in _remarks(parsed)]
        if name.startswith("few_shot/"):
            said += [
                f"prompts/{name}.md: {remark}"
                for remark in answers.example_flaws(
                    parsed.body, parsed.meta.get("schema", "decide")
                )
            ]
    for schema, words in answers.enum_values().items():
        body = playbook.prompts.get(schema, "") + playbook.prompts.get("glossary", "")
        said += [
            f"prompts/{schema}.md: never explains the answer {word}"
            for word in words
            if word not in body
        ]
    return said


def _remarks(prompt: Prompt) -> Iterator[str]:
    for input_ in prompt.inputs:
        if not re.search(r"\{\{\s*" + input_ + r"\s*\}\}", prompt.body):
            yield f"the input {input_} is named in the front matter and never used"
    if len(prompt.body) > LONGEST_PROMPT:
        yield f"is {len(prompt.body)} characters long; keep it under {LONGEST_PROMPT}"
    personal = {
        kind: n
        for kind, n in redact_counted(prompt.body, 100_000)[1].items()
        if kind not in ("repeated",)
    }
    if personal:
        yield f"seems to hold real data ({', '.join(sorted(personal))}); use invented words"
    if not prompt.meta.get("version"):
        yield "has no version in its front matter"
