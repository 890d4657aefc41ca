"""The sandbox's HubSpot, through the real SDK."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.companies import PublicObjectSearchRequest
from hubspot.crm.companies.exceptions import ApiException as CompanyError
from hubspot.crm.contacts.exceptions import NotFoundException
from hubspot.crm.objects.notes import (
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.objects.notes.exceptions import ApiException as NoteError
from hubspot.crm.properties import PropertyCreate
from hubspot.crm.properties.exceptions import ApiException as PropertyError

from sandbox.accounts import (
    AccountScript,
    DealScript,
    NoteScript,
    OwnerScript,
    TicketScript,
)
from sandbox.control import HUBSPOT_TOKEN, Sandbox

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ACME = AccountScript(
    name="Acme GmbH",
    email="billing@acme.example",
    owner=OwnerScript(name="Dana Owner", email="dana@ours.example"),
    vip=True,
    health_score=41,
    notes=(NoteScript(body="Budget freeze until January.", created_at=NOW),),
    tickets=(TicketScript(subject="Login broken", status="open", priority="HIGH"),),
    deals=(DealScript(name="Renewal", amount_minor=1_200_000, close_date=NOW),),
)


def search(**rule: Any) -> PublicObjectSearchRequest:
    rules = [
        {"propertyName": name, "operator": "EQ", "value": value} for name, value in rule.items()
    ]
    return PublicObjectSearchRequest(
        filter_groups=[{"filters": rules}], properties=["name", "vip", "health_score"], limit=2
    )


async def test_a_company_is_found_by_its_stripe_customer(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    account = await sandbox.add_account(ACME)
    await sandbox.add_account(AccountScript(name="Someone else"))

    found = await asyncio.to_thread(
        hubspot.crm.companies.search_api.do_search, search(stripe_customer_id=account.customer)
    )

    assert [company.id for company in found.results] == [account.company]
    assert found.results[0].properties["name"] == "Acme GmbH"
    assert found.results[0].properties["vip"] == "true"
    assert found.results[0].properties["health_score"] == "41"


async def test_an_unlinked_company_is_found_by_domain_and_by_its_contact(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    account = await sandbox.add_account(ACME.model_copy(update={"linked": False}))

    def look() -> tuple[Any, Any, Any]:
        by_customer = hubspot.crm.companies.search_api.do_search(
            search(stripe_customer_id=account.customer)
        )
        by_domain = hubspot.crm.companies.search_api.do_search(search(domain="acme.example"))
        contact = hubspot.crm.contacts.basic_api.get_by_id(
            "billing@acme.example", id_property="email", associations=["companies"]
        )
        return by_customer, by_domain, contact

    by_customer, by_domain, contact = await asyncio.to_thread(look)

    assert by_customer.total == 0
    assert [company.id for company in by_domain.results] == [account.company]
    assert contact.id == account.contact
    assert contact.associations["companies"].results[0].id == account.company


async def test_owners_are_read_by_id_and_departed_ones_only_on_request(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    gone = OwnerScript(name="Greta Gone", email="greta@ours.example", archived=True)
    here = await sandbox.add_account(ACME)
    left = await sandbox.add_account(ACME.model_copy(update={"owner": gone}))
    owners = hubspot.crm.owners.owners_api

    dana = await asyncio.to_thread(owners.get_by_id, int(here.owner or 0))
    greta = await asyncio.to_thread(owners.get_by_id, int(left.owner or 0), archived=True)

    assert (dana.email, dana.first_name) == ("dana@ours.example", "Dana")
    assert greta.email == "greta@ours.example"
    with pytest.raises(Exception, match="No owner found"):
        await asyncio.to_thread(owners.get_by_id, int(left.owner or 0))


async def test_notes_tickets_and_deals_are_read_through_their_associations(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    account = await sandbox.add_account(ACME)

    def look() -> dict[str, Any]:
        ids = {
            kind: [
                row.to_object_id
                for row in hubspot.crm.associations.v4.basic_api.get_page(
                    "companies", account.company, kind, limit=500
                ).results
            ]
            for kind in ("notes", "tickets", "deals")
        }
        notes = hubspot.crm.objects.notes.batch_api.read(
            BatchReadInputSimplePublicObjectId(
                inputs=[{"id": id} for id in ids["notes"]],
                properties=["hs_note_body", "hs_timestamp"],
                properties_with_history=[],
            )
        )
        tickets = hubspot.crm.tickets.batch_api.read(
            {
                "inputs": [{"id": id} for id in ids["tickets"]],
                "properties": ["subject", "hs_pipeline_stage"],
                "propertiesWithHistory": [],
            }
        )
        deals = hubspot.crm.deals.batch_api.read(
            {
                "inputs": [{"id": id} for id in ids["deals"]],
                "properties": ["dealname", "amount"],
                "propertiesWithHistory": [],
            }
        )
        return {"notes": notes, "tickets": tickets, "deals": deals}

    found = await asyncio.to_thread(look)

    note = found["notes"].results[0].properties
    assert note["hs_note_body"] == "Budget freeze until January."
    assert note["hs_timestamp"] == "2026-11-22T09:00:00.000Z"
    assert found["tickets"].results[0].properties["subject"] == "Login broken"
    assert found["deals"].results[0].properties["amount"] == "12000.00"


async def test_one_request_reads_the_associations_of_several(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    account = await sandbox.add_account(ACME)
    bare = await sandbox.add_account(AccountScript())

    found = await asyncio.to_thread(
        hubspot.crm.associations.v4.batch_api.get_page,
        "companies",
        "notes",
        BatchInputPublicFetchAssociationsBatchRequest(
            inputs=[{"id": account.company}, {"id": bare.company}]
        ),
    )

    assert [row._from.id for row in found.results] == [account.company]
    assert found.num_errors == 1
    assert found.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"


async def test_missing_ids_of_a_batch_are_errors_beside_the_results(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    account = await sandbox.add_account(AccountScript())
    note = await sandbox.add_note(account.company or "", "Here.")

    found = await asyncio.to_thread(
        hubspot.crm.objects.notes.batch_api.read,
        BatchReadInputSimplePublicObjectId(
            inputs=[{"id": note}, {"id": "404"}], properties=[], properties_with_history=[]
        ),
    )

    assert [row.id for row in found.results] == [note]
    assert (found.num_errors, found.errors[0].context) == (1, {"ids": ["404"]})


async def test_a_note_is_written_once_however_often_its_key_is_upserted(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    account = await sandbox.add_account(AccountScript())

    def write() -> list[Any]:
        hubspot.crm.properties.core_api.create("notes", unique_property())
        results = [
            hubspot.crm.objects.notes.batch_api.upsert(upsert(body)).results[0]
            for body in ("First.", "Second.")
        ]
        hubspot.crm.associations.v4.basic_api.create_default(
            "notes", results[0].id, "companies", account.company
        )
        read = hubspot.crm.objects.notes.basic_api.get_by_id(
            "case-1", id_property="dunning_key", properties=["hs_note_body"]
        )
        linked = hubspot.crm.associations.v4.basic_api.get_page(
            "companies", account.company, "notes"
        )
        return [*results, read, linked]

    first, second, read, linked = await asyncio.to_thread(write)

    assert (first.new, second.new) == (True, False)
    assert first.id == second.id == read.id == linked.results[0].to_object_id
    assert read.properties["hs_note_body"] == "Second."
    (note,) = (await sandbox.effects()).notes
    assert (note.key, note.body, note.updates) == ("case-1", "Second.", 1)
    assert note.companies == (account.company,)


async def test_the_same_unique_value_cannot_be_created_twice(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    def write() -> None:
        hubspot.crm.properties.core_api.create("notes", unique_property())
        for _ in range(2):
            hubspot.crm.objects.notes.basic_api.create(
                SimplePublicObjectInputForCreate(
                    properties={"hs_timestamp": "2026-11-22T09:00:00Z", "dunning_key": "case-1"},
                    associations=[],
                )
            )

    with pytest.raises(NoteError, match="CONFLICTING_UNIQUE_VALUE"):
        await asyncio.to_thread(write)

    assert len((await sandbox.effects()).notes) == 1


async def test_a_note_can_be_created_on_its_company_in_one_call(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    account = await sandbox.add_account(AccountScript())
    on_company = {
        "to": {"id": account.company},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 190}],
    }

    await asyncio.to_thread(
        hubspot.crm.objects.notes.basic_api.create,
        SimplePublicObjectInputForCreate(
            properties={"hs_timestamp": "2026-11-22T09:00:00Z", "hs_note_body": "Hello."},
            associations=[on_company],
        ),
    )

    (note,) = (await sandbox.effects()).notes
    assert note.companies == (account.company,)


async def test_a_portal_may_refuse_unique_properties(sandbox: Sandbox, hubspot: HubSpot) -> None:
    await sandbox.set_knobs(refuse_unique_properties=True)

    with pytest.raises(PropertyError, match="unique values are not supported") as refused:
        await asyncio.to_thread(hubspot.crm.properties.core_api.create, "notes", unique_property())

    assert refused.value.status == 400


async def test_a_property_exists_once(sandbox: Sandbox, hubspot: HubSpot) -> None:
    properties = hubspot.crm.properties.core_api
    await asyncio.to_thread(properties.create, "notes", unique_property())

    with pytest.raises(PropertyError) as refused:
        await asyncio.to_thread(properties.create, "notes", unique_property())
    known = await asyncio.to_thread(properties.get_by_name, "notes", "dunning_key")

    assert refused.value.status == 409
    assert known.has_unique_value


async def test_upserting_by_a_property_that_is_not_unique_is_refused(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    with pytest.raises(NoteError, match="dunning_key"):
        await asyncio.to_thread(hubspot.crm.objects.notes.batch_api.upsert, upsert("Hello."))


async def test_search_learns_of_new_records_late(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    await sandbox.set_knobs(search_lag_seconds=3600)
    auth = {"Authorization": f"Bearer {HUBSPOT_TOKEN}"}
    note = {"properties": {"hs_timestamp": "2026-11-22T09:00:00Z", "hs_note_body": "New."}}
    base = f"{sandbox.hubspot_base}/crm/v3/objects/notes"

    created = (await http.post(base, json=note, headers=auth)).json()
    found = (await http.post(f"{base}/search", json={"filterGroups": []}, headers=auth)).json()
    read = await http.get(f"{base}/{created['id']}", headers=auth)

    assert found["total"] == 0
    assert read.status_code == 200


async def test_a_missing_record_is_a_404(sandbox: Sandbox, hubspot: HubSpot) -> None:
    with pytest.raises(NotFoundException):
        await asyncio.to_thread(
            hubspot.crm.contacts.basic_api.get_by_id, "nobody@x.example", id_property="email"
        )


async def test_an_account_may_be_unknown_to_the_crm(sandbox: Sandbox, hubspot: HubSpot) -> None:
    account = await sandbox.add_account(AccountScript(crm=False))

    found = await asyncio.to_thread(
        hubspot.crm.companies.search_api.do_search, search(stripe_customer_id=account.customer)
    )

    assert account.company is None
    assert found.total == 0


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"filterGroups": [{"filters": [{"propertyName": "vip", "operator": "IS"}]}]}, "IS"),
        ({"filterGroups": [{"filters": [{"operator": "EQ", "value": "x"}]}]}, "propertyName"),
        (
            {"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "EQ"}]}]},
            "does not exist",
        ),
        ({"filters": []}, "filters"),
        ({"limit": "many"}, "many"),
    ],
)
async def test_wrong_searches_are_refused(
    sandbox: Sandbox, http: httpx.AsyncClient, body: dict[str, Any], complaint: str
) -> None:
    refused = await http.post(
        f"{sandbox.hubspot_base}/crm/v3/objects/companies/search",
        json=body,
        headers={"Authorization": f"Bearer {HUBSPOT_TOKEN}"},
    )

    assert refused.status_code == 400
    assert refused.json()["category"] == "VALIDATION_ERROR"
    assert complaint in refused.json()["message"]


async def test_an_unknown_property_cannot_be_written(sandbox: Sandbox, hubspot: HubSpot) -> None:
    account = await sandbox.add_account(AccountScript())

    with pytest.raises(CompanyError, match="PROPERTY_DOESNT_EXIST"):
        await asyncio.to_thread(
            hubspot.crm.companies.basic_api.update,
            account.company,
            {"properties": {"no_such_property": "x"}},
        )


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer guessed", "Basic pat-na1"])
async def test_missing_or_wrong_credentials_are_refused(
    sandbox: Sandbox, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx.AsyncClient(trust_env=False) as client:
        refused = await client.get(f"{sandbox.hubspot_base}/crm/v3/owners", headers=headers)

    assert refused.status_code == 401
    assert refused.json()["category"] == "INVALID_AUTHENTICATION"


async def test_reads_tell_their_rate_limits_and_searches_do_not(
    sandbox: Sandbox, http: httpx.AsyncClient
) -> None:
    auth = {"Authorization": f"Bearer {HUBSPOT_TOKEN}"}

    read = await http.get(f"{sandbox.hubspot_base}/crm/v3/owners", headers=auth)
    searched = await http.post(
        f"{sandbox.hubspot_base}/crm/v3/objects/companies/search", json={}, headers=auth
    )

    assert read.headers["x-hubspot-ratelimit-max"] == "190"
    assert "x-hubspot-ratelimit-max" not in searched.headers


def unique_property() -> PropertyCreate:
    return PropertyCreate(
        name="dunning_key",
        label="Dunning key",
        type="string",
        field_type="text",
        group_name="information",
        has_unique_value=True,
    )


def upsert(body: str) -> BatchInputSimplePublicObjectBatchInputUpsert:
    written = {"hs_note_body": body, "hs_timestamp": "2026-11-22T09:00:00Z"}
    return BatchInputSimplePublicObjectBatchInputUpsert(
        inputs=[{"idProperty": "dunning_key", "id": "case-1", "properties": written}]
    )
