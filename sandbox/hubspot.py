"""HubSpot's CRM API, as far as a dunning program calls it, with HubSpot's strictness."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.contract.check import ContractError, load
from sandbox.crm import (
    ASSOCIATION_TYPES,
    OBJECT_TYPE_IDS,
    READ_ONLY,
    SINGULAR,
    add_record,
    define_standard_properties,
    iso,
    matches,
    mentions,
)
from sandbox.effects import NoteEffect
from sandbox.faults import Fault
from sandbox.knobs import Knobs
from sandbox.vendor import Answer, Call, Handler, RefusedError, VendorApp, bearer
from sandbox.world import CRM_KINDS, CrmRecord, Owner, PropertyDefinition, World

Json = dict[str, Any]

DEFAULT_PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = {
    "companies": ("name", "domain"),
    "contacts": ("email", "firstname", "lastname"),
    "tickets": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"),
    "deals": ("dealname", "dealstage", "pipeline", "amount", "closedate"),
}
"""What HubSpot shows when nothing particular is asked for."""
MAX_BATCH: Final = 100


class HubSpotVoice:
    """How HubSpot words its refusals."""

    def unauthorized(self, why: str) -> Answer:
        return error(401, why, "INVALID_AUTHENTICATION")

    def rate_limited(self, fault: Fault) -> Answer:
        answer = error(
            429,
            f"You have reached your {fault.policy.lower()} limit.",
            "RATE_LIMITS",
            errorType="RATE_LIMIT",
            policyName=fault.policy,
        )
        return Answer(answer.body, 429, {"Retry-After": f"{fault.seconds:g}"})

    def server_error(self) -> Answer:
        return error(500, "internal error", "INTERNAL_ERROR")


class HubSpotApp(VendorApp):
    """The stand-in for api.hubapi.com."""

    contract = load("hubspot")

    def __init__(self, world: World, knobs: Knobs, *, check_answers: bool = False) -> None:
        super().__init__(world, check_answers=check_answers)
        self.knobs = knobs
        self.voice = HubSpotVoice()
        define_standard_properties(world)
        every: dict[str, Handler] = {
            "POST /crm/v3/objects/{kind}/search": self.search,
            "POST /crm/v3/objects/{kind}/batch/read": self.batch_read,
            "POST /crm/v3/objects/{kind}/batch/upsert": self.batch_upsert,
            "POST /crm/v3/objects/{kind}": self.create,
            "GET /crm/v3/objects/{kind}": self.list_records,
            "GET /crm/v3/objects/{kind}/{id}": self.get,
            "PATCH /crm/v3/objects/{kind}/{id}": self.update,
        }
        for template, handler in every.items():
            for kind in CRM_KINDS:
                concrete = template.replace("{kind}", kind)
                self.handlers[concrete.replace("{id}", f"{{{SINGULAR[kind]}Id}}")] = handler
        v4 = "/crm/v4/associations/{fromObjectType}/{toObjectType}"
        self.handlers |= {
            "GET /crm/v3/owners/{ownerId}": self.get_owner,
            "GET /crm/v3/owners": self.list_owners,
            "GET /crm/v4/objects/{objectType}/{objectId}/associations/{toObjectType}": self.linked,
            "PUT /crm/v4/objects/{fromObjectType}/{fromObjectId}/associations/default"
            "/{toObjectType}/{toObjectId}": self.link,
            f"POST {v4}/batch/read": self.batch_linked,
            f"POST {v4}/batch/associate/default": self.batch_link,
            f"GET {v4}/labels": self.labels,
            "POST /crm/v3/properties/{objectType}": self.create_property,
            "GET /crm/v3/properties/{objectType}": self.list_properties,
            "GET /crm/v3/properties/{objectType}/{propertyName}": self.get_property,
        }

    # --- the gate -----------------------------------------------------------------------------

    def authenticate(self, headers: Mapping[str, str]) -> str:
        token = bearer(headers)
        if token is None:
            raise RefusedError(
                self.voice.unauthorized(
                    "Authentication credentials not found. This API supports OAuth 2.0 "
                    "authentication and you can find more details at "
                    "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
                )
            )
        if not token.startswith("pat-"):
            raise RefusedError(
                self.voice.unauthorized(
                    "The OAuth token used to make this call is not a private app token."
                )
            )
        return token

    def unknown_route(self, method: str, path: str) -> Answer:
        return error(404, f"No route for {method} {path}", "OBJECT_NOT_FOUND")

    def malformed(self, broken: ContractError) -> Answer:
        first = broken.violations[0]
        where = f" ({first.where} {first.param})".rstrip()
        return error(400, f"Invalid input: {first.message}{where}", "VALIDATION_ERROR")

    async def perform(self, call: Call, request: Any) -> Answer:
        answer = await super().perform(call, request)
        if call.operation.template.endswith("/search"):
            return answer  # search has a limit of its own and tells nothing about it
        limits = {
            "X-HubSpot-RateLimit-Max": "190",
            "X-HubSpot-RateLimit-Remaining": "180",
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily": "650000",
            "X-HubSpot-RateLimit-Daily-Remaining": "640000",
        }
        return Answer(answer.body, answer.status, {**limits, **answer.headers})

    # --- reading records ----------------------------------------------------------------------

    def get(self, call: Call) -> Answer:
        record = self._record(call)
        rendered = self._render(record, call.query.get("properties"))
        linked = {}
        for wanted in call.query.get("associations", ()):
            kind = _kind(wanted)
            rows = [
                {"id": id, "type": f"{SINGULAR[record.kind]}_to_{SINGULAR[kind]}"}
                for id in self.world.linked(record.kind, record.id, kind)
            ]
            if rows:
                linked[kind] = {"results": rows}
        if linked:
            rendered["associations"] = linked
        return Answer(rendered)

    def search(self, call: Call) -> Answer:
        kind = _kind_of(call)
        body = call.body
        groups = body.get("filterGroups", [])
        if len(groups) > 5 or any(len(g.get("filters", ())) > 6 for g in groups):
            raise RefusedError(error(400, "Too many filters.", "VALIDATION_ERROR"))
        for group in groups:
            for rule in group.get("filters", ()):
                self._known_property(kind, rule["propertyName"])
        if body.get("sorts"):
            raise RefusedError(error(400, "The sandbox does not play sorts.", "VALIDATION_ERROR"))
        now = time.monotonic()
        found = [
            record
            for record in self.world.crm[kind].values()
            if not record.archived
            and record.searchable_at <= now
            and (not groups or any(self._matches(record, group) for group in groups))
            and mentions(record, body.get("query"))
        ]
        limit = body.get("limit", 10)
        if not 0 < limit <= 200:
            raise RefusedError(
                error(400, f"limit must be between 1 and 200, got {limit}.", "VALIDATION_ERROR")
            )
        start = int(body.get("after", "0") or 0)
        page = {
            "total": len(found),
            "results": [
                self._render(record, body.get("properties"))
                for record in found[start : start + limit]
            ],
        }
        if start + limit < len(found):
            page["paging"] = {"next": {"after": str(start + limit)}}
        return Answer(page)

    def batch_read(self, call: Call) -> Answer:
        kind, inputs = _kind_of(call), _few(call.body["inputs"])
        id_property = call.body.get("idProperty")
        if id_property is not None:
            self._unique_property(kind, id_property)
        found, missing = [], []
        for wanted in (item["id"] for item in inputs):
            record = self._find(kind, wanted, id_property)
            if record is None:
                missing.append(wanted)
            elif record not in found:
                found.append(record)
        rendered = [self._render(record, call.body["properties"]) for record in found]
        return _batch(rendered, _not_found(kind, missing))

    def list_records(self, call: Call) -> Answer:
        kind = _kind_of(call)
        records = sorted(self.world.crm[kind].values(), key=lambda r: int(r.id))
        after = int(call.query.get("after", "0"))
        limit = call.query.get("limit", 10)
        rest = [r for r in records if int(r.id) > after and not r.archived]
        page: Json = {
            "results": [self._render(r, call.query.get("properties")) for r in rest[:limit]]
        }
        if len(rest) > limit:
            page["paging"] = {"next": {"after": rest[limit - 1].id}}
        return Answer(page)

    @staticmethod
    def _matches(record: CrmRecord, group: Json) -> bool:
        try:
            return matches(record, group)
        except ValueError as problem:
            raise RefusedError(error(400, str(problem), "VALIDATION_ERROR")) from problem

    # --- writing records ----------------------------------------------------------------------

    def create(self, call: Call) -> Answer:
        kind = _kind_of(call)
        links = [
            (_association(kind, item), item["to"]["id"])
            for item in call.body.get("associations", ())
        ]
        for other, id in links:
            self._must_exist(other, id)
        record = self._create(kind, call.body["properties"])
        for other, id in links:
            self.world.link(kind, record.id, other, id)
        self._tell_note(record)
        return Answer(self._render(record, list(record.properties)), 201)

    def update(self, call: Call) -> Answer:
        record = self._record(call)
        self._write(record, call.body["properties"])
        return Answer(self._render(record, list(record.properties)))

    def batch_upsert(self, call: Call) -> Answer:
        kind, inputs = _kind_of(call), _few(call.body["inputs"])
        names = {item.get("idProperty", "") for item in inputs}
        id_property: str = names.pop()
        if names or not id_property:
            raise RefusedError(
                error(400, "idProperty is required, and the same for all.", "VALIDATION_ERROR")
            )
        self._unique_property(kind, id_property)
        results = []
        for item in inputs:
            written = {**item["properties"], id_property: item["id"]}
            record = self.world.record_by(kind, id_property, item["id"])
            new = record is None
            if record is None:
                record = self._create(kind, written)
                self._tell_note(record)
            else:
                self._write(record, written)
            results.append({**self._render(record, list(record.properties)), "new": new})
        return _batch(results, [])

    def _create(self, kind: str, properties: Mapping[str, str]) -> CrmRecord:
        self._valid(kind, properties)
        if kind in ("notes", "tasks") and "hs_timestamp" not in properties:
            raise RefusedError(
                error(
                    400,
                    f"Error creating {SINGULAR[kind].upper()}. Some required properties were not "
                    "set.",
                    "VALIDATION_ERROR",
                    context={"properties": ["hs_timestamp"]},
                )
            )
        return add_record(self.world, kind, properties, searchable_in=self.knobs.search_lag_seconds)

    def _write(self, record: CrmRecord, properties: Mapping[str, str]) -> None:
        self._valid(record.kind, properties, record)
        record.properties |= properties
        record.updated_at = self.world.clock.now()
        if record.kind == "notes":
            body = record.properties.get("hs_note_body", "")
            self.world.saw_note_again(record.id, body, dict(record.properties))

    def _tell_note(self, record: CrmRecord) -> None:
        if record.kind != "notes":
            return
        unique = [d.name for d in self.world.properties["notes"].values() if d.unique]
        keys = [record.properties[name] for name in unique if name in record.properties]
        self.world.saw_note(
            NoteEffect(
                at=record.created_at,
                note=record.id,
                body=record.properties.get("hs_note_body", ""),
                key=keys[0] if keys else None,
                companies=tuple(self.world.linked("notes", record.id, "companies")),
                properties=dict(record.properties),
            )
        )

    # --- associations -------------------------------------------------------------------------

    def linked(self, call: Call) -> Answer:
        kind, other = _kind(call.path["objectType"]), _kind(call.path["toObjectType"])
        self._must_exist(kind, call.path["objectId"])
        ids = self.world.linked(kind, call.path["objectId"], other)
        after = int(call.query.get("after", "0"))
        limit = call.query.get("limit", 500)
        if limit > 500:
            raise RefusedError(error(400, "limit must be at most 500.", "VALIDATION_ERROR"))
        rest = [id for id in ids if int(id) > after]
        page: Json = {"results": [_linked_row(kind, other, id) for id in rest[:limit]]}
        if len(rest) > limit:
            page["paging"] = {"next": {"after": rest[limit - 1]}}
        return Answer(page)

    def batch_linked(self, call: Call) -> Answer:
        kind, other = _kind(call.path["fromObjectType"]), _kind(call.path["toObjectType"])
        results, alone = [], []
        for item in _few(call.body["inputs"], most=1000):
            ids = self.world.linked(kind, item["id"], other)
            if ids:
                to = [_linked_row(kind, other, id) for id in ids]
                results.append({"from": {"id": item["id"]}, "to": to})
            else:
                alone.append(item["id"])
        errors = [
            _standard_error(
                f"No {SINGULAR[other]} is associated with {SINGULAR[kind]} {id}.",
                {"fromObjectId": [id]},
                "crm.associations.NO_ASSOCIATIONS_FOUND",
            )
            for id in alone
        ]
        return _batch(results, errors)

    def link(self, call: Call) -> Answer:
        kind, other = _kind(call.path["fromObjectType"]), _kind(call.path["toObjectType"])
        rows = self._link(kind, call.path["fromObjectId"], other, call.path["toObjectId"])
        return _batch(rows, [])

    def batch_link(self, call: Call) -> Answer:
        kind, other = _kind(call.path["fromObjectType"]), _kind(call.path["toObjectType"])
        rows: list[Json] = []
        for item in _few(call.body["inputs"]):
            rows += self._link(kind, item["from"]["id"], other, item["to"]["id"])
        return _batch(rows, [])

    def _link(self, kind: str, id: str, other: str, other_id: str) -> list[Json]:
        self._must_exist(kind, id)
        self._must_exist(other, other_id)
        self.world.link(kind, id, other, other_id)
        for one, number in ((kind, id), (other, other_id)):
            if one == "notes":
                self.world.note_linked(number)
        spec = {
            "associationCategory": "HUBSPOT_DEFINED",
            "associationTypeId": ASSOCIATION_TYPES[kind, other],
        }
        return [{"from": {"id": id}, "to": {"id": other_id}, "associationSpec": spec}]

    def labels(self, call: Call) -> Answer:
        kind, other = _kind(call.path["fromObjectType"]), _kind(call.path["toObjectType"])
        type_id = ASSOCIATION_TYPES.get((kind, other))
        rows = [] if type_id is None else [{"category": "HUBSPOT_DEFINED", "typeId": type_id}]
        return Answer({"results": rows})

    # --- owners -------------------------------------------------------------------------------

    def get_owner(self, call: Call) -> Answer:
        wanted, archived = call.path["ownerId"], call.query.get("archived", False)
        for owner in self.world.owners.values():
            id = str(owner.user_id) if call.query.get("idProperty") == "userId" else owner.id
            if id == wanted and owner.archived == archived:
                return Answer(_owner(owner))
        raise RefusedError(error(404, f"No owner found for id {wanted}", "OBJECT_NOT_FOUND"))

    def list_owners(self, call: Call) -> Answer:
        q = call.query
        found = [
            owner
            for owner in self.world.owners.values()
            if owner.archived == q.get("archived", False)
            and q.get("email", owner.email).casefold() == owner.email.casefold()
        ]
        return Answer({"results": [_owner(owner) for owner in found[: q.get("limit", 100)]]})

    # --- properties ---------------------------------------------------------------------------

    def create_property(self, call: Call) -> Answer:
        kind, wanted = _kind(call.path["objectType"]), call.body
        unique = wanted.get("hasUniqueValue", False)
        if wanted["name"] in self.world.properties[kind]:
            raise RefusedError(
                error(
                    409,
                    f"A property named '{wanted['name']}' already exists.",
                    "OBJECT_ALREADY_EXISTS",
                )
            )
        if unique and self.knobs.refuse_unique_properties:
            raise RefusedError(
                error(
                    400,
                    "Properties with unique values are not supported for this object type.",
                    "VALIDATION_ERROR",
                )
            )
        definition = PropertyDefinition(
            name=wanted["name"],
            label=wanted["label"],
            type=wanted["type"],
            field_type=wanted["fieldType"],
            group=wanted["groupName"],
            unique=unique,
            hubspot_defined=False,
            description=wanted.get("description", ""),
            created_at=self.world.clock.now(),
        )
        self.world.properties[kind][definition.name] = definition
        return Answer(_property(definition), 201)

    def list_properties(self, call: Call) -> Answer:
        definitions = self.world.properties[_kind(call.path["objectType"])].values()
        return Answer({"results": [_property(definition) for definition in definitions]})

    def get_property(self, call: Call) -> Answer:
        kind, name = _kind(call.path["objectType"]), call.path["propertyName"]
        definition = self.world.properties[kind].get(name)
        if definition is None:
            raise RefusedError(error(404, f"Property {name} does not exist", "OBJECT_NOT_FOUND"))
        return Answer(_property(definition))

    # --- helpers ------------------------------------------------------------------------------

    def _record(self, call: Call) -> CrmRecord:
        kind = _kind_of(call)
        wanted = call.path[f"{SINGULAR[kind]}Id"]
        id_property = call.query.get("idProperty")
        if id_property is not None:
            self._unique_property(kind, id_property)
        elif not wanted.isdigit():
            raise RefusedError(
                error(400, f"Invalid object id '{wanted}': not a number.", "VALIDATION_ERROR")
            )
        record = self._find(kind, wanted, id_property)
        if record is None or record.archived != call.query.get("archived", False):
            raise RefusedError(
                error(
                    404,
                    "Object not found.  objectId are usually numeric.",
                    "OBJECT_NOT_FOUND",
                    context={"id": [wanted]},
                )
            )
        return record

    def _find(self, kind: str, id: str, id_property: str | None) -> CrmRecord | None:
        if id_property is None or id_property == "hs_object_id":
            return self.world.crm[kind].get(id)
        return self.world.record_by(kind, id_property, id)

    def _must_exist(self, kind: str, id: str) -> None:
        record = self.world.crm[kind].get(id)
        if record is None or record.archived:
            raise RefusedError(
                error(
                    404,
                    f"{SINGULAR[kind].upper()} {id} does not exist.",
                    "OBJECT_NOT_FOUND",
                    context={"id": [id]},
                )
            )

    def _known_property(self, kind: str, name: str) -> None:
        if name not in self.world.properties[kind]:
            raise RefusedError(
                error(
                    400,
                    f"There was a problem with the request. Property '{name}' does not exist.",
                    "VALIDATION_ERROR",
                )
            )

    def _unique_property(self, kind: str, name: str) -> None:
        self._known_property(kind, name)
        if not self.world.properties[kind][name].unique:
            raise RefusedError(
                error(
                    400,
                    f"Property '{name}' cannot be used as idProperty: its values are not unique.",
                    "VALIDATION_ERROR",
                )
            )

    def _valid(
        self, kind: str, properties: Mapping[str, str], record: CrmRecord | None = None
    ) -> None:
        problems = []
        for name, value in properties.items():
            definition = self.world.properties[kind].get(name)
            if definition is None:
                problems.append(
                    (name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
                )
            elif name in READ_ONLY:
                problems.append((name, "READ_ONLY_VALUE", f'"{name}" is a read only property'))
            elif definition.type == "datetime" and not _is_time(value):
                problems.append((name, "INVALID_DATE", f"{value} was not a valid timestamp."))
            elif definition.unique:
                other = self.world.record_by(kind, name, value)
                if other is not None and other is not record:
                    message = f"{SINGULAR[kind]} {other.id} already has that value."
                    problems.append((name, "CONFLICTING_UNIQUE_VALUE", message))
        if problems:
            details = [
                {"isValid": False, "message": message, "error": code, "name": name}
                for name, code, message in problems
            ]
            raise RefusedError(
                error(
                    400,
                    f"Property values were not valid: {details}",
                    "VALIDATION_ERROR",
                    errors=[{"message": d["message"], "code": d["error"]} for d in details],
                )
            )

    def _render(self, record: CrmRecord, wanted: Sequence[str] | None) -> Json:
        known = self.world.properties[record.kind]
        always = ("hs_object_id", "createdate", "hs_lastmodifieddate")
        wanted = wanted or DEFAULT_PROPERTIES.get(record.kind, ())
        asked = [name for name in wanted if name in known]
        own = {
            "hs_object_id": record.id,
            "createdate": iso(record.created_at),
            "hs_createdate": iso(record.created_at),
            "hs_lastmodifieddate": iso(record.updated_at),
        }
        return {
            "id": record.id,
            "properties": {
                name: own.get(name, record.properties.get(name)) for name in (*asked, *always)
            },
            "createdAt": iso(record.created_at),
            "updatedAt": iso(record.updated_at),
            "archived": record.archived,
        }


def error(status: int, message: str, category: str, **more: Any) -> Answer:
    """An error in HubSpot's envelope."""
    body = {
        "status": "error",
        "message": message,
        "correlationId": "00000000-0000-4000-8000-000000000000",
        "category": category,
        **more,
    }
    return Answer(body, status)


def _kind(name: str) -> str:
    for kind, singular in SINGULAR.items():
        if name.lower() in (kind, singular) or OBJECT_TYPE_IDS.get(name) == kind:
            return kind
    raise RefusedError(error(400, f"Unable to infer object type from: {name}", "VALIDATION_ERROR"))


def _kind_of(call: Call) -> str:
    return call.operation.template.split("/")[4]


def _few(inputs: Sequence[Json], most: int = MAX_BATCH) -> Sequence[Json]:
    if not 0 < len(inputs) <= most:
        raise RefusedError(
            error(400, f"inputs must hold 1 to {most}, got {len(inputs)}.", "VALIDATION_ERROR")
        )
    return inputs


def _batch(results: Sequence[Json], errors: Sequence[Json]) -> Answer:
    now = iso(datetime.now(UTC))
    body: Json = {
        "status": "COMPLETE",
        "results": list(results),
        "startedAt": now,
        "completedAt": now,
    }
    if not errors:
        return Answer(body)
    return Answer({**body, "numErrors": len(errors), "errors": list(errors)}, 207)


def _standard_error(message: str, context: Json, sub_category: str | None = None) -> Json:
    body = {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": message,
        "context": context,
        "errors": [],
        "links": {},
    }
    return body if sub_category is None else {**body, "subCategory": sub_category}


def _not_found(kind: str, ids: Sequence[str]) -> list[Json]:
    if not ids:
        return []
    message = (
        f"Could not get some {SINGULAR[kind].upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid."
    )
    return [_standard_error(message, {"ids": list(ids)})]


def _association(kind: str, item: Json) -> str:
    """The other kind that an association input is about; its type number must fit."""
    for spec in item["types"]:
        for (from_kind, to_kind), number in ASSOCIATION_TYPES.items():
            if from_kind == kind and number == spec["associationTypeId"]:
                return to_kind
    raise RefusedError(
        error(
            400,
            f"No association type of {SINGULAR[kind]} has the number given: {item['types']}",
            "VALIDATION_ERROR",
        )
    )


def _linked_row(kind: str, other: str, id: str) -> Json:
    type_id = ASSOCIATION_TYPES[kind, other]
    return {
        "toObjectId": id,
        "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": type_id}],
    }


def _owner(owner: Owner) -> Json:
    return {
        "id": owner.id,
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": owner.user_id,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": iso(owner.created_at),
        "updatedAt": iso(owner.created_at),
        "archived": owner.archived,
        "teams": [],
    }


def _property(definition: PropertyDefinition) -> Json:
    body: Json = {
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "fieldType": definition.field_type,
        "description": definition.description,
        "groupName": definition.group,
        "options": [],
        "hasUniqueValue": definition.unique,
        "hubspotDefined": definition.hubspot_defined,
        "archived": False,
        "hidden": False,
        "formField": False,
        "calculated": False,
        "externalOptions": False,
    }
    if definition.created_at is not None:
        body["createdAt"] = body["updatedAt"] = iso(definition.created_at)
    return body


def _is_time(value: str) -> bool:
    """HubSpot takes milliseconds since 1970 or ISO 8601."""
    if value.isdigit():
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
