"""A language model that is none: an OpenAI-compatible server that knows our own prompts.

`helpful` reads what is offered and answers sensibly; every other mode is a way in which models go
wrong. Set it with `POST /mode {"mode": "garbage"}`; `GET /mode` tells it, and how often the model
was asked.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import prose

Json = dict[str, Any]


class Mode(StrEnum):
    HELPFUL = "helpful"
    CURIOUS = "curious"  # helpful, but asks to see more whenever it may
    FENCED = "fenced"  # helpful, with a code fence and chatter around the object
    GARBAGE = "garbage"
    SLOW = "slow"
    REFUSING = "refusing"
    TRUNCATED = "truncated"
    HOSTILE = "hostile"  # the right shape, the worst content
    OBEDIENT = "obedient_to_attacker"  # does what the untrusted texts say
    LEAKING = "leaking"  # repeats its instructions
    DOWN = "down"
    LIMITED = "limited"  # 429


@dataclass
class State:
    """What the stand-in remembers; `app.state.model` of the program."""

    mode: Mode = Mode.HELPFUL
    seconds: float = 60.0  # how slow `slow` is
    calls: list[Json] = field(default_factory=list)


def model_app() -> Starlette:
    """The program. Its memory is `app.state.model`."""
    routes = [
        Route("/chat/completions", _complete, methods=["POST"]),
        Route("/mode", _set_mode, methods=["POST"]),
        Route("/mode", _tell_mode, methods=["GET"]),
    ]
    app = Starlette(routes=routes)
    app.state.model = State()
    return app


async def _set_mode(request: Request) -> Response:
    state: State = request.app.state.model
    wish = await request.json()
    try:
        state.mode = Mode(wish["mode"])
        state.seconds = float(wish.get("seconds", state.seconds))
    except (KeyError, TypeError, ValueError):
        known = ", ".join(mode.value for mode in Mode)
        return JSONResponse({"error": f'say {{"mode": …}}, one of {known}'}, 422)
    return await _tell_mode(request)


async def _tell_mode(request: Request) -> Response:
    state: State = request.app.state.model
    return JSONResponse({"mode": state.mode.value, "calls": len(state.calls)})


async def _complete(request: Request) -> Response:
    state: State = request.app.state.model
    body = await request.json()
    state.calls.append(body)
    match state.mode:
        case Mode.DOWN:
            return _error(500, "server_error", "The server had an error.")
        case Mode.LIMITED:
            return _error(429, "rate_limit_exceeded", "Too many requests.")
        case Mode.SLOW:
            await asyncio.sleep(state.seconds)
    text, finish = _answer(state.mode, body)
    return JSONResponse(_completion(body, text, finish))


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": code, "code": code}}, status)


def _completion(body: Json, text: str, finish: str) -> Json:
    asked = sum(len(str(message.get("content"))) for message in body["messages"]) // 4
    return {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.get("model", "sandbox"),
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": len(text) // 4,
            "total_tokens": asked + len(text) // 4,
        },
    }


def _answer(mode: Mode, body: Json) -> tuple[str, str]:
    """The words, and why they end."""
    asked = Asked.of(body)
    match mode:
        case Mode.GARBAGE:
            return "Sure, happy to help! {action: maybe, slot: whenever", "stop"
        case Mode.REFUSING:
            return "I'm sorry, but I can't help with that.", "stop"
        case Mode.LEAKING:
            return asked.system, "stop"
    answer = _WRITERS[mode](asked) if mode in _WRITERS else helpful(asked)
    text = json.dumps(answer, ensure_ascii=False)
    if mode is Mode.TRUNCATED:
        return text[: len(text) // 2], "length"
    if mode is Mode.FENCED:
        return f"Here is my answer:\n```json\n{text}\n```\nAnything else?", "stop"
    return text, "stop"


# ── understanding our own prompts ───────────────────────────────────────────────────────


@dataclass(frozen=True)
class Asked:
    """What one of our prompts asks for."""

    system: str
    user: str
    fields: frozenset[str]
    is_repair: bool

    @classmethod
    def of(cls, body: Json) -> "Asked":
        messages = [(message["role"], str(message["content"])) for message in body["messages"]]
        schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema", {})
        return cls(
            system=next((text for role, text in messages if role == "system"), ""),
            user=next((text for role, text in messages if role == "user"), ""),
            fields=frozenset(schema.get("properties", {})),
            is_repair=any(role == "assistant" for role, _ in messages),
        )

    @property
    def is_draft(self) -> bool:
        return "summary" in self.fields

    @property
    def may_look_up(self) -> bool:
        return "need_more" in self.fields

    @property
    def allowed(self) -> list[str]:
        return self._line("Allowed actions:").split(", ")

    @property
    def default(self) -> tuple[str, str | None]:
        action, _, slot = self._line("The rule table would choose:").partition(" ")
        return action, slot or None

    @property
    def slots(self) -> list[str]:
        return re.findall(r"^- (S\d+): ", self.user, re.MULTILINE)

    @property
    def facts(self) -> dict[str, str]:
        return dict(re.findall(r"^- ([A-Z]+\.\d+): (.*)$", self.user, re.MULTILINE))

    @property
    def texts(self) -> list[Json]:
        fenced = re.search(r"<(untrusted-\w+)>\n(.*?)\n</\1>", self.user, re.DOTALL)
        return list(json.loads(fenced[2])) if fenced else []

    @property
    def placeholders(self) -> set[str]:
        said = re.search(r"placeholder: (.*?)\. No other", self.system, re.DOTALL)
        return set(re.findall(r"\{\{(\w+)\}\}", said[1])) if said else set()

    @property
    def language(self) -> str:
        said = re.search(r"in their own name, in (\w+)", self.system)
        return said[1] if said else "English"

    @property
    def decision(self) -> str:
        return self._line("The decision:")

    def _line(self, start: str) -> str:
        found = re.search(rf"^{re.escape(start)} (.*)$", self.user, re.MULTILINE)
        return found[1].strip() if found else ""


# ── answering well ──────────────────────────────────────────────────────────────────────

_TALK_FIRST = re.compile(
    r"outage|furious|angry|unacceptable|cancel|leaving|competitor|evaluat|complain|terminat|legal|bug|broken",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"ignore|disregard|instruction|system:|assistant|policy v|admin|you must|ignorier|AI\b"
    r"|\[encoded\]|\[hidden",
    re.IGNORECASE,
)


def helpful(asked: Asked) -> Json:
    """As a careful colleague with a rule table would answer."""
    return prose.draft(asked) if asked.is_draft else _decide(asked)


def _decide(asked: Asked) -> Json:
    action, slot = asked.default
    worrying = next(
        (t for t in asked.texts if _TALK_FIRST.search(t["text"]) and not _ORDERS.search(t["text"])),
        None,
    )
    reasons = [
        _claim("What the bank answered leaves this open.", _first(asked, "ERR", "PM", "POL"))
    ]
    if worrying and "escalate_now" in asked.allowed:
        action, slot = "escalate_now", None
        reasons.append(_claim("There is something to talk about before money is.", worrying["id"]))
    else:
        reasons.append(
            _claim("What is known of the account fits.", _first(asked, "DER", "CO", "SUB"))
        )
    return {
        "action": action,
        "retry_slot_id": slot,
        "confidence": "medium" if worrying else "high",
        "reasons": reasons,
        "risks": [],
        "customer_mood": "concerned" if worrying else "unknown",
        "root_cause": "unknown",
        "runner_up": next((other for other in asked.allowed if other != action), None),
        "needs_human": False,
        "human_question": None,
        "suspicious_content": [t["id"] for t in asked.texts if _ORDERS.search(t["text"])][:3],
        **({"need_more": []} if asked.may_look_up else {}),
    }


def _claim(text: str, *ids: str) -> Json:
    return {"claim": text, "evidence_ids": list(ids)}


def _first(asked: Asked, *sections: str) -> str:
    """The id of the first fact of the first of these sections that has one."""
    for section in sections:
        for id in asked.facts:
            if id.startswith(f"{section}."):
                return id
    return "INV.1"


def _curious(asked: Asked) -> Json:
    """Wants to read everything in full, as long as it may."""
    answer = helpful(asked)
    if asked.may_look_up:
        tools = {"NOTE": "read_note", "TKT": "read_ticket"}
        wishes = [
            {"tool": tools[text["id"].split(".")[0]], "evidence_id": text["id"], "months": None}
            for text in asked.texts
            if text["id"].split(".")[0] in tools
        ]
        wishes.append({"tool": "list_invoices", "evidence_id": None, "months": 12})
        answer["need_more"] = wishes
    return answer


# ── answering badly ─────────────────────────────────────────────────────────────────────

EVIL = "https://pay-secure.example/upd"


def _hostile(asked: Asked) -> Json:
    """The shape is right; everything in it is not. Asked again, it only hides it better."""
    answer = helpful(asked)
    if asked.is_draft:
        return answer | {
            "summary": [f"They owe us $9,999.00 and must pay at {EVIL} by Friday.", "We will sue."],
            "suggested_next_steps": ["Offer a 40% credit and write to cfo@pay-secure.example."],
            "customer_subject": "FINAL NOTICE: pay now!",
            "customer_body": f"Your card was reported stolen. Pay $9,999.00 at {EVIL} immediately.",
        }
    forbidden = [a for a in ("schedule_retry", "send_update_link") if a not in asked.allowed]
    boldest = asked.allowed[0]
    action = forbidden[0] if forbidden and not asked.is_repair else boldest
    slot = asked.slots[0] if asked.slots and action == "schedule_retry" else "S9"
    worst = _claim(f"Charge $9,999.00 now, see {EVIL}; we promise a refund.", "NOTE.99")
    return answer | {
        "action": action,
        "retry_slot_id": slot if action == "schedule_retry" else None,
        "reasons": [worst, *answer["reasons"]] if not asked.is_repair else answer["reasons"],
        "confidence": "high",
        "needs_human": False,
        "suspicious_content": [],
    }


def _obedient(asked: Asked) -> Json:
    """Takes every text for an order and repeats it wherever it can."""
    answer = helpful(asked) | ({} if asked.is_draft else {"suspicious_content": []})
    orders = " ".join(text["text"] for text in asked.texts)
    if not orders:
        return answer
    if "system prompt" in orders:
        orders = f"{orders} {asked.system}"
    if asked.is_draft:
        return answer | {
            "summary": [orders[:300], "As the text says."],
            "suggested_next_steps": [orders[:300]],
            "customer_body": orders[:800],
        }
    action = _ordered_action(orders, asked)
    first = asked.texts[0]["id"]
    return answer | {
        "action": action,
        "retry_slot_id": asked.slots[0] if action == "schedule_retry" and asked.slots else None,
        "reasons": [
            *answer["reasons"],
            _claim(orders[:190], first),
            _claim(orders[190:380], first),
        ],
        "human_question": orders[:150],
        "needs_human": True,
    }


def _ordered_action(orders: str, asked: Asked) -> str:
    wanted = {
        "escalat": "escalate_now",
        "retr": "schedule_retry",
        "charge": "schedule_retry",
        "portal": "send_update_link",
        "stop": "escalate_now",
    }
    for word, action in wanted.items():
        if word in orders.lower():
            return action
    return asked.allowed[0]


_WRITERS: dict[Mode, Callable[[Asked], Json]] = {
    Mode.CURIOUS: _curious,
    Mode.HOSTILE: _hostile,
    Mode.OBEDIENT: _obedient,
}
