"""What this project writes to its logs, and what it never does.

An allow-list, enforced by the formatter, so that no caller can forget it: a line holds its event,
fields with the names in `FIELDS`, and of an error its type and where it happened. Everything else
becomes "…". The names of people and companies look like any other word; no pattern finds them, so
free text is not let through at all, neither in a field nor in the message of an exception.
What has the shape of an address, a number or a secret is masked even where text is allowed.

    logs.configure("worker")                   # JSON, or for people when stderr is a terminal
    log = structlog.get_logger("dunning.mail")
    log.info("letter sent", invoice=invoice, attempt=2)
    log.warning("letter for %s was refused: %s", invoice, code)   # the standard library's way
"""

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor
from temporalio import activity, workflow
from temporalio.runtime import LogForwardingConfig, LoggingConfig, TelemetryConfig, TelemetryFilter

HIDDEN = "…"
LONGEST_EVENT = 300
LONGEST_LIST = 20
LONGEST_CHAIN = 5  # errors that led to an error
DEEPEST_TRACE = 8  # frames, the innermost ones
LARGEST_NUMBER = 10**12  # more digits than any count, amount or time has: an account or a card

# ── what may be shown ───────────────────────────────────────────────────────────────────

ID = re.compile(r"(?=.*[\d_])[A-Za-z0-9]+(?:[-_.:][A-Za-z0-9]+)*", re.ASCII)
CODE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_.:/][A-Za-z0-9]+)*", re.ASCII)
LOWER_CODE = re.compile(r"[a-z][a-z0-9]*(?:[-_.:/][a-z0-9]+)*", re.ASCII)
ERROR_NAME = re.compile(r"[A-Z][A-Za-z]+(?:Error|Exception|Refused|Timeout|Warning)", re.ASCII)
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
UUID_SHAPE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,6})?")
LONGEST_WORD = 80


def _each(shape: re.Pattern[str], names: str) -> dict[str, re.Pattern[str]]:
    return dict.fromkeys(names.split(), shape)


FIELDS: Mapping[str, re.Pattern[str]] = {
    **_each(
        ID,
        "invoice customer charge payment_intent subscription event_id decision decision_id letter "
        "workflow_id run_id request_id schedule_id update_id playbook",
    ),
    **_each(
        CODE,
        "state action outcome verdict code codes decline_code status kind event_type source "
        "activity activity_type workflow_type signal update query queue task_queue queues system "
        "vendor model error alert kid version plan_tier effect purpose command route method "
        "decided_by reasons currency namespace build_id",
    ),
    **_each(
        NUMBER,
        "attempt attempts round cycle ordinal epoch step amount port tokens count started told "
        "listed found skipped speed cost",
    ),
    **_each(TIME, "at since until expires_at next_action_at resumes_at"),
}
MEASURES = ("_count", "_ms", "_seconds", "_bytes", "_tokens")  # any number whose name ends so

# ── what is masked wherever it turns up ─────────────────────────────────────────────────

MASKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?s:-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$))",
        r"[\w.+'%-]{1,254}(?:@|%40)[\w-]+(?:\.[\w-]+)*",  # an e-mail address; user:password@host
        r"\b(?:bearer|basic)\s+\S+",
        r"\b(?:sk|rk|pk|whsec|ek)_(?:live_|test_)?\w{6,}",  # Stripe
        r"\b(?:pat-|sk-|xox[a-z]-|gh[a-z]_|AKIA)[\w-]{8,}",
        r"\beyJ[\w-]{6,}(?:\.[\w-]*)*",  # JSON web tokens
        r"\b(?:password|passwd|secret|token|api[ _-]?key|signature)[\s'\"]*[:=]\s*\S+",
        r"/(?:pay|act)/\S+",  # our own links: who has one may use it
        r"[A-Za-z0-9+/_-]{48,}={0,2}",  # keys and tokens in base64 or hex
        r"(?<![\w.-])(?:\d[ .-]?){12,18}\d(?![\w-])",  # a card or account
        r"(?-i:\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){3,7}(?:[ -]?[A-Z0-9]{1,3})?\b)",  # IBAN
        r"\+\d[\d ()./-]{6,}\d",  # a phone number
        r"(?<![\w.:-])\(?\d{2,5}\)?[ /.-]\d{2,5}[ .-]\d{2,8}(?![\w:-])",
    )
)
URL = re.compile(r"\b([a-z][a-z0-9+.-]{1,15}://)(?:[^\s/?#@'\"]*@)?([^\s/?#'\"]*)[^\s'\"]*", re.I)
DATE = re.compile(r"\d{4}-\d\d-\d\d")
QUOTED = re.compile(r"\"[^\"]*(?:\"|$)|`[^`]*(?:`|$)|(?<!\w)[bu]?'[^']*(?:'(?!\w)|$)", re.DOTALL)
BRACED = re.compile(r"\{.*\}|\{.*$", re.DOTALL)


def mask(text: str) -> str:
    """Addresses, numbers, keys and the tokens of URLs become "…"; a URL keeps its host."""
    text = URL.sub(rf"\1\2/{HIDDEN}", text)
    for pattern in MASKS:
        text = pattern.sub(lambda found: found[0] if DATE.match(found[0]) else HIDDEN, text)
    return text


def sentence(text: str) -> str:
    """Constant words, as a programmer wrote them: values stand in quotes or braces, and go."""
    for values in (BRACED, QUOTED):
        text = values.sub(HIDDEN, text)
    return " ".join(mask(text).split())[:LONGEST_EVENT]


def field(name: str, value: Any) -> Any:
    """The value of one field, if its name is known and its shape is what the name promises."""
    if name.endswith(MEASURES):
        return _value(value, NUMBER)
    shape = FIELDS.get(name)
    return _value(value, shape) if shape else HIDDEN


def _value(value: Any, shape: re.Pattern[str]) -> Any:
    match value:
        case None | bool():
            return value
        case Enum():
            return _value(value.value, shape)
        case int() | float():
            return value if abs(value) < LARGEST_NUMBER else HIDDEN
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.isoformat()
        case str() | UUID():
            return _word(str(value), shape)
        case list() | tuple() | set() | frozenset():
            return [_value(item, shape) for item in list(value)[:LONGEST_LIST]]
        case _:
            return HIDDEN


def _word(text: str, *shapes: re.Pattern[str]) -> str:
    if len(text) > LONGEST_WORD or not any(shape.fullmatch(text) for shape in shapes):
        return HIDDEN
    return text if UUID_SHAPE.fullmatch(text) else mask(text)


class _Argument:
    """A `%s` of a log line: a number or a code is shown, anything a person wrote is not."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __str__(self) -> str:
        match self._value:
            case BaseException():
                return type(self._value).__name__
            case None | bool() | int() | float():
                return str(_value(self._value, NUMBER))
            case Enum():
                return _word(str(self._value.value), ID, CODE)
            case str() | UUID():
                return _word(str(self._value), ID, LOWER_CODE, ERROR_NAME, TIME, NUMBER)
            case _:
                return HIDDEN

    __repr__ = __str__

    def __int__(self) -> int:  # for %d
        return int(self._value)

    def __float__(self) -> float:  # for %.1f
        return float(self._value)


def _said(template: object, args: object) -> str:
    """`"%s was refused" % args`, with nothing in it that an argument should not show."""
    if not isinstance(template, str):
        return HIDDEN
    try:
        match args:
            case Mapping():
                template = template % {name: _argument(value) for name, value in args.items()}
            case tuple() if args:
                template = template % tuple(map(_argument, args))
    except (TypeError, ValueError, KeyError):
        pass  # the template itself still says what happened
    return sentence(template)


def _argument(value: Any) -> Any:
    plain = type(value) in (int, float) and abs(value) < LARGEST_NUMBER
    return value if plain else _Argument(value)


# ── errors ──────────────────────────────────────────────────────────────────────────────


def described(error: BaseException) -> list[dict[str, Any]]:
    """An error and what led to it: types and places. Messages may quote anybody, so they stay out.

    Only the operating system's words are kept (connection refused, no space left), and those of
    errors that promise it by `safe_to_log = True`.
    """
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < LONGEST_CHAIN:
        chain.append(_one(current))
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)
    return chain


def _one(error: BaseException) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": type(error).__name__}
    kind = getattr(error, "type", None)  # of a Temporal failure: a constant of ours
    if isinstance(kind, str):
        shown["code"] = _word(kind, CODE)
    if isinstance(error, OSError):
        shown["says"] = sentence(error.strerror or "")
    elif getattr(type(error), "safe_to_log", False):
        shown["says"] = sentence(str(error))
    shown["at"] = _places(error.__traceback__)
    return shown


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        path = "/".join(code.co_filename.replace("\\", "/").split("/")[-2:])
        places.append(f"{path}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-DEEPEST_TRACE:]


def _error_of(exc_info: Any) -> BaseException | None:
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exc_info()[1]
        case _:
            return None


# ── a line ──────────────────────────────────────────────────────────────────────────────


class _Line:
    """The formatter's first word: from a record and whatever was said, a line of allowed fields."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, logger: Any, method: str, said: EventDict) -> EventDict:
        record: logging.LogRecord = said.pop("_record")
        ours = said.pop("_from_structlog")
        event = said.pop("event", "")
        args = said.pop("positional_args", ())
        error = _error_of(said.pop("exc_info", None))
        line: EventDict = {
            "timestamp": _when(record),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "event": sentence(str(event)) if ours else _said(event, args),
        }
        line.update(_shown(_context_of(record)))
        line.update(_shown(_extras(record)))
        line.update(_shown(said))
        if error is not None:
            line["exception"] = described(error)
        return line


def _when(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


RESERVED = {"timestamp", "level", "process", "logger", "event", "exception", "stack_info", "stack"}


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Unknown fields keep their name, so that their author notices, but not their value."""
    return {
        name: field(name, value)
        for name, value in fields.items()
        if name not in RESERVED and re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name, re.ASCII)
    }


ON_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({})))


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as `extra=`. Libraries give much: only known names are looked at."""
    known = {
        name: value
        for name, value in vars(record).items()
        if name not in ON_EVERY_RECORD and (name in FIELDS or name.endswith(MEASURES))
    }
    core = getattr(record, "temporal_log", None)
    if core is not None:  # of Temporal's core; see `telemetry`
        known |= {name: value for name, value in core.fields.items() if name in FIELDS}
    return known


def _context_of(record: logging.LogRecord) -> dict[str, Any]:
    """Which case is this about? Inside an activity or a workflow, Temporal knows."""
    told = getattr(record, "temporal_workflow", None) or getattr(record, "temporal_activity", None)
    if isinstance(told, Mapping):
        names = ("workflow_id", "run_id", "activity_type", "attempt")
        context = {name: told[name] for name in names if told.get(name) is not None}
        if "workflow_run_id" in told:
            context["run_id"] = told["workflow_run_id"]
    else:
        context = _here()
    case = str(context.get("workflow_id", ""))
    if case.startswith("dunning-in_"):
        context["invoice"] = case.removeprefix("dunning-")
    return context


def _here() -> dict[str, Any]:
    if activity.in_activity():
        doing = activity.info()
        return {
            "workflow_id": doing.workflow_id,
            "run_id": doing.workflow_run_id,
            "activity_type": doing.activity_type,
            "attempt": doing.attempt,
        }
    if workflow.in_workflow():
        run = workflow.info()
        return {"workflow_id": run.workflow_id, "run_id": run.run_id}
    return {}


def _told_to_a_person(logger: Any, method: str, line: EventDict) -> EventDict:
    """On a terminal an error is a paragraph below its line."""
    chain = line.pop("exception", None)
    if chain:
        line["exception"] = "\n".join(
            "\n".join(
                (
                    "  ".join(str(one[key]) for key in ("type", "code", "says") if one.get(key)),
                    *(f"    {place}" for place in one["at"]),
                )
            )
            for one in chain
        )
    return line


# ── set-up ──────────────────────────────────────────────────────────────────────────────

# Their debug lines hold whole requests.
VENDORS = (
    *("aiohttp", "httpx", "httpcore", "hpack", "urllib3", "asyncpg"),
    *("stripe", "hubspot", "azure", "msal", "openai", "litellm", "LiteLLM"),
    *("msgraph", "msgraph_core", "kiota_abstractions", "kiota_http", "kiota_serialization_json"),
)
# They install handlers of their own whenever they are imported or started.
SELF_WILLED = ("uvicorn", "uvicorn.error", "LiteLLM", "LiteLLM Router", "LiteLLM Proxy")
SILENT = ("uvicorn.access", "aiohttp.access")  # paths hold customers' tokens


class _Handler(logging.StreamHandler[TextIO]):
    """The one way out."""


def configure(
    process: str, json: bool | None = None, *, stream: TextIO | None = None, level: str = "INFO"
) -> None:
    """Send every log line of this process through the allow-list, to standard error.

    `json`: one object a line for machines; by default unless standard error is a terminal.
    """
    out = stream or sys.stderr
    handler = _Handler(out)
    handler.setFormatter(_formatter(process, not out.isatty() if json is None else json))
    handler.addFilter(_vendors_only_warn)
    root = logging.getLogger()
    for old in list(root.handlers):
        if type(old) in (logging.StreamHandler, _Handler):  # of basicConfig: it would not mask
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    _hold_others_back()
    _configure_structlog()
    logging.captureWarnings(True)
    sys.excepthook = _last_words


def telemetry() -> TelemetryConfig:
    """Sends the lines of Temporal's core through us too; by itself it writes to standard error.

    `Runtime.set_default(Runtime(telemetry=logs.telemetry()))`, before the first client connects.
    """
    return TelemetryConfig(
        logging=LoggingConfig(
            filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
            forwarding=LogForwardingConfig(
                logger=logging.getLogger("temporalio.core"),
                append_target_to_name=False,
                prepend_target_on_message=False,
                append_log_fields_to_message=False,  # failures are among them
            ),
        )
    )


def _formatter(process: str, as_json: bool) -> logging.Formatter:
    last: Sequence[Processor] = (
        (structlog.processors.JSONRenderer(ensure_ascii=False),)
        if as_json
        else (_told_to_a_person, structlog.dev.ConsoleRenderer())
    )
    return structlog.stdlib.ProcessorFormatter(
        processors=[_Line(process), *last],
        foreign_pre_chain=[structlog.contextvars.merge_contextvars],
        pass_foreign_args=True,
        use_get_message=False,  # the arguments are looked at one by one
    )


def _hold_others_back() -> None:
    for name in VENDORS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SELF_WILLED:
        logging.getLogger(name).addFilter(_through_us)
    for name in SILENT:
        logging.getLogger(name).addFilter(_never)
    # As fields, not as text behind the message; `_context_of` reads them.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


def _vendors_only_warn(record: logging.LogRecord) -> bool:
    """Again at the handler, because a library may raise its own level when it is told to debug."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in VENDORS


def _through_us(record: logging.LogRecord) -> bool:
    """Hands the record to our handler and keeps it from the logger's own."""
    if not record.name.startswith("LiteLLM") or record.levelno >= logging.WARNING:
        logging.getLogger().handle(record)
    return False


def _never(record: logging.LogRecord) -> bool:
    return False


def _configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _last_words(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """An error that nobody caught is a log line too, with the same manners."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("dunning").critical(
        "stopped by an error that nobody caught", exc_info=(kind, error, trace)
    )
