"""The contracts themselves: complete, true to the SDKs, and really enforced."""

import importlib
from typing import Any

import pytest
import stripe

from sandbox.app import create_app
from sandbox.contract.check import Contract, ContractError, load
from sandbox.vendor import VendorApp
from sandbox.world import World

HEADERS = {"Stripe-Version": "2026-10-28.endive", "Idempotency-Key": "k"}

PARAMS = {
    "GET /v1/invoices": "InvoiceListParams",
    "GET /v1/invoices/{invoice}": "InvoiceRetrieveParams",
    "POST /v1/invoices/{invoice}": "InvoiceUpdateParams",
    "POST /v1/invoices/{invoice}/pay": "InvoicePayParams",
    "GET /v1/invoice_payments": "InvoicePaymentListParams",
    "GET /v1/charges": "ChargeListParams",
    "GET /v1/disputes": "DisputeListParams",
    "GET /v1/events": "EventListParams",
    "GET /v1/subscriptions": "SubscriptionListParams",
}


@pytest.mark.parametrize("name", ["stripe", "hubspot", "graph"])
def test_every_operation_of_a_contract_is_served(name: str) -> None:
    vendor: VendorApp = create_app(World()).state.vendors[name]

    assert {operation.name for operation in vendor.contract.operations} <= set(vendor.handlers)


def parameters(contract: Contract, name: str) -> set[str]:
    operation = next(o for o in contract.operations if o.name == name)
    form = operation.spec.get("requestBody", {}).get("content", {})
    body = form.get("application/x-www-form-urlencoded", {}).get("schema", {})
    query = {p["name"] for p in operation.parameters if p["in"] == "query"}
    return query | set(body.get("properties", {}))


@pytest.mark.parametrize("operation", PARAMS)
def test_stripes_parameters_are_those_of_the_installed_sdk(operation: str) -> None:
    known = set(getattr(stripe.params, PARAMS[operation]).__annotations__)
    transport = set(stripe.RequestOptions.__annotations__)

    assert parameters(load("stripe"), operation) == known - transport


@pytest.mark.parametrize(
    ("schema", "resource"),
    [
        ("Invoice", stripe.Invoice),
        ("InvoicePayment", stripe.InvoicePayment),
        ("PaymentIntent", stripe.PaymentIntent),
        ("Charge", stripe.Charge),
        ("Dispute", stripe.Dispute),
        ("Customer", stripe.Customer),
        ("PaymentMethod", stripe.PaymentMethod),
        ("Subscription", stripe.Subscription),
    ],
)
def test_stripes_resources_have_the_fields_of_the_installed_sdk(
    schema: str, resource: type[Any]
) -> None:
    described = set(load("stripe").document["components"]["schemas"][schema]["properties"])
    known = {name for name in resource.__annotations__ if not name.startswith("_")}

    assert described == known - {"OBJECT_NAME"}


HUBSPOT_PACKAGES = {
    "notes": "hubspot.crm.objects.notes",
    "tasks": "hubspot.crm.objects.tasks",
    "companies": "hubspot.crm.companies",
    "contacts": "hubspot.crm.contacts",
    "tickets": "hubspot.crm.tickets",
    "deals": "hubspot.crm.deals",
    "owners": "hubspot.crm.owners",
    "properties": "hubspot.crm.properties",
}


def test_hubspots_types_have_the_fields_of_the_installed_sdk() -> None:
    checked = 0
    for name, schema in load("hubspot").document["components"]["schemas"].items():
        package, _, model = name.partition("_")
        if package not in HUBSPOT_PACKAGES:
            continue
        models = importlib.import_module(f"{HUBSPOT_PACKAGES[package]}.models")
        known = set(getattr(models, model).attribute_map.values())
        assert set(schema["properties"]) == known, name
        checked += 1
    assert checked > 50


def refusal(contract: Contract, method: str, path: str, query: str, body: bytes) -> ContractError:
    found = contract.match(method, path)
    assert found is not None
    with pytest.raises(ContractError) as refused:
        contract.read_request(found[0], query, body, HEADERS)
    return refused.value


def test_forms_are_read_with_their_types() -> None:
    contract = load("stripe")
    found = contract.match("POST", "/v1/invoices/in_1")
    assert found is not None

    body = b"auto_advance=false&metadata[a]=1&expand[0]=customer&expand[]=payments"
    decoded = contract.read_request(found[0], "", body, HEADERS)

    assert decoded.body == {
        "auto_advance": False,
        "metadata": {"a": "1"},
        "expand": ["customer", "payments"],
    }


@pytest.mark.parametrize(
    ("body", "param", "kind"),
    [
        (b"autoadvance=false", "autoadvance", "unknown"),
        (b"auto_advance=no", "auto_advance", "invalid"),
        (b"issuer[kind]=self", "issuer[kind]", "unknown"),
        (b"issuer[account]=acct_1", "issuer[type]", "missing"),
        (b"due_date=tomorrow", "due_date", "invalid"),
        (b"collection_method=by_post", "collection_method", "invalid"),
    ],
)
def test_each_mistake_is_named(body: bytes, param: str, kind: str) -> None:
    error = refusal(load("stripe"), "POST", "/v1/invoices/in_1", "", body)

    assert (error.violations[0].param, error.violations[0].kind) == (param, kind)


def test_a_fixed_path_wins_over_a_parameter() -> None:
    found = load("hubspot").match("POST", "/crm/v3/objects/notes/batch/read")

    assert found is not None
    assert found[0].template == "/crm/v3/objects/notes/batch/read"


def test_a_wrong_answer_is_noticed() -> None:
    contract = load("stripe")
    found = contract.match("GET", "/v1/invoices/in_1")
    assert found is not None

    problem = contract.answer_problem(found[0], 200, {"id": "in_1", "object": "invoice"})

    assert problem is not None
    assert "required" in problem
