"""`python -m sandbox --port N`: the stand-ins as one program, in memory."""

import argparse
import asyncio
import signal
import sys

from sandbox.app import create_app
from sandbox.server import listen, serving, url_of
from sandbox.world import World


async def serve(host: str, port: int) -> None:
    """Serve until interrupted or terminated."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    sock = listen(host, port)
    world = World()
    world.origin = url_of(sock)
    async with serving(create_app(world), sock) as origin:
        sys.stdout.write(f"sandbox ready at {origin}\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Stand-ins for Stripe, HubSpot, Microsoft Graph and a model provider.",
    )
    parser.add_argument("--port", type=int, default=12111, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.host, arguments.port))


if __name__ == "__main__":
    main()
