"""`dunning serve` and `dunning worker`: the two processes that run for long, on uvloop."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import settings
from starter.errors import MISUSE, UserError

NEEDS: Mapping[str, tuple[type[settings.Settings], ...]] = {
    "cases": (settings.StripeSettings, settings.BillingSettings, settings.LinkSettings),
    "stripe": (settings.StripeSettings, settings.RecordsSettings),
    "hubspot": (settings.HubspotSettings, settings.RecordsSettings),
    "graph": (settings.GraphSettings, settings.StripeSettings, settings.RecordsSettings),
    "agent": (settings.AgentSettings,),
}


def run_server(web: settings.WebSettings, host: str, port: int) -> None:
    import logs
    from starter import server

    logs.configure("serve")
    listener = server.bind(host, port)
    _on_uvloop(server.serve(web, listener))


def run_worker(queues: Sequence[str] | None) -> None:
    """Settings are judged before the vendors' SDKs are loaded: a mistake is told at once."""
    wanted = tuple(queues or NEEDS)
    if unknown := [name for name in wanted if name not in NEEDS]:
        raise UserError(
            f"There is no queue {', '.join(unknown)}. The queues are {', '.join(NEEDS)}.", MISUSE
        )
    if queues is None:
        settings.check(settings.WorkerSettings)
    else:
        settings.check(*(kind for name in wanted for kind in NEEDS[name]))
    import worker
    from starter.desk import plainly

    with plainly(settings.load(settings.RecordsSettings).database_url.get_secret_value()):
        _on_uvloop(worker.run(queues))


def _on_uvloop(work: Coroutine[Any, Any, None]) -> None:
    try:
        from uvloop import new_event_loop
    except ImportError:  # not on Windows
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work)
