"""HubSpot through its SDK: one kept object per API, no hidden retry of a write, a bounded pool of
threads.

The SDK is synchronous and builds a new connection pool at each attribute access, waits for ever by
default, sleeps through `Retry-After` in its thread, and has one family of exceptions per package.
So the objects are made once and kept, every call has a time-out, Temporal retries, and errors are
told apart by their status.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import urllib3
from hubspot import HubSpot
from temporalio.exceptions import ApplicationError

from activities.errors import RETRY_LATER, invalid_request, refused, retry_later

PUBLIC_API = "https://api.hubapi.com"
TIMEOUT = (5.0, 15.0)  # seconds to connect, to answer
THREADS = 8  # as many as one connection pool of the SDK holds without complaint
READ_AGAIN_AFTER = (0.3, 0.6)  # seconds
MOST_IDS = 100  # one batch read
MOST_PAGES = 4  # of 500 associations: beyond that only the newest matter anyway

T = TypeVar("T")
Row = dict[str, Any]


class HubspotError(Exception):
    """HubSpot's answer was a definite no; `status` and `category` say which one."""

    def __init__(self, status: int, category: str) -> None:
        super().__init__(f"HTTP {status}, {category}")
        self.status = status
        self.category = category


class HubspotApi:
    """The few calls we make, each returning plain rows."""

    def __init__(self, access_token: str, api_base: str = PUBLIC_API) -> None:
        client = HubSpot(access_token=access_token, host=api_base, retry=urllib3.Retry(0))
        self._companies = client.crm.companies.search_api
        self._company_batch = client.crm.companies.batch_api
        self._contacts = client.crm.contacts.basic_api
        self._associations = client.crm.associations.v4.basic_api
        self._notes = client.crm.objects.notes.basic_api
        self._batches = {
            "notes": client.crm.objects.notes.batch_api,
            "tickets": client.crm.tickets.batch_api,
            "deals": client.crm.deals.batch_api,
        }
        self._owners = client.crm.owners.owners_api
        self._properties = client.crm.properties.core_api
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="hubspot")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    # ── reading ─────────────────────────────────────────────────────────────────────────

    async def search_companies(self, name: str, value: str, properties: list[str]) -> list[Row]:
        """Companies whose property has exactly this value; two are enough to know it is not one."""
        request = {
            "filterGroups": [
                {"filters": [{"propertyName": name, "operator": "EQ", "value": value}]}
            ],
            "properties": properties,
            "limit": 2,
        }
        page = await self._ask("looking for the company", self._companies.do_search, request)
        return [_row(record) for record in page.results]

    async def company(self, id: str, properties: list[str]) -> Row | None:
        rows = await self._read("companies", self._company_batch, [id], properties)
        return next(iter(rows), None)

    async def contact(self, email: str, properties: list[str]) -> Row | None:
        """The contact of an address, with the ids of its companies as `companies`."""
        record = await self._maybe(
            "looking for the contact", self._contacts.get_by_id, email, id_property="email",
            properties=properties, associations=["companies"],
        )  # fmt: skip
        if record is None:
            return None
        linked = (record.associations or {}).get("companies")
        companies = [row.id for row in linked.results] if linked else []
        return {**_row(record), "companies": list(dict.fromkeys(companies))}

    async def linked(self, company: str, kind: str) -> list[str]:
        """Ids of the company's notes, tickets or deals, the newest (highest) first."""
        ids: set[str] = set()
        after: str | None = None
        for _ in range(MOST_PAGES):
            options = {"after": after} if after else {}
            page = await self._ask(
                f"listing the {kind}", self._associations.get_page, "companies", company, kind,
                limit=500, **options,
            )  # fmt: skip
            ids.update(str(row.to_object_id) for row in page.results)
            after = page.paging.next.after if page.paging and page.paging.next else None
            if after is None:
                break
        return sorted(ids, key=lambda id: (len(id), id), reverse=True)

    async def read(self, kind: str, ids: Iterable[str], properties: list[str]) -> list[Row]:
        """The records of these ids; deleted ones are simply not among them."""
        return await self._read(kind, self._batches[kind], list(ids)[:MOST_IDS], properties)

    async def _read(self, kind: str, api: Any, ids: list[str], properties: list[str]) -> list[Row]:
        if not ids:
            return []
        request = {
            "inputs": [{"id": id} for id in ids],
            "properties": properties,
            "propertiesWithHistory": [],
        }
        # 207 comes as another model, with `errors` beside the results; a missing id is no error.
        answer = await self._ask(f"reading the {kind}", api.read, request)
        return [_row(record) for record in answer.results or []]

    async def owner(self, id: str) -> Any | None:
        """None for an owner who left (archived ones are not shown) or an id that is none."""
        if not id.isdigit():
            return None
        return await self._maybe("reading the owner", self._owners.get_by_id, int(id))

    async def note_by_key(self, name: str, key: str) -> str | None:
        record = await self._maybe(
            "looking for our note", self._notes.get_by_id, key, id_property=name
        )
        return str(record.id) if record is not None else None

    async def property(self, kind: str, name: str) -> Any | None:
        return await self._maybe("reading a property", self._properties.get_by_name, kind, name)

    # ── writing ─────────────────────────────────────────────────────────────────────────

    async def upsert_note(self, name: str, key: str, properties: dict[str, str]) -> str:
        request = {"inputs": [{"id": key, "idProperty": name, "properties": properties}]}
        answer = await self._call("writing a note", self._batches["notes"].upsert, request)
        if not answer.results:
            raise HubspotError(207, "no result")
        return str(answer.results[0].id)

    async def create_note(self, company: str, properties: dict[str, str]) -> str:
        on_company = {
            "to": {"id": company},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 190}],
        }
        request = {"properties": properties, "associations": [on_company]}
        record = await self._call("writing a note", self._notes.create, request)
        return str(record.id)

    async def link_note(self, note: str, company: str) -> None:
        """HubSpot's default link; linking twice is one link."""
        await self._call(
            "linking a note", self._associations.create_default, "notes", note, "companies", company
        )

    async def create_property(self, kind: str, definition: Row) -> None:
        await self._call("creating a property", self._properties.create, kind, definition)

    # ── one call ────────────────────────────────────────────────────────────────────────

    async def _maybe(
        self, about: str, method: Callable[..., T], *args: Any, **more: Any
    ) -> T | None:
        try:
            return await self._ask(about, method, *args, **more)
        except HubspotError as error:
            if error.status == 404:
                return None
            raise

    async def _ask(self, about: str, method: Callable[..., T], *args: Any, **more: Any) -> T:
        """A read does nothing twice, and gathering makes a dozen: one that stumbles is repeated
        at once, where HubSpot names no wait of its own.
        """
        for pause in READ_AGAIN_AFTER:
            try:
                return await self._call(about, method, *args, **more)
            except ApplicationError as error:
                if error.type != RETRY_LATER or error.next_retry_delay is not None:
                    raise
            await asyncio.sleep(pause)
        return await self._call(about, method, *args, **more)

    async def _call(self, about: str, method: Callable[..., T], *args: Any, **more: Any) -> T:
        """In a thread of our own pool; every exception becomes one of ours."""
        work = partial(method, *args, **more, _request_timeout=TIMEOUT)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except urllib3.exceptions.HTTPError:
            raise retry_later(
                f"HubSpot could not be reached while {about}. We try again by ourselves."
            ) from None
        except Exception as error:
            status = getattr(error, "status", None)
            if not isinstance(status, int):
                raise
            raise in_our_words(status, error, about) from None


def _row(record: Any) -> Row:
    return {**(record.properties or {}), "id": str(record.id)}


def in_our_words(status: int, error: Any, about: str) -> ApplicationError | HubspotError:
    """HubSpot's body stays out of our messages; only its category, a word of its own, is kept."""
    body = _body(error)
    if status in (401, 403):
        return refused(
            f"HubSpot refuses us while {about} (HTTP {status}){_scopes(body)}. Check "
            "HUBSPOT_ACCESS_TOKEN and the private app's scopes. We look again every five minutes.",
            everything=status == 401,
        )
    if status == 429 and body.get("policyName") == "DAILY":
        return refused(
            f"HubSpot's daily limit is used up while {about}. It starts anew at midnight of the "
            "portal; we look again every five minutes.",
            everything=True,
        )
    if status in (408, 423, 429, 477) or status >= 500:
        return retry_later(
            f"HubSpot answered {status} while {about}. We try again by ourselves.",
            _retry_after(error),
        )
    return HubspotError(status, str(body.get("category") or "no category"))


def _body(error: Any) -> Row:
    try:
        body = json.loads(error.body or "{}")
    except (TypeError, ValueError, AttributeError):
        return {}
    return body if isinstance(body, dict) else {}


def _scopes(body: Row) -> str:
    """HubSpot names the scopes that are missing, in one of two places."""
    nested = [e.get("context", {}) for e in body.get("errors", []) if isinstance(e, dict)]
    for context in (body.get("context") or {}, *nested):
        scopes = context.get("requiredGranularScopes") or context.get("requiredScopes")
        if scopes:
            return f"; it wants the scopes {', '.join(map(str, scopes))}"
    return ""


def _retry_after(error: Any) -> timedelta | None:
    headers = getattr(error, "headers", None) or {}
    try:
        return timedelta(seconds=max(float(headers.get("Retry-After") or ""), 0))
    except (TypeError, ValueError):
        return None


def must(error: HubspotError, about: str) -> ApplicationError:
    """A definite no where we have nothing else to try."""
    return invalid_request(f"HubSpot does not accept our request while {about} ({error}).")
