"""What a HubSpot portal consists of: kinds of records, their properties and their associations."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.world import CrmRecord, PropertyDefinition, World

SINGULAR: Final = {
    "companies": "company",
    "contacts": "contact",
    "notes": "note",
    "tasks": "task",
    "tickets": "ticket",
    "deals": "deal",
}
OBJECT_TYPE_IDS: Final = {
    "0-1": "contacts",
    "0-2": "companies",
    "0-3": "deals",
    "0-5": "tickets",
    "0-46": "notes",
    "0-27": "tasks",
}
ASSOCIATION_TYPES: Final[Mapping[tuple[str, str], int]] = {
    ("companies", "notes"): 189,
    ("notes", "companies"): 190,
    ("companies", "tasks"): 191,
    ("tasks", "companies"): 192,
    ("contacts", "notes"): 201,
    ("notes", "contacts"): 202,
    ("contacts", "tasks"): 203,
    ("tasks", "contacts"): 204,
    ("deals", "notes"): 213,
    ("notes", "deals"): 214,
    ("tickets", "notes"): 227,
    ("notes", "tickets"): 228,
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
    ("tickets", "companies"): 339,
    ("companies", "tickets"): 340,
    ("deals", "contacts"): 3,
    ("contacts", "deals"): 4,
    ("contacts", "tickets"): 15,
    ("tickets", "contacts"): 16,
}
"""HubSpot's own numbers for unlabelled associations."""

STANDARD_PROPERTIES: Final[Mapping[str, str]] = {
    "companies": "name domain hubspot_owner_id lifecyclestage country timezone hs_language "
    "stripe_customer_id vip do_not_contact health_score plan_tier",
    "contacts": "email firstname lastname hubspot_owner_id lifecyclestage hs_email_optout "
    "hs_language jobtitle",
    "notes": "hs_note_body hs_timestamp hubspot_owner_id hs_attachment_ids author_type",
    "tasks": "hs_task_subject hs_task_body hs_task_status hs_task_priority hs_timestamp "
    "hubspot_owner_id",
    "tickets": "subject content hs_pipeline hs_pipeline_stage hs_ticket_priority hubspot_owner_id "
    "closed_date",
    "deals": "dealname dealtype dealstage pipeline amount deal_currency_code closedate "
    "hubspot_owner_id hs_is_closed hs_is_closed_won",
}
READ_ONLY: Final = ("hs_object_id", "createdate", "hs_createdate", "hs_lastmodifieddate")


def define_standard_properties(world: World) -> None:
    """What every portal has, and the few custom company properties that the demo relies on."""
    times = {"hs_timestamp", "closedate", "closed_date", "createdate"}
    for kind, names in STANDARD_PROPERTIES.items():
        for name in (*names.split(), *READ_ONLY):
            unique = name == "hs_object_id" or (kind, name) == ("contacts", "email")
            type = "datetime" if name in times or name in READ_ONLY[1:] else "string"
            world.properties[kind].setdefault(
                name, PropertyDefinition(name=name, label=name, type=type, unique=unique)
            )


def add_record(
    world: World,
    kind: str,
    properties: Mapping[str, str],
    *,
    created_at: datetime | None = None,
    searchable_in: float = 0.0,
) -> CrmRecord:
    """Put a record into the CRM."""
    at = created_at or world.clock.now()
    record = CrmRecord(
        kind=kind,
        id=world.ids.number(),
        created_at=at,
        updated_at=at,
        properties=dict(properties),
        searchable_at=time.monotonic() + searchable_in,
    )
    world.crm[kind][record.id] = record
    return record


def iso(at: datetime) -> str:
    """HubSpot's way to write an instant."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def matches(record: CrmRecord, group: Mapping[str, Any]) -> bool:
    """Whether all rules of one filter group hold. Raises `ValueError` for an unknown operator."""
    return all(_rule_matches(record, rule) for rule in group.get("filters", ()))


def _rule_matches(record: CrmRecord, rule: Mapping[str, Any]) -> bool:
    value = record.properties.get(rule["propertyName"])
    if rule["propertyName"] == "hs_object_id":
        value = record.id
    wanted = rule.get("value", "")
    match rule["operator"]:
        case "HAS_PROPERTY":
            return value is not None
        case "NOT_HAS_PROPERTY":
            return value is None
        case "EQ":
            return value is not None and value.casefold() == wanted.casefold()
        case "NEQ":
            return value is None or value.casefold() != wanted.casefold()
        case "IN":
            return value is not None and value.casefold() in _folded(rule.get("values", ()))
        case "NOT_IN":
            return value is None or value.casefold() not in _folded(rule.get("values", ()))
        case "CONTAINS_TOKEN":
            return value is not None and wanted.strip("*").casefold() in value.casefold()
        case "NOT_CONTAINS_TOKEN":
            return value is None or wanted.strip("*").casefold() not in value.casefold()
    raise ValueError(f"The sandbox does not play operator {rule['operator']}.")


def _folded(values: Iterable[str]) -> set[str]:
    return {value.casefold() for value in values}


def mentions(record: CrmRecord, query: str | None) -> bool:
    """Whether any property contains the text; no text is contained in all."""
    return not query or any(query.casefold() in v.casefold() for v in record.properties.values())
