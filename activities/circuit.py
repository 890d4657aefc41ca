"""A vendor that refuses our credentials is asked once in a while, not by every case at once.

    closed ──refused──► open ──5 minutes──► one step asks ──accepted──► closed
                          ▲                        │
                          └────────refused─────────┘

Opening raises one alert; until it closes, every other step fails at once without a call. A refused
key (401) stops every step of that system; a missing permission (403) only the step that needs it.
The cases lose nothing: their steps are retried for as long as it takes.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.errors import LOOK_AGAIN, REFUSED

ASKING = timedelta(seconds=30)  # for the one step that asks on behalf of the others
EVERYTHING = "every step"

log = structlog.get_logger(__name__)

Monotonic = Callable[[], float]


class Circuit(Interceptor):
    """One per task queue, and so one per outside system."""

    def __init__(self, system: str, clock: Monotonic = time.monotonic) -> None:
        self._system = system
        self._clock = clock
        self._opens: dict[str, float] = {}  # by step, or EVERYTHING: when one may ask again
        self._because: dict[str, str] = {}

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Guarded(next, self)

    def check(self, step: str) -> None:
        """Raises while the circuit is open; lets one through when it is time to ask again."""
        for reach in (EVERYTHING, step):
            if (at := self._opens.get(reach)) is None:
                continue
            if (left := at - self._clock()) > 0:
                raise _not_asked(self._because[reach], timedelta(seconds=left))
            self._opens[reach] = self._clock() + ASKING.total_seconds()

    def failed(self, step: str, error: ApplicationError) -> None:
        if error.type != REFUSED:
            return
        reach = EVERYTHING if any(error.details) else step
        if reach not in self._opens:
            log.error(
                "a system refuses us, and its steps wait: people must act",
                alert="credentials_refused",
                system=self._system,
                activity_type=step,
            )
        self._because[reach] = error.message
        self._opens[reach] = self._clock() + LOOK_AGAIN.total_seconds()

    def worked(self, step: str) -> None:
        """Any answer shows that the key is good; only this step's shows that it is permitted."""
        for reach in (EVERYTHING, step):
            if self._opens.pop(reach, None) is not None:
                log.info("a system accepts us again", system=self._system, activity_type=step)


def _not_asked(because: str, wait: timedelta) -> ApplicationError:
    return ApplicationError(
        because,
        type=REFUSED,
        next_retry_delay=wait,
        category=ApplicationErrorCategory.BENIGN,  # it was told once; this one is not logged
    )


class _Guarded(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, circuit: Circuit) -> None:
        super().__init__(next)
        self._circuit = circuit

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        step = activity.info().activity_type
        self._circuit.check(step)
        try:
            answer = await self.next.execute_activity(input)
        except ApplicationError as error:
            self._circuit.failed(step, error)
            raise
        self._circuit.worked(step)
        return answer
