"""Stripe's API, as far as a dunning program calls it, with Stripe's strictness."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from starlette.requests import Request

from sandbox.accounts import Decline
from sandbox.billing import Billing
from sandbox.contract.check import ContractError, load
from sandbox.faults import Fault
from sandbox.knobs import Knobs
from sandbox.stripe_errors import StripeVoice, error, lock_timeout
from sandbox.stripe_expand import Expander, ExpansionError
from sandbox.stripe_keys import IdempotencyKeys
from sandbox.stripe_objects import Json, StripeObjects, decline_message
from sandbox.vendor import Answer, Call, RefusedError, VendorApp, bearer, fault_of
from sandbox.webhooks import Cause, Webhooks, as_json
from sandbox.world import Event, Invoice, PaymentMethod, Table, World, newest_first

PAY_PARAMETERS = frozenset({"off_session", "payment_method", "expand"})
"""What `pay` takes here. `forgive` writes money off and `paid_out_of_band` invents a payment: the
sandbox refuses both, because no program that collects money unattended may send them."""
UPDATE_PARAMETERS = frozenset(
    {"auto_advance", "metadata", "default_payment_method", "description", "expand"}
)
LEFT_TO_STRIPE = frozenset({"latency", "error_stored", "error_after"})
KEY_PREFIXES = ("sk_test_", "rk_test_", "rk_live_")


class OfMode(Protocol):
    """Everything at Stripe lives in one mode, live or test."""

    livemode: bool


T = TypeVar("T", bound=OfMode)


class StripeApp(VendorApp):
    """The stand-in for api.stripe.com."""

    contract = load("stripe")

    def __init__(
        self,
        world: World,
        billing: Billing,
        webhooks: Webhooks,
        knobs: Knobs,
        *,
        check_answers: bool = False,
    ) -> None:
        super().__init__(world, check_answers=check_answers)
        self.billing = billing
        self.webhooks = webhooks
        self.objects: StripeObjects = billing.objects
        self.expander = Expander(self.objects)
        self.voice = StripeVoice()
        self.keys = IdempotencyKeys(knobs)
        self._locked: set[str] = set()
        self.handlers = {
            "GET /v1/invoices": self.list_invoices,
            "GET /v1/invoices/{invoice}": self.get_invoice,
            "POST /v1/invoices/{invoice}": self.update_invoice,
            "POST /v1/invoices/{invoice}/pay": self.pay_invoice,
            "GET /v1/invoice_payments": self.list_invoice_payments,
            "GET /v1/payment_intents/{intent}": self.getter("intent", "payment_intent"),
            "GET /v1/charges": self.list_charges,
            "GET /v1/charges/{charge}": self.getter("charge", "charge"),
            "GET /v1/disputes": self.list_disputes,
            "GET /v1/disputes/{dispute}": self.getter("dispute", "dispute"),
            "GET /v1/customers/{customer}": self.getter("customer", "customer"),
            "GET /v1/customers/{customer}/payment_methods": self.list_payment_methods,
            "GET /v1/payment_methods/{payment_method}": self.getter(
                "payment_method", "payment_method"
            ),
            "GET /v1/subscriptions": self.list_subscriptions,
            "GET /v1/subscriptions/{subscription_exposed_id}": self.getter(
                "subscription_exposed_id", "subscription"
            ),
            "POST /v1/billing_portal/sessions": self.create_portal_session,
            "GET /v1/events": self.list_events,
            "GET /v1/events/{id}": self.get_event,
        }

    # --- the gate -----------------------------------------------------------------------------

    def authenticate(self, headers: Mapping[str, str]) -> str:
        key = bearer(headers)
        if key is None:
            raise RefusedError(
                self.voice.unauthorized(
                    "You did not provide an API key. You need to provide your API key in the "
                    "Authorization header, using Bearer auth."
                )
            )
        if not key.startswith(KEY_PREFIXES):
            shown = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "***"
            raise RefusedError(self.voice.unauthorized(f"Invalid API Key provided: {shown}"))
        return key

    def unknown_route(self, method: str, path: str) -> Answer:
        return error(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")

    def malformed(self, broken: ContractError) -> Answer:
        first = broken.violations[0]
        code = {"unknown": "parameter_unknown", "missing": "parameter_missing"}.get(first.kind)
        if first.kind == "invalid" and first.message.startswith("Invalid integer"):
            code = "parameter_invalid_integer"
        return error(400, "invalid_request_error", first.message, code=code, param=first.param)

    async def perform(self, call: Call, request: Request) -> Answer:
        fault = fault_of(request)
        if request.method != "POST":
            await self._suffer(fault)
            return self._played(fault, lambda: self._run(call))
        asked = (call.credential, call.headers["idempotency-key"])
        said = [call.operation.name, call.path, call.body]
        if (earlier := self.keys.earlier_answer(asked, said)) is not None:
            return earlier
        thing = next(iter(call.path.values()), "")
        if thing in self._locked:
            raise RefusedError(lock_timeout())
        with self.keys.in_flight(asked, said) as record, self._lock(thing):
            await self._suffer(fault)
            record.answer = self._played(fault, lambda: self._run(call))
        return record.answer

    @contextmanager
    def _lock(self, thing: str) -> Iterator[None]:
        if thing:
            self._locked.add(thing)
        try:
            yield
        finally:
            self._locked.discard(thing)

    def _run(self, call: Call) -> Answer:
        """Once here, execution has begun: whatever comes out is the answer of the key."""
        request_id = self.world.ids.new("req_", 14)
        headers = {"Request-Id": request_id, "Stripe-Version": call.headers["stripe-version"]}
        if key := call.headers.get("idempotency-key"):
            headers["Idempotency-Key"] = key
        self._cause = Cause(request_id, key)
        try:
            answer = self.handlers[call.operation.name](call)
        except RefusedError as refusal:
            answer = refusal.answer
        return Answer(answer.body, answer.status, {**headers, **answer.headers})

    @staticmethod
    async def _suffer(fault: Fault | None) -> None:
        if fault is not None and fault.kind == "latency":
            await asyncio.sleep(fault.seconds)

    def _played(self, fault: Fault | None, run: Callable[[], Answer]) -> Answer:
        if fault is not None and fault.kind == "error_stored":
            return self.voice.server_error()
        answer = run()
        if fault is not None and fault.kind == "error_after":
            return self.voice.server_error()
        return answer

    # --- invoices -----------------------------------------------------------------------------

    def get_invoice(self, call: Call) -> Answer:
        return self._say(self.objects.invoice(self._invoice(call)), call)

    def list_invoices(self, call: Call) -> Answer:
        q = call.query
        found = [
            invoice
            for invoice in self._visible(self.world.invoices, call, "customer", "subscription")
            if q.get("status") in (None, invoice.status)
            and q.get("customer") in (None, invoice.customer)
            and q.get("subscription") in (None, invoice.subscription)
            and q.get("collection_method") in (None, invoice.collection_method)
            and _in_range(invoice.created, q.get("created"))
            and _in_range(invoice.due_date, q.get("due_date"))
        ]
        return self._page(found, call, self.objects.invoice)

    def update_invoice(self, call: Call) -> Answer:
        invoice = self._invoice(call)
        self._only(call, UPDATE_PARAMETERS)
        self._say(self.objects.invoice(invoice), call)  # a wrong `expand` is refused beforehand
        before = self.objects.invoice(invoice)
        if "auto_advance" in call.body:
            if invoice.status not in ("draft", "open"):
                raise RefusedError(
                    error(
                        400,
                        "invalid_request_error",
                        f"You can only update `auto_advance` on draft or open invoices. "
                        f"This invoice is {invoice.status}.",
                        code="invoice_not_editable",
                        param="auto_advance",
                    )
                )
            self.billing.set_auto_advance(invoice, call.body["auto_advance"])
        if "default_payment_method" in call.body:
            method = self._method_of(invoice, call.body["default_payment_method"])
            invoice.default_payment_method = method.id
        if "description" in call.body:
            invoice.description = call.body["description"]
        if "metadata" in call.body:
            invoice.metadata = _merged(invoice.metadata, call.body["metadata"])
        after = self.objects.invoice(invoice)
        if previous := {key: before[key] for key in before if before[key] != after[key]}:
            self.webhooks.publish(
                "invoice.updated",
                self.objects.invoice(invoice),
                cause=self._cause,
                previous=previous,
            )
        return self._say(after, call)

    def pay_invoice(self, call: Call) -> Answer:
        invoice = self._invoice(call)
        self._only(call, PAY_PARAMETERS)
        self._say(self.objects.invoice(invoice), call)  # a wrong `expand` is refused beforehand
        self._refuse_unpayable(invoice)
        wanted = call.body.get("payment_method")
        method = self._method_of(invoice, wanted) if wanted else self.world.method_for(invoice)
        if method is None:
            raise RefusedError(
                error(
                    400,
                    "invalid_request_error",
                    "There is no `default_payment_method` set on this Customer or Invoice. Please "
                    "set either an `invoice_settings.default_payment_method` on the Customer or a "
                    "`default_payment_method` on the Invoice.",
                )
            )
        verdict = self.billing.attempt(invoice, method, who="ours", cause=self._cause)
        if verdict == "declined":
            return self._card_error(invoice, method)
        if verdict == "requires_action":
            return self._action_required(invoice, method)
        return self._say(self.objects.invoice(invoice), call)

    def _refuse_unpayable(self, invoice: Invoice) -> None:
        if invoice.status == "paid":
            raise RefusedError(error(400, "invalid_request_error", "Invoice is already paid"))
        if not invoice.collectable:
            raise RefusedError(
                error(
                    400,
                    "invalid_request_error",
                    f"This invoice can no longer be paid: it is {invoice.status}.",
                    code="invoice_not_editable",
                )
            )
        if self.world.intent_of(invoice).status == "processing":
            raise RefusedError(
                error(
                    400,
                    "invalid_request_error",
                    "This invoice has a payment that is still processing.",
                    code="payment_intent_unexpected_state",
                )
            )

    def _card_error(self, invoice: Invoice, method: PaymentMethod) -> Answer:
        intent = self.world.intent_of(invoice)
        told = dict(self.objects.payment_error(intent) or {})
        del told["type"], told["message"]
        decline = intent.last_decline or Decline()
        return error(
            402,
            "card_error" if method.type == "card" else "invalid_request_error",
            decline_message(decline),
            payment_intent=self.objects.payment_intent(intent),
            **told,
        )

    def _action_required(self, invoice: Invoice, method: PaymentMethod) -> Answer:
        intent = self.world.intent_of(invoice)
        return error(
            402,
            "card_error",
            "This payment requires additional user action before it can be completed "
            f"successfully. Payment can be completed using the PaymentIntent associated with "
            f"subscription invoice {invoice.id}.",
            code="invoice_payment_intent_requires_action",
            payment_intent=self.objects.payment_intent(intent),
            payment_method=self.objects.payment_method(method),
            payment_method_type=method.type,
        )

    def list_invoice_payments(self, call: Call) -> Answer:
        q = call.query
        wanted = q.get("payment", {})
        if wanted.get("type") == "payment_intent" and "payment_intent" not in wanted:
            raise RefusedError(
                error(
                    400,
                    "invalid_request_error",
                    "Missing required param: payment[payment_intent].",
                    code="parameter_missing",
                    param="payment[payment_intent]",
                )
            )
        found = [
            payment
            for payment in self._visible(self.world.invoice_payments, call, "invoice")
            if q.get("invoice") in (None, payment.invoice)
            and q.get("status") in (None, payment.status)
            and wanted.get("payment_intent") in (None, payment.payment_intent)
            and _in_range(payment.created, q.get("created"))
        ]
        return self._page(found, call, self.objects.invoice_payment)

    # --- charges, disputes, customers, cards, subscriptions -------------------------------------

    def list_charges(self, call: Call) -> Answer:
        q = call.query
        found = [
            charge
            for charge in self._visible(self.world.charges, call, "payment_intent", "customer")
            if q.get("payment_intent") in (None, charge.payment_intent)
            and q.get("customer") in (None, charge.customer)
            and _in_range(charge.created, q.get("created"))
        ]
        return self._page(found, call, self.objects.charge)

    def list_disputes(self, call: Call) -> Answer:
        q = call.query
        found = [
            dispute
            for dispute in self._visible(self.world.disputes, call, "charge")
            if q.get("charge") in (None, dispute.charge)
            and q.get("payment_intent") in (None, dispute.payment_intent)
            and _in_range(dispute.created, q.get("created"))
        ]
        return self._page(found, call, self.objects.dispute)

    def list_payment_methods(self, call: Call) -> Answer:
        customer = self._one(self.world.customers, "customer", call.path["customer"], call)
        found = [
            method
            for method in self.world.payment_methods.of(customer=customer.id)
            if call.query.get("type") in (None, method.type)
        ]
        return self._page(found, call, self.objects.payment_method)

    def list_subscriptions(self, call: Call) -> Answer:
        q = call.query
        wanted = q.get("status")
        found = [
            subscription
            for subscription in self._visible(self.world.subscriptions, call, "customer")
            if q.get("customer") in (None, subscription.customer)
            and q.get("price") in (None, subscription.price)
            and q.get("collection_method") in (None, subscription.collection_method)
            and _in_range(subscription.created, q.get("created"))
            and (
                wanted == subscription.status
                or wanted == "all"
                or (wanted is None and subscription.status != "canceled")
            )
        ]
        return self._page(found, call, self.objects.subscription)

    def create_portal_session(self, call: Call) -> Answer:
        now = self.world.clock.stamp()
        wanted = call.body.get("customer", "")
        customer = self._one(self.world.customers, "customer", wanted, call, param="customer")
        session = self.world.ids.new("bps_1")
        return Answer(
            {
                "id": session,
                "object": "billing_portal.session",
                "configuration": call.body.get("configuration", "bpc_sandbox"),
                "created": now,
                "customer": customer.id,
                "flow": None,
                "livemode": customer.livemode,
                "locale": call.body.get("locale"),
                "on_behalf_of": None,
                "return_url": call.body.get("return_url"),
                "url": f"{self.world.origin}/portal/{session}",
            }
        )

    def getter(self, name: str, kind: str) -> Callable[[Call], Answer]:
        """A handler that retrieves one thing by the path's `name`."""
        render: Callable[[Any], Json] = getattr(self.objects, kind)

        def get(call: Call) -> Answer:
            things = getattr(self.world, f"{kind}s")
            return self._say(render(self._one(things, kind, call.path[name], call)), call)

        return get

    # --- events -------------------------------------------------------------------------------

    def list_events(self, call: Call) -> Answer:
        q = call.query
        types = set(q.get("types", ())) | ({q["type"]} if "type" in q else set())
        found = [
            event
            for event in self._visible(self.world.events, call)
            if (not types or _type_wanted(event.type, types))
            and q.get("delivery_success") in (None, event.delivered)
            and _in_range(event.created, q.get("created"))
        ]
        return self._page(found, call, as_json)

    def get_event(self, call: Call) -> Answer:
        event: Event = self._one(self.world.events, "event", call.path["id"], call)
        return Answer(as_json(event))

    # --- helpers ------------------------------------------------------------------------------

    def _invoice(self, call: Call) -> Invoice:
        return self._one(self.world.invoices, "invoice", call.path["invoice"], call)

    def _one(
        self, table: Mapping[str, T], kind: str, id: str, call: Call, param: str | None = None
    ) -> T:
        thing = table.get(id)
        live = _is_live(call)
        if thing is not None and thing.livemode == live:
            return thing
        message = f"No such {kind}: '{id}'"
        if thing is not None:
            there, here = ("test", "live") if live else ("live", "test")
            message += (
                f"; a similar object exists in {there} mode, but a {here} mode key was used to "
                "make this request."
            )
        raise RefusedError(
            error(
                404,
                "invalid_request_error",
                message,
                code="resource_missing",
                param=param or ("id" if kind == "subscription" else kind),
            )
        )

    def _method_of(self, invoice: Invoice, id: str) -> PaymentMethod:
        method = self.world.payment_methods.get(id)
        if method is None:
            raise RefusedError(
                error(
                    400,
                    "invalid_request_error",
                    f"No such PaymentMethod: '{id}'",
                    code="resource_missing",
                    param="payment_method",
                )
            )
        if method.customer != invoice.customer:
            raise RefusedError(
                error(
                    400,
                    "invalid_request_error",
                    f"The payment method `{id}` does not belong to the customer of this invoice "
                    f"(`{invoice.customer}`).",
                    param="payment_method",
                )
            )
        return method

    @staticmethod
    def _only(call: Call, allowed: frozenset[str]) -> None:
        for name in call.body:
            if name not in allowed:
                raise RefusedError(
                    error(
                        400,
                        "invalid_request_error",
                        f"The sandbox refuses `{name}` on {call.operation.name}: a program that "
                        "collects unattended has no business sending it.",
                        code="parameter_unknown",
                        param=name,
                    )
                )

    def _visible(self, table: Table[T], call: Call, *references: str) -> Iterable[T]:
        """What the key may see, narrowed by the first of `references` that the query names."""
        live = _is_live(call)
        named = next((name for name in references if name in call.query), None)
        things = table.of(**{named: call.query[named]}) if named else table.values()
        return (thing for thing in things if thing.livemode == live)

    def _say(self, rendered: Json, call: Call) -> Answer:
        return Answer(self._expanded(rendered, call))

    def _expanded(self, rendered: Json, call: Call) -> Json:
        try:
            paths = call.query.get("expand") or call.body.get("expand") or ()
            return self.expander.expand(rendered, paths)
        except ExpansionError as problem:
            raise RefusedError(
                error(400, "invalid_request_error", str(problem), param="expand")
            ) from problem

    def _page(self, found: Sequence[Any], call: Call, render: Callable[[Any], Json]) -> Answer:
        limit = call.query.get("limit", 10)
        if not 1 <= limit <= 100:
            raise RefusedError(
                error(
                    400,
                    "invalid_request_error",
                    f"This value must be between 1 and 100 (you gave {limit}).",
                    code="parameter_invalid_integer",
                    param="limit",
                )
            )
        things = newest_first(found, created=lambda thing: int(thing.created))
        if after := call.query.get("starting_after"):
            things = things[_position(things, after, "starting_after") + 1 :]
        if before := call.query.get("ending_before"):
            things = things[: _position(things, before, "ending_before")]
            window = things[-limit:]
        else:
            window = things[:limit]
        page = {
            "object": "list",
            "data": [render(thing) for thing in window],
            "has_more": len(things) > len(window),
            "url": call.operation.template,
        }
        return self._say(page, call)


def _is_live(call: Call) -> bool:
    return "_live_" in call.credential


def _in_range(value: int | None, wanted: int | Mapping[str, int] | None) -> bool:
    if wanted is None:
        return True
    if value is None:
        return False
    if isinstance(wanted, int):
        return value == wanted
    return (
        value > wanted.get("gt", value - 1)
        and value >= wanted.get("gte", value)
        and value < wanted.get("lt", value + 1)
        and value <= wanted.get("lte", value)
    )


def _type_wanted(type: str, wanted: set[str]) -> bool:
    return type in wanted or any(
        w.endswith("*") and type.startswith(w.removesuffix("*")) for w in wanted
    )


def _merged(old: Mapping[str, str], new: str | Mapping[str, str]) -> dict[str, str]:
    """Stripe merges metadata; an empty value removes a key, an empty string removes all."""
    if isinstance(new, str):
        return {}
    return {key: value for key, value in {**old, **new}.items() if value != ""}


def _position(things: Sequence[Any], id: str, param: str) -> int:
    for index, thing in enumerate(things):
        if thing.id == id:
            return index
    raise RefusedError(
        error(
            400,
            "invalid_request_error",
            f"No such object: '{id}'",
            code="resource_missing",
            param=param,
        )
    )
