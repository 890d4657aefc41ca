"""What the tests of this folder read: the repository's own files, and the names they may use."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer.main
import yaml

import settings
from starter.cli import app

ROOT = Path(__file__).resolve().parents[2]

# Read by azure-identity, temporalio.envconfig and litellm themselves, not by our settings.
READ_BY_LIBRARIES = frozenset(
    {
        "TEMPORAL_ADDRESS",
        "TEMPORAL_NAMESPACE",
        "TEMPORAL_API_KEY",
        "TEMPORAL_PROFILE",
        "TEMPORAL_TLS",
        "TEMPORAL_TLS_CLIENT_CERT_PATH",
        "TEMPORAL_TLS_CLIENT_KEY_PATH",
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
    }
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(read("docker-compose.temporal.yml"))
    return found


@cache
def known_variables() -> frozenset[str]:
    """Every variable that some process of ours understands."""
    fields = {name.upper() for kind in _kinds(settings.Settings) for name in kind.model_fields}
    sign_ins = {name for way in settings.SIGN_INS for name in way}
    return frozenset(fields | sign_ins | READ_BY_LIBRARIES)


def _kinds(kind: type[settings.Settings]) -> set[type[settings.Settings]]:
    return {kind}.union(*(_kinds(child) for child in kind.__subclasses__()))


@cache
def commands() -> dict[str, frozenset[str]]:
    """The command line: each command with the options it takes, `models check` under both words."""
    return dict(_commands_of(typer.main.get_command(app)))


def _commands_of(group: Any, before: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands_of(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", _options_of(command)


def _options_of(command: Any) -> frozenset[str]:
    return frozenset({"--help"}).union(
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    )


@cache
def targets() -> frozenset[str]:
    """What `make` can be asked for."""
    found = re.findall(
        r"^([a-z][a-z0-9_-]*(?: [a-z][a-z0-9_-]*)*):", read("Makefile"), re.MULTILINE
    )
    return frozenset(name for line in found for name in line.split())


def unknown_words(line: str) -> list[str]:
    """What `dunning …` could not make sense of: a command or an option that it does not have."""
    words = line.split()
    if len(words) < 2 or words[1].startswith("-"):
        return []
    two = " ".join(words[1:3])
    name = two if two in commands() else words[1]
    rest = words[1 + name.count(" ") + 1 :]
    if name not in commands():
        return [f"dunning {two}"]
    options = (word.partition("=")[0] for word in rest if word.startswith("--"))
    return [f"dunning {name} {option}" for option in options if option not in commands()[name]]
