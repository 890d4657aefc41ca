"""The playbook's loader: it reads all of it, or says where, what and what to do."""

import os
import shutil
from pathlib import Path

import pytest

from activities.playbook import (
    Current,
    PlaybookError,
    few_shot,
    lint,
    load,
    parse_prompt,
    prompt,
    with_models,
)
from workflows.playbook import Agent, Playbook

SHIPPED = Path(__file__).parents[2] / "playbook"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped playbook, to be broken."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "playbook"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def flaw(folder: Path) -> str:
    with pytest.raises(PlaybookError) as problem:
        load(folder)
    return str(problem.value).replace(str(folder), "playbook")


def line_of(path: Path, start: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.startswith(start))


# ── the shipped one ─────────────────────────────────────────────────────────────────────


def test_the_shipped_playbook_is_whole() -> None:
    playbook = load(SHIPPED)

    assert len(playbook.declines) > 40
    assert {"legal", "paid", "insolvency", "negation"} <= playbook.words.keys()
    assert {"decide", "draft", "repair", "glossary"} <= playbook.prompts.keys()
    assert "en/update_card" in playbook.letters
    assert playbook.usd_per["eur"] > 1
    assert "select" in playbook.billing_sql.lower()


def test_the_shipped_file_states_the_defaults_of_the_types() -> None:
    shipped, bare = load(SHIPPED), Playbook()

    for section in Playbook.model_fields:
        value = getattr(shipped, section)
        if hasattr(value, "model_dump"):
            assert value == getattr(bare, section), section


def test_the_shipped_playbook_names_no_model() -> None:
    assert load(SHIPPED).agent == Agent()


def test_every_setting_stands_in_the_shipped_file_with_a_word_about_it() -> None:
    text = (SHIPPED / "playbook.toml").read_text(encoding="utf-8")

    for section in Playbook.model_fields:
        value = getattr(Playbook(), section)
        for name in type(value).model_fields if hasattr(value, "model_dump") else ():
            assert name in text, f"{section}.{name}"


def test_the_shipped_prompts_pass_their_own_lint() -> None:
    assert lint(load(SHIPPED)) == []


def test_there_are_five_examples_of_a_decision_and_one_of_a_draft() -> None:
    playbook = load(SHIPPED)

    assert len(few_shot(playbook, "decide")) == 5
    assert len(few_shot(playbook, "draft")) == 1


# ── hashes and changes ──────────────────────────────────────────────────────────────────


def test_the_same_files_have_the_same_hash(folder: Path) -> None:
    assert load(folder).hash == load(SHIPPED).hash


@pytest.mark.parametrize(
    "name",
    [
        "playbook.toml",
        "prompts/decide.md",
        "words/legal.toml",
        "letters/en/update_card.txt",
        "billing.sql",
    ],
)
def test_any_change_of_meaning_changes_the_hash(folder: Path, name: str) -> None:
    before = load(folder).hash
    changes = {
        "playbook.toml": ("min_gap_days = 3", "min_gap_days = 4"),
        "prompts/decide.md": ("# Role", "# Your role"),
        "words/legal.toml": ('"our counsel"', '"our own counsel"'),
    }
    path = folder / name
    if name in changes:
        edit(path, *changes[name])
    else:
        path.write_text(path.read_text(encoding="utf-8") + "\n\nMore.\n", encoding="utf-8")

    assert load(folder).hash != before


def test_an_edit_counts_without_a_restart(folder: Path) -> None:
    current = Current(folder)
    assert current().contact.min_gap_days == 3

    edit(folder / "playbook.toml", "min_gap_days = 3", "min_gap_days = 5")
    newer(folder / "playbook.toml")

    assert current().contact.min_gap_days == 5


def test_a_broken_edit_leaves_the_playbook_before_it_in_use(folder: Path) -> None:
    current = Current(folder)
    before = current()

    edit(folder / "playbook.toml", "min_gap_days = 3", "min_gap_days = three")
    newer(folder / "playbook.toml")

    assert current() is before
    assert current.problem is not None

    edit(folder / "playbook.toml", "min_gap_days = three", "min_gap_days = 4")
    newer(folder / "playbook.toml", by=20)
    assert current().contact.min_gap_days == 4
    assert current.problem is None


def test_an_unchanged_playbook_is_not_read_again(folder: Path) -> None:
    current = Current(folder)

    assert current() is current()


def newer(path: Path, by: int = 10) -> None:
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + by * 10**9))


def test_models_of_the_environment_replace_those_of_the_file() -> None:
    playbook = load(SHIPPED)

    chosen = with_models(playbook, "openai/a", "", "http://localhost:1")

    assert chosen.agent.decide.model == "openai/a"
    assert chosen.agent.draft.model == ""
    assert chosen.agent.decide.api_base == "http://localhost:1"
    assert chosen.hash != playbook.hash
    assert with_models(playbook, "", "", "") is playbook


# ── mistakes, and what is said about them ───────────────────────────────────────────────


def test_an_unknown_setting_is_told_with_its_line_and_a_guess(folder: Path) -> None:
    path = folder / "playbook.toml"
    edit(path, "min_gap_hours = 24", "min_gap_hour = 24 ")
    line = line_of(path, "min_gap_hour ")

    assert flaw(folder) == (
        f"playbook/playbook.toml, line {line}: retries.min_gap_hour is not a setting. "
        "Did you mean min_gap_hours?"
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("min_gap_days = 3", 'min_gap_days = "often"', "must be a whole number"),
        ("max_attempts_per_invoice = 8", "max_attempts_per_invoice = 9", "must be at most 8"),
        ('owner = "ours"', 'owner = "mine"', "must be 'ours' or 'stripe'"),
        ('tiers = ["enterprise"]', 'tiers = "enterprise"', "must be a list in [brackets]"),
        ("eur = 1.16", 'eur = "much"', "must be a number"),
        ("eur = 1.16", "euro = 1.16", "is no currency"),
        ("[sweep]", "[sweeping]", "Did you mean sweep?"),
        ("[contact]", "[contact", "is not valid TOML"),
        ("[filters]", "words = {}\n[filters]", "is not a setting"),
    ],
)
def test_a_wrong_setting_is_told_with_its_line_and_what_it_must_be(
    folder: Path, old: str, new: str, says: str
) -> None:
    path = folder / "playbook.toml"
    edit(path, old, new)
    line = next(
        n for n, text in enumerate(path.read_text().splitlines(), 1) if new.split("\n")[0] in text
    )

    told = flaw(folder)

    assert says in told
    assert f"playbook/playbook.toml, line {line}: " in told


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    edit(folder / "playbook.toml", "min_gap_days = 3", 'min_gap_days = "x"')
    edit(folder / "declines.csv", ",authentication,no,", ",authentification,no,")

    assert len(flaw(folder).splitlines()) == 2


def test_an_unknown_decline_category_is_told_with_its_line(folder: Path) -> None:
    path = folder / "declines.csv"
    edit(path, ",authentication,no,", ",authentification,no,")
    line = next(
        n for n, text in enumerate(path.read_text().splitlines(), 1) if "authentification" in text
    )

    told = flaw(folder)

    assert f"declines.csv, line {line}: " in told
    assert "category = \"authentification\": must be 'soft'" in told


def test_a_code_that_stands_twice_is_told(folder: Path) -> None:
    path = folder / "declines.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")

    assert f"line {len(lines) + 1}: authentication_required stands here twice" in flaw(folder)


def test_a_missing_column_is_told(folder: Path) -> None:
    edit(folder / "declines.csv", "max_attempts", "max_tries")

    assert "the column max_attempts is missing" in flaw(folder)


def test_a_prompt_that_wants_something_unknown_is_told_with_its_line(folder: Path) -> None:
    path = folder / "prompts" / "decide.md"
    edit(path, "Now: {{today}}", "Now: {{to_day}}")
    line = line_of(path, "Now: ")

    assert flaw(folder) == (
        f"playbook/prompts/decide.md, line {line}: {{{{to_day}}}} is filled in by nobody. "
        "Did you mean today?"
    )


def test_a_prompt_whose_front_matter_names_an_unknown_input_is_told(folder: Path) -> None:
    edit(folder / "prompts" / "decide.md", "inputs: glossary", "inputs: glosary")

    assert "the input glosary is unknown. Did you mean glossary?" in flaw(folder)


def test_a_prompt_without_front_matter_is_told(folder: Path) -> None:
    (folder / "prompts" / "repair.md").write_text("Mend it.\n", encoding="utf-8")

    assert "prompts/repair.md, line 1: has no front matter" in flaw(folder)


@pytest.mark.parametrize(
    "name", ["playbook.toml", "declines.csv", "billing.sql", "prompts/draft.md"]
)
def test_a_missing_file_is_told_with_what_to_do(folder: Path, name: str) -> None:
    (folder / name).unlink()

    assert f"playbook/{name}: is missing. Restore it" in flaw(folder)


def test_an_empty_folder_and_a_missing_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match=r"is empty. Set DUNNING_PLAYBOOK"):
        load(tmp_path)
    with pytest.raises(PlaybookError, match="is not a folder"):
        load(tmp_path / "nowhere")


def test_word_lists_hold_texts_by_language(folder: Path) -> None:
    edit(folder / "words" / "legal.toml", "en = [", "english = [")

    told = flaw(folder)

    assert "words/legal.toml, line " in told
    assert "english is no language. Use two letters" in told


def test_a_file_that_is_not_utf8_is_told_with_its_line(folder: Path) -> None:
    (folder / "billing.sql").write_bytes(b"select 1\n-- caf\xe9\n")

    assert "playbook/billing.sql, line 2: is not UTF-8 text" in flaw(folder)


def test_a_letter_with_a_placeholder_that_no_letter_can_have_is_told(folder: Path) -> None:
    path = folder / "letters" / "en" / "update_card.txt"
    path.write_text(path.read_text(encoding="utf-8") + "\n{{discount}}\n", encoding="utf-8")

    assert "letters/en/update_card.txt, line " in flaw(folder)


# ── prompts ─────────────────────────────────────────────────────────────────────────────


def test_nothing_inside_a_value_is_ever_filled_in() -> None:
    text = "---\nid: x\ninputs: facts, canary\n---\n{{facts}} {{canary}} {{company}}"

    filled = parse_prompt("x", text).fill({"facts": "{{canary}}", "canary": "secret"})

    assert filled.strip() == "{{canary}} secret {{company}}"


def test_lint_notices_an_input_that_is_never_used_and_real_data(folder: Path) -> None:
    edit(folder / "prompts" / "repair.md", "{{problems}}", "Mail jo@acme.com")

    said = "\n".join(lint(load(folder)))

    assert "the input problems is named in the front matter and never used" in said
    assert "seems to hold real data (email)" in said


def test_lint_notices_an_example_that_breaks_the_schema(folder: Path) -> None:
    edit(
        folder / "prompts" / "few_shot" / "1_payday.md",
        '"confidence": "high"',
        '"confidence": "sure"',
    )

    assert any("its answer breaks the schema" in remark for remark in lint(load(folder)))


def test_lint_notices_an_answer_that_is_never_explained(folder: Path) -> None:
    edit(folder / "prompts" / "glossary.md", "`billing_error`", "`bill_error`")

    assert any("never explains the answer billing_error" in remark for remark in lint(load(folder)))


def test_a_prompt_is_its_front_matter_and_its_body() -> None:
    repair = prompt(load(SHIPPED), "repair")

    assert repair.meta["version"] == "1"
    assert repair.inputs == ("problems",)
    assert repair.body.startswith("Your answer cannot be used yet")
