"""The documentation cannot lie: what it names exists."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import ROOT, known_variables, read, targets, unknown_words
from workflows import attributes
from workflows.case import Outcome, State, Status
from workflows.listening import ListeningCase
from workflows.playbook import ModelChoice, Playbook, Section
from workflows.recovery import RecoverInvoice

PAGES = sorted(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
)
# Only for docker-compose.temporal.yml, and named in .env.example.
OF_COMPOSE = {"POSTGRES_PASSWORD", "TEMPORAL_POSTGRES_PASSWORD"}
VARIABLE = re.compile(
    r"\b(?:(?:STRIPE|HUBSPOT|AZURE|GRAPH|OUTLOOK|DUNNING|TEMPORAL|BILLING|POSTGRES)_[A-Z0-9_]*"
    r"[A-Z0-9]|DATABASE_URL)\b"
)


def code_of(page: str) -> list[str]:
    """Every line of every block of commands, and every piece of inline code."""
    text = read(page)
    blocks = re.findall(r"^ *```\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^ *```[^\n]*\n.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines()] + re.findall(
        r"`([^`\n]+)`", prose
    )


def anchors_of(page: str) -> set[str]:
    """The headings of a page, as GitHub makes links of them."""
    prose = re.sub(r"^ *```.*?^ *```", "", read(page), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+)$", prose, re.MULTILINE)
    plain = (re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_exists(page: str) -> None:
    unknown = []
    for code in code_of(page):
        for called in re.findall(r"(?:^|[\s/$(])(dunning [a-z][^|;&#()]*)", code):
            unknown += unknown_words(called.replace("`", ""))

    assert unknown == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page: str) -> None:
    wanted = {
        word
        for code in code_of(page)
        for call in re.findall(r"(?:^|; |&& )make ((?:[a-z-]+ ?)+)", code)
        for word in call.split()
    }

    assert wanted <= targets()


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_is_known_to_the_settings(page: str) -> None:
    named = {
        name
        for name in VARIABLE.findall(read(page))
        if not re.search(rf"{name}_?\*", read(page))  # a family, such as TEMPORAL_TLS_*
    }

    assert named - OF_COMPOSE <= known_variables()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_inside_the_repository_leads_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(str(target.resolve().relative_to(ROOT))), link


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_in_code_exists(page: str) -> None:
    """`workflows/policy.py` in backticks is a promise that it is there."""
    roots = "workflows|activities|starter|sandbox|playbook|cases|migrations|tests|docs|requirements"
    for code in code_of(page):
        if re.fullmatch(rf"(?:{roots})/[\w./-]+", code):
            assert (ROOT / code).exists(), code


def temporal_says(*words: str) -> str:
    program = Path(sys.executable).with_name("temporal")
    return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_temporal_s_own_exists(page: str) -> None:
    handlers = {*RecoverInvoice.__dict__, *ListeningCase.__dict__} | {"decide", "stop"}
    for line in code_of(page):
        words = shlex.split(line) if line.startswith("temporal workflow ") else []
        if len(words) < 4:  # only named in passing, as in "`temporal workflow signal`"
            continue
        command = words[1 : next(at for at, word in enumerate(words) if word.startswith("-"))]
        known = temporal_says(*command, "--help") + temporal_says("options")
        for option in (word for word in words if word.startswith("--")):
            assert f"{option} " in known, line
        if "--name" in words:
            assert words[words.index("--name") + 1] in handlers, line


def test_the_contract_s_tables_are_complete() -> None:
    page = read("docs/architecture.md")
    names = [*State, *Outcome, *Status.model_fields, *(key.name for key in attributes.ALL)]

    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_environment_table_is_complete() -> None:
    table = set(VARIABLE.findall(read("docs/architecture.md")))
    own = {name for name in known_variables() if not name.startswith(("TEMPORAL_TLS", "MSI_"))}
    rarely = {name for name in own if name.startswith(("AZURE_", "IDENTITY_"))} - table

    assert own - rarely - {"TEMPORAL_TASK_QUEUE"} <= table


def sections() -> dict[str, type[Section]]:
    """`retries`, `agent`, `agent.decide`, …: every table that playbook.toml may hold."""
    found = {}
    for name, field in Playbook.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found[name] = field.annotation
            for key, inner in field.annotation.model_fields.items():
                if inner.annotation is ModelChoice:
                    found[f"{name}.{key}"] = ModelChoice
    return found


def as_written(value: object) -> str:
    """A default as the page writes it: the way TOML would."""
    return "none" if value is None else f"`{json.dumps(value)}`"


@pytest.mark.parametrize("name", sections())
def test_every_setting_of_the_playbook_is_explained_with_its_default(name: str) -> None:
    headings = re.split(r"^##+ ", read("docs/playbook.md"), flags=re.MULTILINE)
    part = next(text for text in headings if f"[{name}]" in text.splitlines()[0])
    explained = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", part, re.MULTILINE))
    fields = {
        key: as_written(field.default)
        for key, field in sections()[name].model_fields.items()
        if field.annotation is not ModelChoice
    }

    assert explained == fields


def test_pages_name_the_stripe_events_that_the_webhook_takes() -> None:
    from starter.stripe_event import STARTS, WAKES

    page = read("docs/setup.md")

    assert [event for event in sorted(WAKES | {STARTS}) if f"`{event}`" not in page] == []


@pytest.mark.parametrize("page", PAGES)
def test_pages_hold_no_paths_of_somebody_s_machine(page: str) -> None:
    assert not re.search(r"(?<![\w.])/(?:home|root|work|Users)/", read(page))


def test_the_pages_are_there() -> None:
    wanted = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
    wanted |= {f"docs/{name}.md" for name in ("setup", "architecture", "operations", "playbook")}

    assert wanted <= {str(Path(page)) for page in PAGES}
