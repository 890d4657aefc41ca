"""Outlook mail through Microsoft Graph: drafts, extended properties, `$filter`, send.

Sending consumes the draft: its id is gone, and a new item with the same internet message id lies
in Sent Items. Only what was sent counts as a mail.
"""

import html
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sandbox.contract.check import ContractError, load
from sandbox.effects import MailEffect
from sandbox.faults import Fault
from sandbox.knobs import Knobs
from sandbox.vendor import Answer, Call, RefusedError, VendorApp, bearer
from sandbox.world import Message, World

Json = dict[str, Any]

SYSTEM_FIELDS: Final = frozenset(
    {
        "id",
        "createdDateTime",
        "lastModifiedDateTime",
        "sentDateTime",
        "receivedDateTime",
        "internetMessageId",
        "isDraft",
        "parentFolderId",
        "webLink",
        "hasAttachments",
        "bodyPreview",
        "uniqueBody",
        "changeKey",
    }
)
FOLDERS: Final[Mapping[str, Literal["drafts", "sentitems"]]] = {
    "drafts": "drafts",
    "sentitems": "sentitems",
}


class GraphVoice:
    """How Graph words its refusals."""

    def unauthorized(self, why: str) -> Answer:
        return error(401, "InvalidAuthenticationToken", why)

    def rate_limited(self, fault: Fault) -> Answer:
        answer = error(
            429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit."
        )
        return Answer(answer.body, 429, {"Retry-After": f"{fault.seconds:g}"})

    def server_error(self) -> Answer:
        return error(500, "ErrorInternalServerError", "An internal server error occurred.")


class GraphApp(VendorApp):
    """The stand-in for graph.microsoft.com/v1.0."""

    contract = load("graph")

    def __init__(self, world: World, knobs: Knobs, *, check_answers: bool = False) -> None:
        super().__init__(world, check_answers=check_answers)
        self.knobs = knobs
        self.voice = GraphVoice()
        messages = "/users/{user-id}/messages"
        message = f"{messages}/{{message-id}}"
        folder = "/users/{user-id}/mailFolders/{mailFolder-id}/messages"
        self.handlers = {
            f"GET {messages}": self.list_messages,
            f"POST {messages}": self.create_draft,
            f"GET {message}": self.get_message,
            f"PATCH {message}": self.update_draft,
            f"DELETE {message}": self.delete_message,
            f"POST {message}/send": self.send,
            f"POST {message}/createReply": self.create_reply,
            f"GET {message}/attachments": self.list_attachments,
            f"POST {message}/attachments": self.add_attachment,
            f"GET {folder}": self.list_folder,
        }

    # --- the gate -----------------------------------------------------------------------------

    def authenticate(self, headers: Mapping[str, str]) -> str:
        token = bearer(headers)
        if token is None:
            raise RefusedError(self.voice.unauthorized("Access token is empty."))
        return token

    def unknown_route(self, method: str, path: str) -> Answer:
        return error(400, "BadRequest", f"Resource not found for the segment in {method} {path}.")

    def malformed(self, broken: ContractError) -> Answer:
        first = broken.violations[0]
        if first.param.startswith("internetMessageHeaders"):
            return error(
                400,
                "InvalidInternetMessageHeader",
                "The internet message header name should start with 'x-' or 'X-'.",
            )
        return error(400, "RequestBodyRead", f"{first.param}: {first.message}".lstrip(": "))

    # --- drafts -------------------------------------------------------------------------------

    def create_draft(self, call: Call) -> Answer:
        content = _writable(call.body)
        draft = self._new_draft(self._mailbox(call), content)
        draft.attachments = [
            {**item, "id": self.world.ids.new("AAMkATT")} for item in content.pop("attachments", ())
        ]
        return Answer(self._render(draft, call), 201)

    def create_reply(self, call: Call) -> Answer:
        original = self._message(call)
        given = {key.lower(): value for key, value in call.body.items()}
        content = _writable(given.get("message") or {})
        if given.get("comment") and "body" in content:
            raise RefusedError(
                error(
                    400,
                    "ErrorInvalidRequest",
                    "Specify either a comment or the body of the message, not both.",
                )
            )
        quoted = original.content.get("body", {}).get("content", "")
        comment = html.escape(given.get("comment") or "")
        content.setdefault("body", {"contentType": "html", "content": f"{comment}<hr>{quoted}"})
        content.setdefault("subject", f"RE: {original.content.get('subject', '')}")
        content.setdefault("toRecipients", self._reply_to(original))
        draft = self._new_draft(original.mailbox, content, original.conversation_id)
        return Answer(self._render(draft, call), 201)

    def update_draft(self, call: Call) -> Answer:
        message = self._message(call)
        if not message.is_draft and set(call.body) - {"isRead", "categories", "flag"}:
            raise RefusedError(
                error(400, "ErrorInvalidPropertySet", "The property cannot be set on a sent item.")
            )
        message.content |= _writable(call.body)
        message.changed_at = self.world.clock.now()
        return Answer(self._render(message, call))

    def delete_message(self, call: Call) -> Answer:
        del self.world.messages[self._message(call).id]
        return Answer(None, 204)

    def add_attachment(self, call: Call) -> Answer:
        message = self._message(call)
        attachment = {**call.body, "id": self.world.ids.new("AAMkATT")}
        message.attachments.append(attachment)
        return Answer(attachment, 201)

    # --- sending ------------------------------------------------------------------------------

    def send(self, call: Call) -> Answer:
        draft = self._message(call)
        if not draft.is_draft:
            raise RefusedError(error(403, "ErrorAccessDenied", "The message was sent already."))
        if not any(
            _addresses(draft.content, f"{field}Recipients") for field in ("to", "cc", "bcc")
        ):
            raise RefusedError(
                error(
                    400,
                    "ErrorInvalidRecipients",
                    "At least one recipient is not valid., Recipient is required.",
                )
            )
        lag = self.knobs.send_lag_seconds
        now = self.world.clock.now()
        sent = Message(
            id=self.world.ids.new("AAMkAGSENT", 64),
            mailbox=draft.mailbox,
            folder="sentitems",
            is_draft=False,
            content=dict(draft.content),
            internet_message_id=draft.internet_message_id,
            conversation_id=draft.conversation_id,
            created_at=draft.created_at,
            changed_at=now,
            sent_at=now,
            attachments=draft.attachments,
            visible_at=time.monotonic() + lag,
        )
        if lag:
            draft.gone_at = time.monotonic() + lag
        else:
            del self.world.messages[draft.id]
        self.world.messages[sent.id] = sent
        self._tell(sent)
        return Answer(None, 202)

    def _tell(self, sent: Message) -> None:
        content = sent.content
        body = content.get("body", {})
        extended = content.get("singleValueExtendedProperties", [])
        headers = content.get("internetMessageHeaders", [])
        self.world.saw_mail(
            MailEffect(
                at=sent.sent_at or self.world.clock.now(),
                sender=sent.mailbox,
                to=_addresses(content, "toRecipients"),
                cc=_addresses(content, "ccRecipients"),
                bcc=_addresses(content, "bccRecipients"),
                reply_to=_addresses(content, "replyTo"),
                subject=content.get("subject") or "",
                content_type="html" if body.get("contentType", "text") == "html" else "text",
                body=body.get("content") or "",
                key=extended[0].get("value") if extended else None,
                headers={header["name"]: header.get("value") or "" for header in headers},
                internet_message_id=sent.internet_message_id,
                conversation_id=sent.conversation_id,
                message_id=sent.id,
            )
        )

    # --- reading ------------------------------------------------------------------------------

    def get_message(self, call: Call) -> Answer:
        return Answer(self._render(self._message(call), call))

    def list_messages(self, call: Call) -> Answer:
        return self._list(call, self._in_mailbox(call))

    def list_folder(self, call: Call) -> Answer:
        wanted = call.path["mailFolder-id"].lower()
        if wanted not in FOLDERS:
            raise RefusedError(_item_not_found())
        folder = FOLDERS[wanted]
        return self._list(call, [m for m in self._in_mailbox(call) if m.folder == folder])

    def list_attachments(self, call: Call) -> Answer:
        return Answer({"value": self._message(call).attachments})

    def _list(self, call: Call, messages: Sequence[Message]) -> Answer:
        q = call.query
        for unsupported in ("$search", "$count"):
            if unsupported in q:
                raise RefusedError(error(400, "BadRequest", f"{unsupported} is not played here."))
        found = list(messages)
        if "$filter" in q:
            rules = parse_filter(q["$filter"])
            settled = time.monotonic() - self.knobs.filter_lag_seconds
            found = [m for m in found if m.visible_at <= settled and all(rule(m) for rule in rules)]
        newest = sorted(found, key=lambda m: m.changed_at, reverse=True)
        skip, top = q.get("$skip", 0), q.get("$top", 10)
        page: Json = {
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/messages",
            "value": [self._render(m, call) for m in newest[skip : skip + top]],
        }
        return Answer(page)

    # --- helpers ------------------------------------------------------------------------------

    def _mailbox(self, call: Call) -> str:
        mailbox = call.path["user-id"].lower()
        known = self.knobs.mailboxes
        if "@" not in mailbox or (known and mailbox not in {m.lower() for m in known}):
            raise RefusedError(
                error(404, "ErrorInvalidUser", f"The requested user '{mailbox}' is invalid.")
            )
        return mailbox

    def _in_mailbox(self, call: Call) -> list[Message]:
        mailbox, now = self._mailbox(call), time.monotonic()
        return [m for m in self.world.messages.values() if m.mailbox == mailbox and _exists(m, now)]

    def _message(self, call: Call) -> Message:
        message = self.world.messages.get(call.path["message-id"])
        if (
            message is None
            or message.mailbox != self._mailbox(call)
            or not _exists(message, time.monotonic())
        ):
            raise RefusedError(_item_not_found())
        return message

    def _new_draft(self, mailbox: str, content: Json, conversation: str | None = None) -> Message:
        now = self.world.clock.now()
        draft = Message(
            id=self.world.ids.new("AAMkAGDRAFT", 64),
            mailbox=mailbox,
            folder="drafts",
            is_draft=True,
            content=content,
            internet_message_id=f"<{self.world.ids.new('')}@sandbox.example>",
            conversation_id=conversation or self.world.ids.new("AAQkAG"),
            created_at=now,
            changed_at=now,
            visible_at=time.monotonic(),
        )
        self.world.messages[draft.id] = draft
        return draft

    @staticmethod
    def _reply_to(original: Message) -> list[Json]:
        """A reply to what we sent ourselves goes to the same people, as Outlook does it."""
        content = original.content
        if original.folder == "sentitems":
            return list(content.get("toRecipients", []))
        return list(content.get("replyTo") or [content["from"]] if "from" in content else [])

    def _render(self, message: Message, call: Call) -> Json:
        content = {
            key: value
            for key, value in message.content.items()
            if key not in ("singleValueExtendedProperties", "internetMessageHeaders")
        }
        owner = {"emailAddress": {"name": message.mailbox, "address": message.mailbox}}
        body = content.get("body") or {"contentType": "text", "content": ""}
        rendered: Json = {
            "id": message.id,
            "createdDateTime": _iso(message.created_at),
            "lastModifiedDateTime": _iso(message.changed_at),
            "changeKey": "CQAAABYAAAD",
            "categories": [],
            "subject": "",
            "importance": "normal",
            "toRecipients": [],
            "ccRecipients": [],
            "bccRecipients": [],
            "replyTo": [],
            **content,
            "body": body,
            "bodyPreview": re.sub(r"<[^>]+>", "", body.get("content") or "")[:255],
            "sender": owner,
            "from": owner,
            "internetMessageId": message.internet_message_id,
            "conversationId": message.conversation_id,
            "hasAttachments": bool(message.attachments),
            "isDraft": message.is_draft,
            "isRead": True,
            "parentFolderId": message.folder,
            "webLink": f"https://outlook.office365.com/owa/?ItemID={message.id}",
        }
        if message.sent_at is not None:
            rendered["sentDateTime"] = rendered["receivedDateTime"] = _iso(message.sent_at)
        if wanted := call.query.get("$select"):
            rendered = {key: rendered[key] for key in ("id", *wanted) if key in rendered}
        if shown := self._expanded(message, call.query.get("$expand", ())):
            rendered["singleValueExtendedProperties"] = shown
        return rendered

    @staticmethod
    def _expanded(message: Message, expand: Sequence[str]) -> list[Json]:
        asked = ",".join(expand)
        if not asked:
            return []
        found = re.fullmatch(
            r"singleValueExtendedProperties\(\$filter=id eq '((?:[^']|'')*)'\)", asked
        )
        if found is None:
            raise RefusedError(error(400, "BadRequest", f"Could not expand {asked}."))
        wanted = found.group(1).replace("''", "'").casefold()
        return [
            p
            for p in message.content.get("singleValueExtendedProperties", [])
            if p["id"].casefold() == wanted
        ]


class _Rule:
    """One comparison of a `$filter`."""

    def __init__(self, field: str, value: str, property_id: str | None = None) -> None:
        self.field = field
        self.value = value
        self.property_id = property_id

    def __call__(self, message: Message) -> bool:
        if self.property_id is not None:
            return any(
                p["id"].casefold() == self.property_id.casefold()
                and (p.get("value") or "").casefold() == self.value.casefold()
                for p in message.content.get("singleValueExtendedProperties", [])
            )
        match self.field:
            case "internetMessageId":
                return message.internet_message_id == self.value
            case "conversationId":
                return message.conversation_id == self.value
            case "subject":
                return bool(message.content.get("subject") == self.value)
            case _:  # isDraft
                return message.is_draft == (self.value == "true")


_TEXT = r"'((?:[^']|'')*)'"
_EXTENDED = re.compile(
    r"singleValueExtendedProperties/any\((\w+):\s*\1/id eq "
    + _TEXT
    + r" and \1/value eq "
    + _TEXT
    + r"\)"
)
_PLAIN = re.compile(rf"(internetMessageId|conversationId|subject) eq {_TEXT}")
_DRAFT = re.compile(r"(isDraft) eq (true|false)")


def parse_filter(text: str) -> list[_Rule]:
    """The few filters that a mail ledger needs, joined by `and`. Raises `RefusedError`."""
    rules, rest = [], text.strip()
    while rest:
        if found := _EXTENDED.match(rest):
            _, property_id, value = found.groups()
            rules.append(_Rule("", _unquoted(value), _unquoted(property_id)))
        elif found := _PLAIN.match(rest) or _DRAFT.match(rest):
            rules.append(_Rule(found.group(1), _unquoted(found.group(2))))
        else:
            raise RefusedError(
                error(400, "ErrorInvalidUrlQueryFilter", f"The query filter is invalid: {text}")
            )
        rest = rest[found.end() :]
        if rest and not rest.startswith(" and "):
            raise RefusedError(
                error(400, "ErrorInvalidUrlQueryFilter", f"The query filter is invalid: {text}")
            )
        rest = rest.removeprefix(" and ").strip()
    return rules


def _unquoted(value: str) -> str:
    return value.replace("''", "'")


def error(status: int, code: str, message: str) -> Answer:
    """An error as OData words it."""
    body = {
        "error": {
            "code": code,
            "message": message,
            "innerError": {
                "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                "request-id": "00000000-0000-4000-8000-000000000000",
                "client-request-id": "00000000-0000-4000-8000-000000000000",
            },
        }
    }
    return Answer(body, status)


def _item_not_found() -> Answer:
    return error(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def _writable(body: Mapping[str, Any]) -> Json:
    return {
        key: value
        for key, value in body.items()
        if key not in SYSTEM_FIELDS and not key.startswith("@odata")
    }


def _addresses(content: Mapping[str, Any], field: str) -> tuple[str, ...]:
    return tuple(
        recipient["emailAddress"]["address"]
        for recipient in content.get(field) or ()
        if (recipient.get("emailAddress") or {}).get("address")
    )


def _exists(message: Message, now: float) -> bool:
    return message.visible_at <= now and (message.gone_at is None or now < message.gone_at)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
