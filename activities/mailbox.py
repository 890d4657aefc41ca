"""One Outlook mailbox through Microsoft Graph, in five verbs: find, draft, reply, send, discard.

The SDK's own retries are off (a repeated `send` after a lost answer would be a second mail);
Temporal retries, where people can see it. Errors come out in our own words, without the vendor's
body.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity.aio import (
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import RedirectHandlerOption, RetryHandlerOption
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.internet_message_header import InternetMessageHeader
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.single_value_legacy_extended_property import (
    SingleValueLegacyExtendedProperty,
)
from msgraph.generated.users.item.messages.item.create_reply.create_reply_post_request_body import (
    CreateReplyPostRequestBody,
)
from msgraph.generated.users.item.messages.item.message_item_request_builder import (
    MessageItemRequestBuilder,
)
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory
from temporalio.exceptions import ApplicationError

from activities.errors import invalid_request, refused, retry_later

Json = dict[str, Any]

PUBLIC_API = "https://graph.microsoft.com/v1.0"
SCOPE = "https://graph.microsoft.com/.default"
TIMEOUT = httpx.Timeout(20, connect=5)  # the SDK's own 100 s would outlive our activity
KEY_PROPERTY = "String {7b0c6a52-9d0e-4f3a-8c44-5f2d1e6b9a70} Name DunningKey"
SAME_ID = ("Prefer", 'IdType="ImmutableId"')  # an id that survives moves between folders
FIELDS = ["id", "isDraft", "internetMessageId"]
NO_ROBOTS = "OOF, AutoReply"  # asks Exchange not to answer us with out-of-office mails


@dataclass(frozen=True)
class Mail:
    """What is to be sent. Addresses were decided by code; the subject is one line."""

    subject: str
    html: str
    to: str
    key: str
    reply_to: str | None = None


@dataclass(frozen=True)
class Item:
    """One message in the mailbox, a draft or a sent copy."""

    id: str
    internet_message_id: str | None
    is_draft: bool


class Mailbox:
    def __init__(self, client: GraphServiceClient, sender: str) -> None:
        self.sender = sender
        self._adapter = client.request_adapter
        self._user = client.users.by_user_id(sender)

    async def find(self, key: str) -> Item | None:
        """The draft or sent mail that carries this key, wherever it lies. A sent one comes
        first.
        """
        return await self._first(
            self._user.messages,
            f"singleValueExtendedProperties/any(ep:ep/id eq '{_quoted(KEY_PROPERTY)}' "
            f"and ep/value eq '{_quoted(key)}')",
        )

    async def find_sent(self, internet_message_id: str) -> Item | None:
        folder = self._user.mail_folders.by_mail_folder_id("sentitems").messages
        return await self._first(folder, f"internetMessageId eq '{_quoted(internet_message_id)}'")

    async def get(self, id: str) -> Item | None:
        """None when there is no such message (any more)."""
        asked = self._message(id).to_get_request_information(_asking_for(select=FIELDS))
        message = await self._if_there("reading a draft", asked)
        return None if message is None else _item(message)

    async def draft(self, mail: Mail) -> Item:
        asked = self._user.messages.to_post_request_information(_body(mail), _asking_for())
        return _made(await self._ask("writing a draft", asked))

    async def draft_reply(self, sent: Item, mail: Mail) -> Item | None:
        """A draft in the thread of `sent`; None when that mail is gone.

        Graph fills a reply by itself, so everything that matters is set again, recipients included.
        """
        about = "writing a reply"
        asked = self._message(sent.id).create_reply.to_post_request_information(
            CreateReplyPostRequestBody(), _asking_for()
        )
        reply = await self._if_there(about, asked)
        if reply is None:
            return None
        change = self._message(_made(reply).id).to_patch_request_information(
            _body(mail, reply=True), _asking_for()
        )
        return _made(await self._ask(about, change))

    async def send(self, id: str) -> bool:
        """True when Exchange took it; False when there is no such draft (any more)."""
        asked = self._message(id).send.to_post_request_information(_asking_for())
        return await self._if_there("sending a draft", asked) is not None

    async def discard(self, id: str) -> None:
        """Throw a draft away. That it is gone already is fine."""
        asked = self._message(id).to_delete_request_information(_asking_for())
        await self._if_there("discarding a draft", asked)

    async def check(self) -> None:
        """One harmless read that needs the permission our algorithm needs (Mail.ReadWrite)."""
        asked = self._user.messages.to_get_request_information(_asking_for(select=["id"], top=1))
        await self._ask("reading the mailbox", asked)

    def _message(self, id: str) -> MessageItemRequestBuilder:
        return self._user.messages.by_message_id(id)

    async def _first(self, messages: Any, filter: str) -> Item | None:
        asked = messages.to_get_request_information(
            _asking_for(filter=filter, select=FIELDS, top=5)
        )
        page = await self._ask("looking for a mail", asked)
        items = [_item(message) for message in page.get("value") or []]
        return next(iter(sorted(items, key=lambda item: item.is_draft)), None)

    async def _ask(self, about: str, asked: RequestInformation) -> Json:
        with asking(about):
            return await self._answer(asked)

    async def _if_there(self, about: str, asked: RequestInformation) -> Json | None:
        """As `_ask`; None when Graph knows no such message."""
        with asking(about):
            try:
                return await self._answer(asked)
            except APIError as error:
                if error.response_status_code == 404:
                    return None
                raise

    async def _answer(self, asked: RequestInformation) -> Json:
        answering: Any = self._adapter.send_primitive_async(asked, "bytes", {"XXX": ODataError})
        body = await answering
        answer: Json = json.loads(body) if body else {}
        return answer


# ── connecting ──────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def connect(
    sender: str,
    *,
    api_base: str = PUBLIC_API,
    access_token: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Mailbox]:
    """The mailbox, for as long as the block lasts.

    `access_token` is for a stand-in on this machine; anywhere else the credential is chosen from
    the environment, as `azure-identity` names its variables.
    """
    host = urlsplit(api_base).hostname or ""
    local = host in ("localhost", "127.0.0.1", "::1")
    if access_token is not None and not local:
        raise ValueError(
            "GRAPH_ACCESS_TOKEN is accepted only when GRAPH_API_BASE is on this machine"
        )
    credential = StaticToken(access_token) if access_token else credential_from(environment or {})
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(timeout=TIMEOUT, trust_env=not local),
        options={
            RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
            RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
        },
    )
    # A host that is not listed here would get our requests without credentials, and no error.
    auth = AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE], allowed_hosts=[host])
    adapter = GraphRequestAdapter(auth, client=http)
    adapter.base_url = api_base.rstrip("/")
    try:
        yield Mailbox(GraphServiceClient(request_adapter=adapter), sender)
    finally:
        await http.aclose()
        await credential.close()


def credential_from(environment: Mapping[str, str]) -> AsyncTokenCredential:
    """The one way to sign in that the variables describe: named, not probed."""

    def has(*names: str) -> bool:
        return all(environment.get(name) for name in names)

    client = environment.get("AZURE_CLIENT_ID")
    if has("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        return ClientSecretCredential(
            environment["AZURE_TENANT_ID"], environment["AZURE_CLIENT_ID"],
            environment["AZURE_CLIENT_SECRET"],
        )  # fmt: skip
    if has("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"):
        return CertificateCredential(
            environment["AZURE_TENANT_ID"], environment["AZURE_CLIENT_ID"],
            environment["AZURE_CLIENT_CERTIFICATE_PATH"],
            password=environment.get("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        )  # fmt: skip
    if has("AZURE_FEDERATED_TOKEN_FILE"):
        return WorkloadIdentityCredential()
    if has("IDENTITY_ENDPOINT") or has("MSI_ENDPOINT"):
        return ManagedIdentityCredential(client_id=client)
    return DefaultAzureCredential(managed_identity_client_id=client)


class StaticToken(AsyncTokenCredential):
    """A token that never changes, for a stand-in of Graph on this machine."""

    def __init__(self, token: str) -> None:
        self._token = AccessToken(token, 4_000_000_000)

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return self._token

    async def close(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        return None


# ── wire shapes ─────────────────────────────────────────────────────────────────────────


def _body(mail: Mail, *, reply: bool = False) -> Message:
    message = Message(
        subject=mail.subject,
        body=ItemBody(content_type=BodyType.Html, content=mail.html),
        to_recipients=[_recipient(mail.to)],
        reply_to=[_recipient(mail.reply_to)] if mail.reply_to else None,
        single_value_extended_properties=[
            SingleValueLegacyExtendedProperty(id=KEY_PROPERTY, value=mail.key)
        ],
    )
    if reply:
        message.cc_recipients, message.bcc_recipients = [], []
    else:  # Graph takes headers only while a message is made
        message.internet_message_headers = [
            InternetMessageHeader(name="X-Auto-Response-Suppress", value=NO_ROBOTS)
        ]
    return message


def _recipient(address: str) -> Recipient:
    return Recipient(email_address=EmailAddress(address=address))


def _asking_for(**query: Any) -> Any:
    """The header that every call carries, and query parameters where a call has some."""
    configuration: Any = RequestConfiguration()
    configuration.headers.add(*SAME_ID)
    if query:
        parameters = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(**query)
        configuration.query_parameters = parameters
    return configuration


def _item(message: Json) -> Item:
    return Item(message["id"], message.get("internetMessageId"), bool(message.get("isDraft")))


def _made(message: Json) -> Item:
    if not message.get("id"):
        raise retry_later("Graph made a draft but did not say which. We look for it and try again.")
    return _item(message)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


# ── errors ──────────────────────────────────────────────────────────────────────────────


class asking:  # noqa: N801 - reads as a phrase: `with asking("sending a draft"):`
    """Turns what Graph, its SDK and the network raise into our own errors."""

    def __init__(self, about: str) -> None:
        self._about = about

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, ApplicationError):
            return
        if (ours := in_our_words(error, self._about)) is not None:
            raise ours from None


def in_our_words(error: BaseException, about: str) -> ApplicationError | None:
    if isinstance(error, APIError):
        return _refusal(error, about)
    if isinstance(error, ClientAuthenticationError):
        return refused(
            f"Microsoft refuses our sign-in while {about}. Check AZURE_TENANT_ID, AZURE_CLIENT_ID "
            "and AZURE_CLIENT_SECRET (has the secret expired?). We look again every five minutes.",
            everything=True,
        )
    if isinstance(error, httpx.HTTPError | AzureError | TimeoutError | OSError):
        return retry_later(f"Graph could not be reached while {about}. We try again by ourselves.")
    if isinstance(error, json.JSONDecodeError):
        return retry_later(
            f"Graph's answer was cut short while {about}. We try again by ourselves."
        )
    return None


def _refusal(error: APIError, about: str) -> ApplicationError:
    status, code = error.response_status_code or 0, code_of(error)
    if status in (401, 403):
        return refused(
            f"Graph refuses us while {about} (HTTP {status}, {code}). The app needs Mail.ReadWrite "
            "and Mail.Send for OUTLOOK_SENDER's mailbox. We look again every five minutes.",
            everything=True,
        )
    if status in (408, 409, 412, 423, 429) or status >= 500 or status == 0:
        return retry_later(
            f"Graph answered {status} ({code}) while {about}. We try again by ourselves.",
            _retry_after(error),
        )
    return invalid_request(
        f"Graph does not accept our request while {about} (HTTP {status}, {code})."
    )


def code_of(error: APIError) -> str:
    inner = getattr(error, "error", None)
    return str(getattr(inner, "code", None) or "no code")


def _retry_after(error: APIError) -> timedelta | None:
    headers = {str(k).lower(): v for k, v in dict(error.response_headers or {}).items()}
    value = headers.get("retry-after")
    if isinstance(value, list | set | tuple):
        value = next(iter(value), None)
    try:
        return timedelta(seconds=max(float(value), 0)) if value is not None else None
    except (TypeError, ValueError):
        return None
