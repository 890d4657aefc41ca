"""`dunning models check`: each configured model answers one question about an invented case.

It is asked as in a real case: the playbook's prompts, the same patience, the same reading of the
answer, one repair. Only the case is nobody's, and nothing is recorded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from activities import customer_letter, model
from activities.agent import Agent, Drafting, told
from activities.answers import DraftAnswer, UnusableError
from activities.decide import settle, weigh
from activities.invented import invoice_in_german
from activities.model import Asks, LiteLlm, ModelProblem
from activities.overheard import Call, Overheard
from activities.rehearsal import Purse
from activities.tongues import detected_language
from workflows.facts import Facts
from workflows.playbook import ModelChoice, Playbook
from workflows.steps import Ref

Purpose = Literal["decide", "draft"]
Schema = Literal["first try", "after repair", "no"]

# What to do about each of `activities/model.py`'s problems.
ADVICE = {
    "the model's key was not accepted": "Put the provider's key into the environment, under the "
    "name that litellm reads for this provider, and see that it may use this model.",
    "the model does not exist there": "Check the name: it is litellm's, with the provider in "
    "front, as in openai/… or ollama_chat/…. And api_base, if you set one: many end in /v1.",
    "the model's provider could not be reached": "Check api_base (or DUNNING_MODEL_API_BASE) and "
    "whether this machine may reach it.",
    "the model did not answer in time": "Raise timeout_seconds in the playbook (100 at most), "
    "or choose a faster model.",
    "the model's provider limits us": "Wait and try again, or raise the limit at the provider; a "
    "fallback at another provider helps.",
    "the model's provider is down": "Try again later; a fallback at another provider helps.",
    "the model does not support what was asked of it": "Choose a model that can answer in JSON.",
    "the model declined to answer": "Choose another model; this one will not speak of billing.",
    "the case is too long for the model": "Choose a model with a longer context.",
}
NOT_USABLE = (
    "It answers, but not so that an answer can be used. Choose a more capable model; if you "
    "changed the prompts, compare them with those that came with this project."
)
CUT_OFF = "Its answer was cut off. Raise max_output_tokens."
NO_PRICE = (
    "Its price is unknown, so it is booked as an expensive one and the budget is used up early. "
    "Set input_price and output_price in the playbook."
)
OTHER_LANGUAGE = "It did not write to the customer in the customer's language. Choose another."


@dataclass(frozen=True)
class Examined:
    """What one model made of one question."""

    model: str
    purpose: Purpose
    usable: bool
    schema: Schema
    language: str | None  # of the customer's message, as found; None: there was none
    language_wanted: str | None
    seconds: float
    tokens_in: int
    tokens_out: int
    cost_usd: Decimal
    price_known: bool
    problem: str | None
    advice: tuple[str, ...]

    @property
    def language_honoured(self) -> bool | None:
        """None when nothing was written to judge by."""
        return None if self.language is None else self.language == self.language_wanted


def configured(playbook: Playbook) -> list[tuple[Purpose, str]]:
    """Every model that may be asked, fallbacks included, and what for."""
    choices: tuple[tuple[Purpose, ModelChoice], ...] = (
        ("decide", playbook.agent.decide),
        ("draft", playbook.agent.draft),
    )
    return [
        (purpose, name)
        for purpose, choice in choices
        if choice.model
        for name in dict.fromkeys((choice.model, *choice.fallbacks))
    ]


async def examine(
    playbook: Playbook, purpose: Purpose, name: str, models: Asks | None = None
) -> Examined:
    """Ask this model alone."""
    facts = invoice_in_german()
    alone = _alone(playbook, purpose, name)
    ears = Overheard(models or LiteLlm())
    agent = Agent(ears, Purse())
    problem = await (_decide if purpose == "decide" else _draft)(agent, facts, alone)
    choice = alone.agent.decide if purpose == "decide" else alone.agent.draft
    wanted = customer_letter.language_for(facts, alone) if purpose == "draft" else None
    answers = [call.answer for call in ears.calls if call.answer]
    language = _language(ears.calls, wanted)
    priced = model.known_rates(model.library(), name, choice) is not None
    return Examined(
        model=name,
        purpose=purpose,
        usable=problem is None,
        schema=_schema(ears.calls),
        language=language,
        language_wanted=wanted,
        seconds=sum(call.seconds for call in ears.calls),
        tokens_in=sum(answer.tokens_in for answer in answers),
        tokens_out=sum(answer.tokens_out for answer in answers),
        cost_usd=sum((answer.cost for answer in answers), Decimal(0)),
        price_known=priced,
        problem=problem,
        advice=tuple(_advice(ears.calls, problem, priced, language in (None, wanted))),
    )


def _alone(playbook: Playbook, purpose: Purpose, name: str) -> Playbook:
    """Only this model, without fallbacks, in a company that can answer in German."""
    agent = playbook.agent
    choice = (agent.decide if purpose == "decide" else agent.draft).model_copy(
        update={"model": name, "fallbacks": ()}
    )
    languages = tuple(dict.fromkeys((*playbook.company.languages, "de")))
    return playbook.model_copy(
        update={
            "agent": agent.model_copy(update={purpose: choice}),
            "company": playbook.company.model_copy(update={"languages": languages}),
        }
    )


async def _decide(agent: Agent, facts: Facts, playbook: Playbook) -> str | None:
    weighed, pack = weigh(facts, playbook)
    return (await agent.propose(_ref(facts), pack, weighed.options, playbook)).problem


async def _draft(agent: Agent, facts: Facts, playbook: Playbook) -> str | None:
    weighed, pack = weigh(facts, playbook)
    verdict = settle(facts, weighed.options, None, playbook)
    about = Drafting(
        ref=_ref(facts), facts=facts, pack=pack, verdict=verdict, proposal=None, playbook=playbook
    )
    try:
        await agent.draft(about)
    except (ModelProblem, UnusableError) as problem:
        return told(problem)
    return None


def _ref(facts: Facts) -> Ref:
    return Ref(invoice=facts.invoice.id, cycle=1, round=1, now=facts.now)


def _schema(calls: list[Call]) -> Schema:
    tries: tuple[Schema, ...] = ("first try", "after repair")
    return next(
        (said for said, call in zip(tries, calls, strict=False) if call.parsed is not None), "no"
    )


def _language(calls: list[Call], wanted: str | None) -> str | None:
    """Of the last message to the customer that it wrote."""
    written = [call.parsed for call in calls]
    bodies = [d.customer_body for d in written if isinstance(d, DraftAnswer) and d.customer_body]
    return detected_language(bodies[-1], wanted) if bodies and wanted else None


def _advice(
    calls: list[Call], problem: str | None, priced: bool, language_fits: bool
) -> Iterator[str]:
    failed = next((call.problem for call in reversed(calls) if call.problem), None)
    if failed is not None and failed.text in ADVICE:
        yield ADVICE[failed.text]
    elif any(call.answer and call.answer.finish == "length" for call in calls):
        yield CUT_OFF
    elif problem is not None:
        yield NOT_USABLE
    if not language_fits:
        yield OTHER_LANGUAGE
    if not priced:
        yield NO_PRICE
