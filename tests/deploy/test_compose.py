"""`docker-compose.temporal.yml`, held against what can be known without a Docker engine."""

import re
from typing import Any

import jsonschema
import pytest

from starter.running import NEEDS
from tests.deploy.files import ROOT, compose, known_variables, read, unknown_words

OURS = "dunning:local"
SERVICES: dict[str, Any] = compose()["services"]
OUR_SERVICES = [name for name, service in SERVICES.items() if service["image"] == OURS]
ONE_SHOT = [name for name, service in SERVICES.items() if service["restart"].startswith("on-fail")]
LASTING = [name for name, service in SERVICES.items() if service["restart"] == "unless-stopped"]

# Of other people's images: the variables that they document, no others.
UPSTREAM = {
    "postgres": {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"},
    "temporalio/server": {
        "DB", "DB_PORT", "POSTGRES_SEEDS", "POSTGRES_USER", "POSTGRES_PWD", "NUM_HISTORY_SHARDS",
        "BIND_ON_IP", "TEMPORAL_BROADCAST_ADDRESS", "DYNAMIC_CONFIG_FILE_PATH", "LOG_LEVEL",
    },
    "temporalio/admin-tools": {
        "SQL_PLUGIN", "SQL_HOST", "SQL_PORT", "SQL_USER", "SQL_PASSWORD", "TEMPORAL_ADDRESS",
    },
    "temporalio/ui": {
        "TEMPORAL_ADDRESS", "TEMPORAL_DEFAULT_NAMESPACE", "TEMPORAL_CORS_ORIGINS",
        "TEMPORAL_DISABLE_NEWS_FETCH", "TEMPORAL_CSRF_COOKIE_INSECURE",
    },
}  # fmt: skip

TEXTS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "image", "init", "read_only", "cap_drop", "security_opt", "pids_limit", "mem_limit",
        "networks", "restart", "logging",
    ],
    "properties": {
        "image": {"type": "string"},
        "build": {"const": "."},
        "user": {"pattern": r"^[1-9]\d*:[1-9]\d*$"},
        "init": {"const": True},
        "read_only": {"const": True},
        "cap_drop": {"const": ["ALL"]},
        "security_opt": {"const": ["no-new-privileges:true"]},
        "pids_limit": {"type": "integer", "minimum": 1},
        "mem_limit": {"pattern": r"^\d+[mg]$"},
        "shm_size": {"pattern": r"^\d+m$"},
        "tmpfs": TEXTS,
        "logging": {"type": "object"},
        "entrypoint": TEXTS,
        "command": {"type": "array", "items": {"type": "string"}},
        "environment": {
            "type": "object",
            "additionalProperties": {"type": ["string", "null"]},
            "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$"},
        },
        "env_file": {"const": [{"path": "model.env", "required": False}]},
        "volumes": TEXTS,
        "configs": {"type": "array"},
        "ports": TEXTS,
        "networks": TEXTS,
        "restart": {"pattern": r"^(unless-stopped|on-failure:\d+|no)$"},
        "profiles": {"const": ["cli"]},
        "stop_grace_period": {"pattern": r"^\d+s$"},
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["condition"],
                "properties": {
                    "condition": {"enum": ["service_healthy", "service_completed_successfully"]}
                },
            },
        },
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test", "interval", "timeout", "retries", "start_period"],
            "properties": {
                "test": {
                    "type": "array",
                    "prefixItems": [{"const": "CMD"}],
                    "items": {"type": "string"},
                },
                "interval": {"pattern": r"^\d+s$"},
                "timeout": {"pattern": r"^\d+s$"},
                "retries": {"type": "integer"},
                "start_period": {"pattern": r"^\d+s$"},
            },
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_the_shape_and_the_hardening_that_we_ask_for(name: str) -> None:
    jsonschema.Draft202012Validator(SERVICE).validate(SERVICES[name])


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OUR_SERVICES])
def test_an_image_of_others_is_pinned_to_a_full_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?(-trixie)?", SERVICES[name]["image"])


def test_the_parts_of_temporal_come_from_one_release() -> None:
    images = {service["image"] for service in SERVICES.values()}
    tags = {image.partition(":")[2] for image in images if re.match("temporalio/(s|a)", image)}

    assert len(tags) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_down(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search("PASSWORD|PWD|SECRET|TOKEN|KEY|_URL$", variable):
            assert value is None or re.match(r"\$\{[A-Z_]+(:[?-].*)?\}$", value), variable


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_told_only_variables_that_it_knows(name: str) -> None:
    service = SERVICES[name]
    image = service["image"].partition(":")[0]
    known = known_variables() if name in OUR_SERVICES else UPSTREAM[image]

    assert set(service.get("environment", {})) <= known


def test_the_webhook_holds_no_key_of_hubspot_or_outlook_and_the_agent_none_of_stripe() -> None:
    web, agent = (set(SERVICES[name]["environment"]) for name in ("web", "agent"))

    assert not [name for name in web if name.startswith(("HUBSPOT", "AZURE", "GRAPH", "OUTLOOK"))]
    assert not [name for name in agent if name.startswith(("STRIPE", "HUBSPOT", "AZURE", "GRAPH"))]
    assert [name for name in SERVICES if "env_file" in SERVICES[name]] == ["agent", "cli"]


def test_the_service_that_knows_every_secret_runs_only_when_it_is_called() -> None:
    assert SERVICES["cli"]["profiles"] == ["cli"]
    assert SERVICES["cli"]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_bound_to_this_machine(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


@pytest.mark.parametrize("name", LASTING)
def test_what_runs_for_long_has_a_health_check(name: str) -> None:
    assert "healthcheck" in SERVICES[name]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_can_be_waited_for(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert other in ONE_SHOT


@pytest.mark.parametrize("name", OUR_SERVICES)
def test_a_command_of_ours_exists(name: str) -> None:
    assert unknown_words("dunning " + " ".join(SERVICES[name].get("command", []))) == []


def test_together_the_workers_poll_every_queue() -> None:
    polled: list[str] = []
    for service in SERVICES.values():
        command = service.get("command", [])
        if command[:1] == ["worker"]:
            polled += command[command.index("--queues") + 1].split(",")

    assert sorted(polled) == sorted(NEEDS)


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_or_joined_exists(name: str) -> None:
    service = SERVICES[name]
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert (
            (ROOT / source).exists() if source.startswith(".") else source in compose()["volumes"]
        )
    assert set(service["networks"]) <= set(compose()["networks"])
    assert {config["source"] for config in service.get("configs", [])} <= set(compose()["configs"])


def test_the_databases_reach_nobody_outside() -> None:
    for name in ("db", "temporal-db"):
        assert "ports" not in SERVICES[name]
        assert all(
            compose()["networks"][network]["internal"] for network in SERVICES[name]["networks"]
        )


@pytest.mark.parametrize("name", ["worker", "agent", "web"])
def test_a_health_check_in_python_is_python(name: str) -> None:
    kind, program, option, script, *_ = SERVICES[name]["healthcheck"]["test"]

    assert (kind, program, option) == ("CMD", "python", "-c")
    compile(script, name, "exec")


def variables_of(example: str) -> list[str]:
    return re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=", example, re.MULTILINE)


def test_every_variable_that_compose_fills_in_is_in_the_example() -> None:
    text = read("docker-compose.temporal.yml")
    filled_in = set(re.findall(r"\$\{([A-Z_]+)", text))
    for name in OUR_SERVICES:
        filled_in |= {key for key, value in SERVICES[name]["environment"].items() if value is None}

    assert filled_in <= set(variables_of(read(".env.example")))


def test_the_example_holds_every_setting_once_and_no_value() -> None:
    example = read(".env.example")
    ours = {name for name in variables_of(example) if not name.endswith("POSTGRES_PASSWORD")}
    not_everyday = {
        name
        for name in known_variables()
        if name.startswith(("TEMPORAL_TLS", "IDENTITY_", "MSI_"))
        or name in ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE")
        or name == "AZURE_TOKEN_CREDENTIALS"
    }

    assert ours == known_variables() - not_everyday
    assert len(variables_of(example)) == len(set(variables_of(example)))
    assert not re.search(r"^(?:# )?[A-Z_]+=.", example, re.MULTILINE)
