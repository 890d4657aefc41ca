"""Logging as one of our processes sets it up, but into memory, and undone afterwards."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from temporalio import activity, workflow

import logs


class Captured(io.StringIO):
    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        """The only line."""
        [line] = self.lines
        return line


@contextmanager
def configured(process: str = "test", json: bool | None = True) -> Iterator[Captured]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logs.VENDORS}
    out = Captured()
    logs.configure(process, json, stream=out)
    try:
        yield out
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook = hook
        logging.captureWarnings(False)
        for name in (*logs.SELF_WILLED, *logs.SILENT):
            logging.getLogger(name).filters.clear()
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        activity.logger.activity_info_on_message = True
        workflow.logger.workflow_info_on_message = True
        structlog.reset_defaults()
