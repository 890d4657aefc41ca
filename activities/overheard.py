"""The door to language models, with a memory: what a model said before anyone judged it.

For `dunning evaluate` and `dunning models check`. Real cases never go through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel

from activities import answers, model
from activities.answers import DecisionAnswer, DraftAnswer, Flat, UnusableError
from activities.model import Answer, Asks, ModelProblem
from activities.prompting import Message
from workflows.playbook import ModelChoice


@dataclass(frozen=True)
class Call:
    """One question, and what came back."""

    schema: type[Flat]
    seconds: float
    answer: Answer | None
    problem: ModelProblem | None = None

    @property
    def is_draft(self) -> bool:
        return issubclass(self.schema, DraftAnswer)

    @property
    def parsed(self) -> Flat | None:
        """The answer, if it has the right shape; whether it makes sense is another question."""
        if self.answer is None:
            return None
        try:
            return answers.parse(self.answer.text, self.schema)
        except UnusableError:
            return None

    @property
    def citations(self) -> tuple[tuple[str, ...], ...]:
        """For each reason, risk or thing it says of the account: the evidence it names."""
        said = self.parsed
        if isinstance(said, DecisionAnswer):
            return tuple(tuple(claim.evidence_ids) for claim in (*said.reasons, *said.risks))
        if isinstance(said, DraftAnswer):
            return tuple(tuple(item.evidence_ids) for item in said.account_context)
        return ()


class Overheard:
    """Asks through another door and keeps every call."""

    def __init__(self, models: Asks) -> None:
        self._models = models
        self.calls: list[Call] = []

    def take(self) -> tuple[Call, ...]:
        """What was heard since it was last taken."""
        taken = tuple(self.calls)
        self.calls.clear()
        return taken

    async def ask(
        self,
        choice: ModelChoice,
        messages: Sequence[Message],
        schema: type[BaseModel],
        *,
        deadline: float,
        allowance: Decimal,
    ) -> Answer:
        assert issubclass(schema, Flat)
        start = model.now()
        try:
            answer = await self._models.ask(
                choice, messages, schema, deadline=deadline, allowance=allowance
            )
        except ModelProblem as problem:
            self.calls.append(Call(schema, model.now() - start, None, problem))
            raise
        self.calls.append(Call(schema, model.now() - start, answer))
        return answer
