"""Holds a request or an answer against a vendor's contract.

The contract is an OpenAPI 3.0 subset (see README.md beside this file). Forms and query strings
carry only text, so they are first read the way the vendor reads them (`created[gte]=1` becomes
`{"created": {"gte": 1}}`) and then held against the JSON schema.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Json = Any
Schema = dict[str, Any]
Kind = Literal["unknown", "missing", "invalid"]


@dataclass(frozen=True)
class Violation:
    """One thing about a request that the vendor would not take."""

    where: Literal["query", "body", "header"]
    param: str
    kind: Kind
    message: str


class ContractError(Exception):
    """A request or an answer that does not fit the contract."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(f"{v.where} {v.param}: {v.message}" for v in violations))
        self.violations = violations


@dataclass(frozen=True)
class Operation:
    """One method on one path, as the contract describes it."""

    method: str
    template: str
    spec: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(frozen=True)
class Decoded:
    """What a request says, with the right types."""

    query: dict[str, Json] = field(default_factory=dict)
    body: dict[str, Json] = field(default_factory=dict)


class Contract:
    """One vendor's operations and types."""

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        self.name = name
        self.document = _as_json_schema(document)
        self._uri = f"contract:{name}"
        resource = DRAFT202012.create_resource(self.document)
        self._registry: Registry[Any] = Registry().with_resource(self._uri, resource)
        self._validators: dict[str, Draft202012Validator] = {}
        self.operations: list[Operation] = []
        self._routes: list[tuple[str, re.Pattern[str], Operation]] = []
        for template, methods in self.document["paths"].items():
            shared = methods.get("parameters", [])
            for method, spec in methods.items():
                if method == "parameters":
                    continue
                parameters = (*shared, *spec.get("parameters", []))
                operation = Operation(method.upper(), template, spec, parameters)
                self.operations.append(operation)
                self._routes.append((operation.method, _pattern(template), operation))
        # A fixed segment wins over a parameter: /notes/batch/read before /notes/{noteId}.
        self._routes.sort(key=lambda route: route[2].template.count("{"))

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        for candidate, pattern, operation in self._routes:
            if candidate == method and (found := pattern.fullmatch(path)):
                values = zip(_names(operation.template), found.groups(), strict=True)
                return operation, dict(values)
        return None

    def read_request(
        self, operation: Operation, query: str, body: bytes, headers: Mapping[str, str]
    ) -> Decoded:
        """The request's parameters with their types. Raises `ContractError`."""
        problems = list(self._header_problems(operation, headers))
        decoded_query = self._read_query(operation, query, problems)
        decoded_body = self._read_body(operation, body, problems)
        if problems:
            raise ContractError(problems)
        return Decoded(decoded_query, decoded_body)

    def answer_problem(self, operation: Operation, status: int, body: Json) -> str | None:
        """What is wrong with an answer, or None."""
        responses = operation.spec["responses"]
        code = str(status) if str(status) in responses else "default"
        if code not in responses:
            return f"{operation.name} never answers {status}"
        content = responses[code].get("content")
        if content is None:
            return None if body is None else f"{operation.name} answers {status} without a body"
        schema = content["application/json"]["schema"]
        found = best_match(self._validator(schema).iter_errors(body))
        if found is None:
            return None
        return f"{operation.name} {status}: {found.json_path}: {found.message}"

    def _validator(self, schema: Schema) -> Draft202012Validator:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            absolute = json.loads(key.replace('"#/', f'"{self._uri}#/'))
            self._validators[key] = Draft202012Validator(absolute, registry=self._registry)
        return self._validators[key]

    def _header_problems(
        self, operation: Operation, headers: Mapping[str, str]
    ) -> Iterable[Violation]:
        for parameter in operation.parameters:
            if parameter["in"] != "header":
                continue
            name, value = parameter["name"], headers.get(parameter["name"])
            if value is None:
                if parameter.get("required"):
                    yield Violation("header", name, "missing", f"Missing header {name}.")
            elif not self._validator(parameter["schema"]).is_valid(value):
                yield Violation("header", name, "invalid", f"Invalid header {name}.")

    def _read_query(
        self, operation: Operation, query: str, problems: list[Violation]
    ) -> dict[str, Json]:
        parameters = {p["name"]: p for p in operation.parameters if p["in"] == "query"}
        pairs = parse_qsl(query, keep_blank_values=True)
        if self.name == "stripe":
            schema = _object_of(parameters)
            return self._read_form(pairs, schema, "query", problems)
        given: dict[str, Json] = {}
        for name, value in pairs:
            if name not in parameters:
                problems.append(Violation("query", name, "unknown", f"Unknown parameter {name}."))
                continue
            schema = self.resolve(parameters[name]["schema"])
            if schema.get("type") == "array":
                values = [value] if parameters[name].get("explode", True) else value.split(",")
                given.setdefault(name, []).extend(values)
            else:
                given[name] = _coerce(self, value, schema, name, "query", problems)
        for name, parameter in parameters.items():
            if parameter.get("required") and name not in given:
                problems.append(Violation("query", name, "missing", f"Missing {name}."))
        return given

    def _read_body(
        self, operation: Operation, body: bytes, problems: list[Violation]
    ) -> dict[str, Json]:
        declared = operation.spec.get("requestBody")
        if declared is None:
            if body.strip():
                problems.append(Violation("body", "", "unknown", "A body was not expected."))
            return {}
        if not body.strip():
            if declared.get("required"):
                problems.append(Violation("body", "", "missing", "A body is required."))
            return {}
        ((kind, content),) = declared["content"].items()
        schema = content["schema"]
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(body.decode(), keep_blank_values=True)
            return self._read_form(pairs, schema, "body", problems)
        try:
            value = json.loads(body)
        except ValueError:
            problems.append(Violation("body", "", "invalid", "Invalid input JSON."))
            return {}
        problems += self._schema_problems(value, schema, "body")
        return value if isinstance(value, dict) else {}

    def _read_form(
        self,
        pairs: list[tuple[str, str]],
        schema: Schema,
        where: Literal["query", "body"],
        problems: list[Violation],
    ) -> dict[str, Json]:
        before = len(problems)
        value = _coerce(self, _nest(pairs), schema, "", where, problems)
        if len(problems) == before:
            problems += self._schema_problems(value, schema, where)
        return value if isinstance(value, dict) else {}

    def _schema_problems(
        self, value: Json, schema: Schema, where: Literal["query", "body"]
    ) -> list[Violation]:
        found = best_match(self._validator(schema).iter_errors(value))
        return [] if found is None else [_violation(found, where)]

    def resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            node: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                node = node[part.replace("~1", "/")]
            schema = node
        return schema


@cache
def load(name: str) -> Contract:
    """The contract of `stripe`, `hubspot` or `graph`."""
    text = resources.files(__package__).joinpath(f"{name}.json").read_text("utf-8")
    return Contract(name, json.loads(text))


def _violation(error: ValidationError, where: Literal["query", "body"]) -> Violation:
    path = [str(part) for part in error.absolute_path]
    kind: Kind = "invalid"
    if error.validator == "additionalProperties":
        kind = "unknown"
    elif error.validator == "required":
        kind = "missing"
    return Violation(where, ".".join(path), kind, error.message)


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable`; JSON Schema says `null is one of the types`."""
    if isinstance(node, list):
        return [_as_json_schema(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    plain = {key: _as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def _names(template: str) -> list[str]:
    return re.findall(r"{([^}]+)}", template)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^}]+\\}", "([^/]+)", re.escape(template)))


def _object_of(parameters: Mapping[str, Mapping[str, Any]]) -> Schema:
    return {
        "type": "object",
        "properties": {name: p["schema"] for name, p in parameters.items()},
        "required": [name for name, p in parameters.items() if p.get("required")],
        "additionalProperties": False,
    }


def _nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b]=1&c[]=2&d[0]=3` as nested objects; list items get their number as key."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        head, *rest = re.findall(r"^[^\[]+|\[[^\]]*\]", name) or [name]
        keys = [head, *(part[1:-1] for part in rest)]
        node = root
        for key in keys[:-1]:
            child = node.setdefault(key, {})
            node = child if isinstance(child, dict) else {}
        last = keys[-1] or str(len(node))
        node[last] = value
    return root


def _coerce(
    contract: Contract,
    value: Any,
    schema: Schema,
    path: str,
    where: Literal["query", "body"],
    problems: list[Violation],
) -> Any:
    """Text as the type that the schema wants; notes a violation where it cannot be that."""
    schema = contract.resolve(schema)

    def refuse(kind: Kind, message: str, param: str = path) -> Any:
        problems.append(Violation(where, param, kind, message))
        return value

    if options := schema.get("anyOf"):
        for option in options:
            attempt: list[Violation] = []
            result = _coerce(contract, value, option, path, where, attempt)
            if not attempt and contract._validator(option).is_valid(result):
                return result
        return refuse("invalid", f"Invalid {path}")
    match schema.get("type"):
        case "object":
            if not isinstance(value, dict):
                return refuse("invalid", "Invalid object")
            properties = schema.get("properties", {})
            extra = schema.get("additionalProperties", True)
            result = {}
            for key, item in value.items():
                inner = f"{path}[{key}]" if path else key
                if key in properties:
                    result[key] = _coerce(contract, item, properties[key], inner, where, problems)
                elif isinstance(extra, dict):
                    result[key] = _coerce(contract, item, extra, inner, where, problems)
                elif extra:
                    result[key] = item
                else:
                    refuse("unknown", f"Received unknown parameter: {inner}", inner)
            for key in schema.get("required", ()):
                if key not in value:
                    inner = f"{path}[{key}]" if path else key
                    refuse("missing", f"Missing required param: {inner}.", inner)
            return result
        case "array":
            if not isinstance(value, dict):
                return refuse("invalid", "Invalid array")
            items = schema.get("items", {})
            return [
                _coerce(contract, item, items, f"{path}[{index}]", where, problems)
                for index, item in enumerate(value.values())
            ]
        case "integer":
            if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
                return int(value)
            return refuse("invalid", f"Invalid integer: {value}")
        case "boolean":
            # HubSpot's SDK writes Python's `True`, and HubSpot takes it; Stripe would not.
            word = value if contract.name == "stripe" else value.lower()
            if word in ("true", "false"):
                return word == "true"
            return refuse("invalid", f"Invalid boolean: {value}")
        case "string":
            if not isinstance(value, str):
                return refuse("invalid", "Invalid string")
            if "enum" in schema and value not in schema["enum"]:
                choices = ", ".join(str(choice) for choice in schema["enum"])
                return refuse("invalid", f"Invalid {path}: must be one of {choices}")
            return value
    return value
