"""Outlook through the sandbox's Graph: draft, find, send, and the draft is gone."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import RetryHandlerOption
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.importance import Importance
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
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from sandbox.control import GRAPH_TOKEN, Sandbox

BILLING = "billing@ours.example"
KEY_PROPERTY = "String {8f2a2b4e-94d0-4a55-9d0a-0a4e5b6c7d8e} Name DunningKey"
MESSAGES = f"/users/{BILLING}/messages"
DRAFT: dict[str, Any] = {
    "subject": "Acme: 49.00 USD unpaid",
    "body": {"contentType": "html", "content": "<p>Hello</p>"},
    "toRecipients": [{"emailAddress": {"address": "dana@ours.example"}}],
    "singleValueExtendedProperties": [{"id": KEY_PROPERTY, "value": "key-1"}],
}


class StaticToken:
    """The credential that the project uses for a loopback Graph."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(GRAPH_TOKEN, 2_000_000_000)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "StaticToken":
        return self

    async def __aexit__(self, *_: object) -> None: ...


@pytest.fixture
async def outlook(sandbox: Sandbox) -> AsyncIterator[GraphServiceClient]:
    """The real SDK with its middleware, retries off."""
    never = RetryHandlerOption(max_retries=0, should_retry=False)
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(trust_env=False, verify=False),
        options={RetryHandlerOption.get_key(): never},
    )
    auth = AzureIdentityAuthenticationProvider(
        StaticToken(),
        scopes=["https://graph.microsoft.com/.default"],
        allowed_hosts=["127.0.0.1"],
    )
    adapter = GraphRequestAdapter(auth, client=http)
    adapter.base_url = sandbox.graph_base
    yield GraphServiceClient(request_adapter=adapter)
    await http.aclose()


def mail(key: str = "key-1") -> Message:
    return Message(
        subject="Acme: 49.00 USD unpaid",
        importance=Importance.High,
        body=ItemBody(content_type=BodyType.Html, content="<p>Hello <b>Dana</b></p>"),
        to_recipients=[Recipient(email_address=EmailAddress(address="dana@ours.example"))],
        internet_message_headers=[InternetMessageHeader(name="x-dunning", value="case-1")],
        single_value_extended_properties=[
            SingleValueLegacyExtendedProperty(id=KEY_PROPERTY, value=key)
        ],
    )


def by_key(key: str) -> Any:
    return MessagesRequestBuilder.MessagesRequestBuilderGetRequestConfiguration(
        query_parameters=MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(
            filter=(
                "singleValueExtendedProperties/any(ep:ep/id eq "
                f"'{KEY_PROPERTY}' and ep/value eq '{key}')"
            ),
            select=["id", "isDraft", "sentDateTime"],
            top=2,
        )
    )


async def test_a_draft_is_no_mail_and_a_sent_one_is(
    sandbox: Sandbox, outlook: GraphServiceClient
) -> None:
    messages = outlook.users.by_user_id(BILLING).messages
    draft = await messages.post(mail())
    assert draft is not None
    assert draft.id is not None
    assert draft.is_draft
    assert (await sandbox.effects()).mails == []

    await messages.by_message_id(draft.id).send.post()

    (sent,) = (await sandbox.effects()).mails
    assert sent.sender == BILLING
    assert sent.to == ("dana@ours.example",)
    assert (sent.subject, sent.key) == ("Acme: 49.00 USD unpaid", "key-1")
    assert (sent.text, sent.headers) == ("Hello Dana", {"x-dunning": "case-1"})
    assert sent.internet_message_id == draft.internet_message_id


async def test_sending_consumes_the_draft_so_a_second_send_is_a_404(
    sandbox: Sandbox, outlook: GraphServiceClient
) -> None:
    messages = outlook.users.by_user_id(BILLING).messages
    draft = await messages.post(mail())
    assert draft is not None
    assert draft.id is not None
    item = messages.by_message_id(draft.id)
    await item.send.post()

    with pytest.raises(ODataError) as again:
        await item.send.post()
    with pytest.raises(ODataError) as gone:
        await item.get()

    for refused in (again.value, gone.value):
        assert refused.response_status_code == 404
        assert refused.error is not None
        assert refused.error.code == "ErrorItemNotFound"
    assert len((await sandbox.effects()).mails) == 1


async def test_a_mail_is_found_by_its_key_before_and_after_sending(
    sandbox: Sandbox, outlook: GraphServiceClient
) -> None:
    messages = outlook.users.by_user_id(BILLING).messages
    await messages.post(mail("key-2"))
    draft = await messages.post(mail("key-1"))
    assert draft is not None
    assert draft.id is not None

    before = await messages.get(by_key("key-1"))
    await messages.by_message_id(draft.id).send.post()
    after = await messages.get(by_key("KEY-1"))

    assert before is not None
    assert after is not None
    assert [(m.id, m.is_draft) for m in before.value or []] == [(draft.id, True)]
    ((sent_id, is_draft),) = [(m.id, m.is_draft) for m in after.value or []]
    assert not is_draft
    assert sent_id != draft.id


async def test_the_sent_copy_is_found_by_its_internet_message_id(
    sandbox: Sandbox, graph: httpx.AsyncClient
) -> None:
    draft = (await graph.post(MESSAGES, json=DRAFT)).json()
    wanted = {"$filter": f"internetMessageId eq '{draft['internetMessageId']}'"}
    folder = f"/users/{BILLING}/mailFolders/sentitems/messages"

    before = (await graph.get(folder, params=wanted)).json()["value"]
    sent = await graph.post(f"{MESSAGES}/{draft['id']}/send")
    after = (await graph.get(folder, params=wanted)).json()["value"]

    assert before == []
    assert (sent.status_code, sent.content) == (202, b"")
    assert [m["conversationId"] for m in after] == [draft["conversationId"]]


async def test_extended_properties_show_only_when_expanded(
    sandbox: Sandbox, graph: httpx.AsyncClient
) -> None:
    draft = (await graph.post(MESSAGES, json=DRAFT)).json()
    expand = {"$expand": f"singleValueExtendedProperties($filter=id eq '{KEY_PROPERTY}')"}

    plain = (await graph.get(f"{MESSAGES}/{draft['id']}")).json()
    expanded = (await graph.get(f"{MESSAGES}/{draft['id']}", params=expand)).json()

    assert "singleValueExtendedProperties" not in plain
    assert expanded["singleValueExtendedProperties"][0]["value"] == "key-1"


async def test_a_reply_keeps_the_conversation_and_the_recipients(
    sandbox: Sandbox, outlook: GraphServiceClient
) -> None:
    messages = outlook.users.by_user_id(BILLING).messages
    draft = await messages.post(mail())
    assert draft is not None
    assert draft.id is not None
    await messages.by_message_id(draft.id).send.post()
    sent_id = (await sandbox.effects()).mails[0].message_id

    reply = await messages.by_message_id(sent_id).create_reply.post(
        CreateReplyPostRequestBody(message=mail("key-2"))
    )
    assert reply is not None
    assert reply.id is not None
    await messages.by_message_id(reply.id).send.post()

    first, second = (await sandbox.effects()).mails
    assert second.conversation_id == first.conversation_id
    assert second.to == first.to
    assert second.key == "key-2"


async def test_a_draft_can_be_thrown_away(sandbox: Sandbox, outlook: GraphServiceClient) -> None:
    messages = outlook.users.by_user_id(BILLING).messages
    draft = await messages.post(mail())
    assert draft is not None
    assert draft.id is not None
    assert len(await sandbox.drafts()) == 1

    await messages.by_message_id(draft.id).delete()

    assert await sandbox.drafts() == []


async def test_a_sent_draft_may_linger_for_a_while(
    sandbox: Sandbox, graph: httpx.AsyncClient
) -> None:
    await sandbox.set_knobs(send_lag_seconds=3600)
    draft = (await graph.post(MESSAGES, json=DRAFT)).json()

    await graph.post(f"{MESSAGES}/{draft['id']}/send")
    still = (await graph.get(f"{MESSAGES}/{draft['id']}")).json()

    assert still["isDraft"]
    assert len((await sandbox.effects()).mails) == 1


async def test_a_filter_may_miss_a_new_draft(sandbox: Sandbox, graph: httpx.AsyncClient) -> None:
    await sandbox.set_knobs(filter_lag_seconds=3600)
    draft = (await graph.post(MESSAGES, json=DRAFT)).json()

    found = await graph.get(
        MESSAGES, params={"$filter": f"internetMessageId eq '{draft['internetMessageId']}'"}
    )

    assert found.json()["value"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"internetMessageHeaders": [{"name": "Received", "value": "x"}]}, "InvalidInternet"),
        ({"subjekt": "typo"}, "RequestBodyRead"),
        ({"importance": "urgent"}, "RequestBodyRead"),
        ({"toRecipients": "dana@ours.example"}, "RequestBodyRead"),
    ],
)
async def test_malformed_drafts_are_refused(
    sandbox: Sandbox, graph: httpx.AsyncClient, change: dict[str, Any], code: str
) -> None:
    refused = await graph.post(MESSAGES, json={**DRAFT, **change})

    assert refused.status_code == 400
    assert refused.json()["error"]["code"].startswith(code)
    assert await sandbox.drafts() == []


async def test_a_mail_to_nobody_is_refused(sandbox: Sandbox, graph: httpx.AsyncClient) -> None:
    draft = (await graph.post(MESSAGES, json={**DRAFT, "toRecipients": []})).json()

    refused = await graph.post(f"{MESSAGES}/{draft['id']}/send")

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "ErrorInvalidRecipients"


@pytest.mark.parametrize("filter", ["subject contains 'x'", "isDraft eq yes", "isDraft eq true or"])
async def test_filters_that_nobody_needs_are_refused(graph: httpx.AsyncClient, filter: str) -> None:
    refused = await graph.get(MESSAGES, params={"$filter": filter})

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "ErrorInvalidUrlQueryFilter"


async def test_a_host_that_is_not_allowed_gets_no_token_and_is_refused(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        refused = await client.get(f"{sandbox.graph_base}{MESSAGES}")

    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "InvalidAuthenticationToken"


async def test_one_shot_sendmail_is_not_offered(graph: httpx.AsyncClient) -> None:
    refused = await graph.post(f"/users/{BILLING}/sendMail", json={"message": DRAFT})

    assert refused.status_code == 400
