"""The one door to language models. Behind it is litellm, imported only when a model is asked.

Nobody retries: not litellm, not the SDK beneath it. Each model of a list is asked once, all of
them together within the playbook's `timeout_seconds`, and whatever goes wrong becomes a
`ModelProblem` in plain words.
"""

import asyncio
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel

from activities.prompting import Message
from workflows.playbook import ModelChoice

log = logging.getLogger(__name__)

LEAST_TIME = 1.0  # seconds; asking with less is asking for nothing
REST = 60.0  # seconds a model is left alone after it let us wait, or failed several times in a row
TIRED_AFTER = 3
LONGEST_REST = 300.0
MILLION = Decimal(1_000_000)
# A model whose price nobody knows is booked as an expensive one, so that the budget still holds.
UNKNOWN_PRICE = (Decimal(5), Decimal(25))  # US dollars per million tokens, in and out


@dataclass(frozen=True)
class Answer:
    text: str
    model: str
    finish: str
    tokens_in: int
    tokens_out: int
    cost: Decimal


class ModelProblem(Exception):  # noqa: N818 - it is expected, not an error
    """Why there is no answer, in words for people. Never a provider's body, never a key."""

    def __init__(self, text: str, model: str | None = None) -> None:
        self.text = text
        self.model = model
        super().__init__(text)


class Asks(Protocol):
    """What the agent needs of a model; a test gives another one."""

    async def ask(
        self,
        choice: ModelChoice,
        messages: Sequence[Message],
        schema: type[BaseModel],
        *,
        deadline: float,
        allowance: Decimal,
    ) -> Answer: ...


def now() -> float:
    return time.monotonic()


class LiteLlm:
    """Asks models through litellm. Remembers which of them are resting."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._resting_until: dict[str, float] = {}

    async def ask(
        self,
        choice: ModelChoice,
        messages: Sequence[Message],
        schema: type[BaseModel],
        *,
        deadline: float,
        allowance: Decimal,
    ) -> Answer:
        """The first answer of the model or its fallbacks. Raises `ModelProblem`."""
        if not choice.model:
            raise ModelProblem("no model is configured")
        litellm = await asyncio.to_thread(library)
        problem = ModelProblem("there was no time to ask", choice.model)
        models = (choice.model, *choice.fallbacks)
        for place, model in enumerate(models):
            left = (deadline - now()) / (len(models) - place)
            if left < LEAST_TIME:
                break
            try:
                self._check(litellm, model, choice, messages, allowance)
                return await self._ask_one(litellm, model, choice, messages, schema, left)
            except ModelProblem as one:
                problem = one
        raise problem

    def _check(
        self,
        litellm: Any,
        model: str,
        choice: ModelChoice,
        messages: Sequence[Message],
        allowance: Decimal,
    ) -> None:
        if self._resting_until.get(model, 0.0) > now():
            raise ModelProblem(
                "the model was too slow or failed several times, and is left alone for a while",
                model,
            )
        worst = price(litellm, model, choice, rough_tokens(messages), choice.max_output_tokens)
        if worst > allowance:
            raise ModelProblem(
                f"over budget: {max(allowance, Decimal(0)):.2f} USD are left, "
                f"and an answer may cost {worst:.4f}",
                model,
            )

    async def _ask_one(
        self,
        litellm: Any,
        model: str,
        choice: ModelChoice,
        messages: Sequence[Message],
        schema: type[BaseModel],
        patience: float,
    ) -> Answer:
        try:
            async with asyncio.timeout(patience + 0.5):  # in case the library's own clock sleeps
                response = await litellm.acompletion(
                    model=model,
                    messages=list(messages),
                    response_format=schema,
                    max_tokens=choice.max_output_tokens,
                    temperature=0,
                    timeout=patience,
                    num_retries=0,
                    max_retries=0,
                    drop_params=True,
                    **_where(litellm, model, choice),
                )
        except Exception as error:
            self._failed(model, error)
            raise ModelProblem(_in_words(error), model) from None
        self._failures.pop(model, None)
        return _answer(litellm, model, choice, response)

    def _failed(self, model: str, error: Exception) -> None:
        count = self._failures[model] = self._failures.get(model, 0) + 1
        wait = _retry_after(error)
        was_waited_for = _in_words(error) == TOO_SLOW  # the same case would wait again for its mail
        if wait or was_waited_for or count >= TIRED_AFTER:
            self._resting_until[model] = now() + min(wait or REST, LONGEST_REST)
            self._failures[model] = 0


# ── litellm itself ──────────────────────────────────────────────────────────────────────


@cache
def library() -> Any:
    """litellm, imported once (it takes seconds) and silenced: no price list from the network, no
    telemetry, no callbacks, no logging of what was said.
    """
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.disable_aiohttp_transport = True  # its sessions outlive their event loop
    for name in ("callbacks", "success_callback", "failure_callback", "_async_success_callback"):
        setattr(litellm, name, [])
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return litellm


def _where(litellm: Any, model: str, choice: ModelChoice) -> dict[str, Any]:
    """Whom to ask, and how hard to think. A server of one's own wants no key, but the SDK does."""
    extra: dict[str, Any] = {}
    if choice.api_base:
        extra["api_base"] = choice.api_base
        if model.startswith("openai/") and not os.environ.get("OPENAI_API_KEY"):
            extra["api_key"] = "none"
    if "gpt-5" in model or "/o3" in model or "/o4" in model:
        extra["reasoning_effort"] = "low"  # thinking is billed as output
    return extra


def price(
    litellm: Any, model: str, choice: ModelChoice, tokens_in: int, tokens_out: int
) -> Decimal:
    """By the playbook's price, else by litellm's list, else a cautious guess."""
    rates = known_rates(litellm, model, choice) or UNKNOWN_PRICE
    return (rates[0] * tokens_in + rates[1] * tokens_out) / MILLION


def known_rates(litellm: Any, model: str, choice: ModelChoice) -> tuple[Decimal, Decimal] | None:
    """US dollars per million tokens, in and out; None when neither playbook nor litellm know."""
    if choice.input_price is not None and choice.output_price is not None:
        return Decimal(str(choice.input_price)), Decimal(str(choice.output_price))
    listed = litellm.model_cost.get(model) or litellm.model_cost.get(model.split("/", 1)[-1])
    if not listed:
        return None
    per_token = (listed.get("input_cost_per_token"), listed.get("output_cost_per_token"))
    return Decimal(str(per_token[0] or 0)) * MILLION, Decimal(str(per_token[1] or 0)) * MILLION


def rough_tokens(messages: Sequence[Message]) -> int:
    """On the safe side: no language needs more than a token for two bytes of its text."""
    return sum(len(message["content"].encode()) for message in messages) // 3 + 50


def _answer(litellm: Any, model: str, choice: ModelChoice, response: Any) -> Answer:
    try:
        first = response.choices[0]
        text, finish = first.message.content or "", first.finish_reason or ""
        usage = response.usage
        tokens = (int(usage.prompt_tokens or 0), int(usage.completion_tokens or 0))
    except (AttributeError, IndexError, TypeError):
        raise ModelProblem("the answer had no content", model) from None
    return Answer(
        text=str(text),
        model=model,
        finish=str(finish),
        tokens_in=tokens[0],
        tokens_out=tokens[1],
        cost=price(litellm, model, choice, *tokens),
    )


TOO_SLOW = "the model did not answer in time"
# Subclasses before their base: litellm's families come from the openai SDK.
_PROBLEMS: Mapping[str, str] = {
    "ContextWindowExceededError": "the case is too long for the model",
    "ContentPolicyViolationError": "the model declined to answer",
    "UnsupportedParamsError": "the model does not support what was asked of it",
    "AuthenticationError": "the model's key was not accepted",
    "PermissionDeniedError": "the model's key was not accepted",
    "NotFoundError": "the model does not exist there",
    "RateLimitError": "the model's provider limits us",
    "Timeout": TOO_SLOW,
    "TimeoutError": TOO_SLOW,
    "APITimeoutError": TOO_SLOW,
    "ServiceUnavailableError": "the model's provider is down",
    "InternalServerError": "the model's provider is down",
    "APIConnectionError": "the model's provider could not be reached",
    "BadRequestError": "the model's provider refused the question",
}


def _in_words(error: Exception) -> str:
    for kind in type(error).__mro__:
        if kind.__name__ in _PROBLEMS:
            return _PROBLEMS[kind.__name__]
    return f"asking the model failed ({type(error).__name__})"


def _retry_after(error: Exception) -> float | None:
    """Where litellm keeps the provider's own wish; `error.response` is not the provider's."""
    headers = getattr(error, "litellm_response_headers", None) or {}
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, TypeError, ValueError):
        return None
