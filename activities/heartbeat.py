"""Every step tells Temporal that it is still at work, so that a dead worker is noticed in seconds.

Without it the next worker would begin only when the step's own time-out is over: a minute for a
charge, five for a pass of the sweep.

What has begun is finished and written down: a step is not torn off between a vendor's answer and
our record of it because somebody cancelled the case or Temporal gave the step to another worker.
Only the worker's own shutdown ends it, after its grace.
"""

import asyncio
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


class Heartbeats(Interceptor):
    """For every activity of a worker that has a heartbeat time-out."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        expected = activity.info().heartbeat_timeout
        if expected is None or not expected:
            return await self.next.execute_activity(input)
        work = asyncio.ensure_future(self.next.execute_activity(input))
        while not work.done():
            try:
                await asyncio.wait({work}, timeout=expected.total_seconds() / 3)
            except asyncio.CancelledError:
                if _shutting_down():
                    work.cancel()
            if not work.done():  # most steps are over at once, and cost no message
                activity.heartbeat()
        return await work


def _shutting_down() -> bool:
    details = activity.cancellation_details()
    return details is not None and details.worker_shutdown
