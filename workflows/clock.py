"""Case time: the clock that rules, deadlines and everything people read go by.

It starts as the run's start. While the case waits it runs `speed` times faster than the wall, while
the case works it runs with it, and when a timer fires it reads exactly the planned instant. In
production the speed is 1 and case time is simply the time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow


class CaseClock:
    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return workflow.now() + self._ahead

    def catch_up(self, to: datetime) -> None:
        """A run that goes on for a lost one never tells an earlier time than that one did."""
        self._ahead = max(self._ahead, to - workflow.now())

    async def wait(self, until: datetime, news: Callable[[], bool], summary: str) -> bool:
        """Wait for case time `until` or for news. True when the news came first."""
        asked = workflow.now()
        remaining = until - self.now()
        if remaining <= timedelta(0):
            return news()
        try:
            await workflow.wait_condition(
                news, timeout=remaining / self.speed, timeout_summary=summary
            )
        except TimeoutError:
            self._ahead = until - workflow.now()
            return False
        waited = workflow.now() - asked
        self._ahead += min(waited * self.speed, remaining) - min(waited, remaining)
        return True
