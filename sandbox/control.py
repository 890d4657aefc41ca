"""The client to a running sandbox: plays customers, banks and bad luck, and shows what happened.

async with Sandbox.running() as sandbox:
    account = await sandbox.add_account(AccountScript(name="Acme GmbH"))
    await sandbox.set_webhook(f"{ours}/webhooks/stripe", "whsec_test")
    await sandbox.fail(account.invoice)
    ...
    assert (await sandbox.effects()).charges_of(account.invoice, who="ours") == []
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal, Self

import httpx
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from sandbox.accounts import (
    Account,
    AccountScript,
    CardScript,
    DealScript,
    Decline,
    NoteScript,
    TicketScript,
)
from sandbox.billing import PauseBehavior, Verdict
from sandbox.effects import DeliveryLine, Effects, RequestLine
from sandbox.faults import Fault, Vendor
from sandbox.knobs import Knobs

Json = dict[str, Any]
_REQUESTS = TypeAdapter(list[RequestLine])
_DELIVERIES = TypeAdapter(list[DeliveryLine])

STRIPE_KEY = "rk_test_sandbox0000000000000000"
HUBSPOT_TOKEN = "pat-na1-00000000-0000-4000-8000-000000000000"
GRAPH_TOKEN = "sandbox-graph-token"


class SandboxError(Exception):
    """What was asked for cannot be done; the message says why."""


class Sandbox:
    """Everything that can be done to and seen of one running sandbox."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        self.url = url.rstrip("/")
        # Plain HTTP to this machine: `verify=False` spares loading certificates, nothing else.
        self._client = client or httpx.AsyncClient(trust_env=False, verify=False)

    @classmethod
    @asynccontextmanager
    async def running(
        cls, *, seed: str | None = None, check_answers: bool = False, port: int = 0
    ) -> AsyncIterator[Self]:
        """A sandbox inside this event loop, on a free port, gone when the block ends."""
        from sandbox.app import create_app
        from sandbox.server import listen, serving, url_of
        from sandbox.world import World

        sock = listen(port=port)
        world = World(seed)
        world.origin = url_of(sock)
        app = create_app(world, check_answers=check_answers)
        async with serving(app, sock) as url, cls(url) as sandbox:
            yield sandbox

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    # --- addresses ----------------------------------------------------------------------------

    @property
    def stripe_base(self) -> str:
        return f"{self.url}/stripe"

    @property
    def hubspot_base(self) -> str:
        return f"{self.url}/hubspot"

    @property
    def graph_base(self) -> str:
        return f"{self.url}/graph/v1.0"

    @property
    def model_base(self) -> str:
        return f"{self.url}/openai/v1"

    def env(self) -> dict[str, str]:
        """The environment that points the program at this sandbox."""
        return {
            "STRIPE_API_KEY": STRIPE_KEY,
            "STRIPE_API_BASE": self.stripe_base,
            "HUBSPOT_ACCESS_TOKEN": HUBSPOT_TOKEN,
            "HUBSPOT_API_BASE": self.hubspot_base,
            "GRAPH_API_BASE": self.graph_base,
            "GRAPH_ACCESS_TOKEN": GRAPH_TOKEN,
            "DUNNING_MODEL_API_BASE": self.model_base,
        }

    # --- accounts and what happens to them ------------------------------------------------------

    async def add_account(self, script: AccountScript) -> Account:
        """Customer, card, subscription, open invoice and CRM records; nothing happens yet."""
        return Account.model_validate(await self._do("add_account", script=script))

    async def fail(self, invoice: str, *, tell_us: bool = True) -> str:
        """Stripe's first attempt fails as the card's script says. Answers the event's id."""
        return str(await self._do("fail", invoice=invoice, tell_us=tell_us))

    async def stripe_retries(self, invoice: str, *, tell_us: bool = True) -> Verdict | None:
        """Stripe's own schedule strikes; None when it leaves this invoice alone."""
        verdict: Verdict | None = await self._do("stripe_retries", invoice=invoice, tell_us=tell_us)
        return verdict

    async def customer_pays(
        self, invoice: str, *, tell_us: bool = True, card: CardScript | None = None
    ) -> None:
        """The customer pays on the hosted page; without `tell_us` the webhooks are lost."""
        await self._do("customer_pays", invoice=invoice, tell_us=tell_us, card=card)

    async def customer_is_declined(
        self, invoice: str, decline: Decline | None = None, *, tell_us: bool = True
    ) -> None:
        """The customer tries on the hosted page, and the bank says no."""
        await self._do("customer_is_declined", invoice=invoice, decline=decline, tell_us=tell_us)

    async def settle(self, invoice: str, *, tell_us: bool = True) -> Verdict:
        """An asynchronous payment comes back from the bank."""
        verdict: Verdict = await self._do("settle", invoice=invoice, tell_us=tell_us)
        return verdict

    async def replace_card(
        self,
        customer: str,
        card: CardScript,
        *,
        tell_us: bool = True,
        automatic: bool = False,
        on: Literal["customer", "subscription"] = "customer",
    ) -> str:
        """A new card, by the customer or (`automatic`) the network. Answers the method's id."""
        return str(
            await self._do(
                "replace_card",
                customer=customer,
                card=card,
                tell_us=tell_us,
                automatic=automatic,
                on=on,
            )
        )

    async def cancel_subscription(
        self, subscription: str, *, at_period_end: bool = False, tell_us: bool = True
    ) -> None:
        await self._do(
            "cancel_subscription",
            subscription=subscription,
            at_period_end=at_period_end,
            tell_us=tell_us,
        )

    async def pause_collection(
        self,
        subscription: str,
        *,
        behavior: PauseBehavior = "void",
        resumes_at: datetime | None = None,
        tell_us: bool = True,
    ) -> None:
        await self._do(
            "pause_collection",
            subscription=subscription,
            behavior=behavior,
            resumes_at=resumes_at,
            tell_us=tell_us,
        )

    async def open_dispute(
        self,
        customer: str,
        *,
        reason: str = "fraudulent",
        status: str = "needs_response",
        amount: int | None = None,
        tell_us: bool = True,
    ) -> str:
        """The customer disputes their latest paid charge. Answers the dispute's id."""
        return str(
            await self._do(
                "open_dispute",
                customer=customer,
                reason=reason,
                status=status,
                amount=amount,
                tell_us=tell_us,
            )
        )

    async def close_dispute(
        self,
        dispute: str,
        status: Literal["won", "lost", "warning_closed"],
        *,
        tell_us: bool = True,
    ) -> None:
        await self._do("close_dispute", dispute=dispute, status=status, tell_us=tell_us)

    async def void(self, invoice: str, *, tell_us: bool = True) -> None:
        await self._do("void", invoice=invoice, tell_us=tell_us)

    async def mark_uncollectible(
        self, invoice: str, *, reason: str = "user_forgiven", tell_us: bool = True
    ) -> None:
        await self._do("mark_uncollectible", invoice=invoice, reason=reason, tell_us=tell_us)

    async def delete_invoice(self, invoice: str, *, tell_us: bool = True) -> None:
        await self._do("delete_invoice", invoice=invoice, tell_us=tell_us)

    async def delete_customer(self, customer: str, *, tell_us: bool = True) -> None:
        await self._do("delete_customer", customer=customer, tell_us=tell_us)

    async def credit(self, invoice: str, amount: int, *, tell_us: bool = True) -> None:
        """A credit note makes the open invoice smaller by `amount` minor units."""
        await self._do("credit", invoice=invoice, amount=amount, tell_us=tell_us)

    async def set_auto_advance(self, invoice: str, on: bool, *, tell_us: bool = True) -> None:
        """Somebody flips automatic collection in Stripe's Dashboard."""
        await self._do("set_auto_advance", invoice=invoice, on=on, tell_us=tell_us)

    # --- the CRM ------------------------------------------------------------------------------

    async def add_note(
        self,
        company: str,
        body: str,
        *,
        created_at: datetime | None = None,
        author_type: Literal["internal", "customer"] = "internal",
    ) -> str:
        """Somebody writes a note in HubSpot. Answers its id; it is no effect of ours."""
        note = NoteScript(body=body, created_at=created_at, author_type=author_type)
        return str(await self._do("add_note", company=company, note=note))

    async def add_ticket(self, company: str, ticket: TicketScript) -> str:
        return str(await self._do("add_ticket", company=company, ticket=ticket))

    async def add_deal(self, company: str, deal: DealScript, currency: str = "usd") -> str:
        return str(await self._do("add_deal", company=company, deal=deal, currency=currency))

    async def set_company(self, company: str, properties: Mapping[str, str]) -> None:
        """Somebody edits the company in HubSpot."""
        await self._do("set_company", company=company, properties=dict(properties))

    async def company(self, company: str) -> dict[str, str]:
        properties: dict[str, str] = await self._do("company", company=company)
        return properties

    # --- webhooks -----------------------------------------------------------------------------

    async def set_webhook(self, url: str, secret: str, events: Sequence[str] | None = None) -> None:
        """Where Stripe delivers, how it signs, and which types (None: all)."""
        await self._do(
            "set_webhook", url=url, secret=secret, events=None if events is None else list(events)
        )

    async def send_event(
        self,
        type: str,
        object_id: str,
        *,
        times: int = 1,
        api_version: str | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> str:
        """An event about an existing thing; `overrides` falsify its snapshot."""
        return str(
            await self._do(
                "send_event",
                type=type,
                object_id=object_id,
                times=times,
                api_version=api_version,
                overrides=None if overrides is None else dict(overrides),
            )
        )

    async def deliver(self, event: str, *, times: int = 1) -> None:
        """Deliver an event again, as often as told."""
        await self._do("deliver", event=event, times=times)

    async def hold_events(self) -> None:
        """Events pile up until `release_events`."""
        await self._do("hold_events")

    async def release_events(
        self, order: Literal["kept", "reversed", "dropped"] | Sequence[str] = "kept"
    ) -> list[str]:
        """Deliver what was held, in the order told; ids left out are lost."""
        told = order if isinstance(order, str) else list(order)
        released: list[str] = await self._do("release_events", order=told)
        return released

    async def idle(self) -> None:
        """Until every webhook delivery under way has ended."""
        await self._do("idle")

    # --- what happened ------------------------------------------------------------------------

    async def effects(self) -> Effects:
        """Everything that reached a bank, an inbox or the CRM."""
        return Effects.model_validate(await self._do("effects"))

    async def requests(self, vendor: Vendor | None = None) -> list[RequestLine]:
        return _REQUESTS.validate_python(await self._do("requests", vendor=vendor))

    async def deliveries(self) -> list[DeliveryLine]:
        return _DELIVERIES.validate_python(await self._do("deliveries"))

    async def events(self, type: str | None = None) -> list[Json]:
        """Every event made, oldest first, delivered or not."""
        made: list[Json] = await self._do("events", type=type)
        return made

    async def invoice(self, invoice: str) -> Json:
        """The invoice as Stripe shows it, payments and payment intents included."""
        shown: Json = await self._do("invoice", invoice=invoice)
        return shown

    async def drafts(self) -> list[Json]:
        """Mails that were written and not sent."""
        written: list[Json] = await self._do("drafts")
        return written

    async def contract_breaches(self) -> list[str]:
        """Answers of the sandbox itself that the vendors' types would not allow."""
        breaches: list[str] = await self._do("contract_breaches")
        return breaches

    # --- chance and settings --------------------------------------------------------------------

    async def set_faults(self, faults: Iterable[Fault] = (), *, seed: int | None = None) -> None:
        """Replace what goes wrong; nothing given means nothing does."""
        await self._do("set_faults", faults=list(faults), seed=seed)

    async def set_knobs(self, **settings: Any) -> Knobs:
        return Knobs.model_validate(await self._do("set_knobs", **settings))

    async def set_clock(self, at: datetime | None) -> None:
        """The sandbox's time runs on from `at`; None brings it back to now."""
        await self._do("set_clock", at=at)

    async def forget_idempotency_keys(self) -> None:
        """As if a day had passed at Stripe."""
        await self._do("forget_idempotency_keys")

    async def reset(self) -> None:
        """An empty world with friendly settings; the webhook endpoint stays."""
        await self._do("reset")

    async def _do(self, action: str, **arguments: Any) -> Any:
        response = await self._client.post(
            f"{self.url}/_sandbox/{action}",
            json=to_jsonable_python(arguments),
            timeout=None if action == "idle" else 30,
        )
        if response.is_success:
            return response.json()
        try:
            why = response.json()["error"]
        except ValueError:
            why = response.text
        raise SandboxError(f"{action}: {why}")
