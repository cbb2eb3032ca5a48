"""Logs for the operator: one event a line, plain values only.

An event is a constant name, `noun_verbed`, with keys. JSON where a machine reads
(no terminal, or journald), aligned text where a person does. No customer's data may
reach a log at all; the processors here are the last net, not the first.
"""

from __future__ import annotations

import logging
import math
import re
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from syncd.errors import SyncdError

# Shapes that no value of ours has: run, plan and batch ids are shorter than 40 in a row.
SHAPES = (
    (re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:=]+\.[^\s@<>\"'(),;:=]+"), "<e-mail>"),
    (re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])"), "<digest>"),
    (
        # Base64 with a "/" in it; without capitals and digits it is a path.
        re.compile(r"(?=[a-z0-9+/_-]*[A-Z])(?=[A-Za-z+/_-]*[0-9])[A-Za-z0-9+/_-]{40,}={0,2}"),
        "<token>",
    ),
    (re.compile(r"[A-Za-z0-9_+-]{40,}={0,2}"), "<token>"),
)

FRAMES = 4  # innermost calls named with an error; enough to find the line


def only_plain_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace anything but plain values by its type's name.

    A batch, an SDK exception or a request dictionary is one careless keyword away from
    the log; this keeps its content out.
    """
    return {key: _plain(value) for key, value in event.items()}


def _plain(value: object) -> object:
    if value is None or type(value) in {str, int, bool}:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else str(value)  # JSON has no NaN
    return f"<{type(value).__name__}>"


def scrub(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank e-mail addresses, digests and tokens inside texts, whatever let them in."""
    return {
        key: scrubbed(value) if isinstance(value, str) else value for key, value in event.items()
    }


def scrubbed(text: str) -> str:
    """Blank everything in a text that has the shape of an address, a digest or a token."""
    for shape, name in SHAPES:
        text = shape.sub(name, text)
    return text


def without_prose(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Name an exception by type and place; its message only if it is one of ours.

    Vendors write requests, SQL and bind values into their messages. Ours never hold any.
    """
    found = event.pop("exc_info", None)
    error = sys.exception() if found is True else found
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["error_at"] = _place(error.__traceback__)
        if isinstance(error, SyncdError):
            event["error_text"] = str(error)
    return event


def _place(trace: TracebackType | None) -> str:
    calls = traceback.extract_tb(trace)[-FRAMES:]
    return " > ".join(f"{call.name}:{call.lineno}" for call in calls)


class _FromLibraries(logging.Handler):
    """Passes on that a library warned, and in which words; never with which values.

    A record's text before its values are put in is written by a programmer and holds none.
    """

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            max(logging.DEBUG, min(record.levelno // 10 * 10, logging.CRITICAL)),
            "library_warned",
            logger=record.name,
            template=record.msg if isinstance(record.msg, str) else None,
            exc_info=record.exc_info,
        )


def set_up(stream: TextIO, environment: Mapping[str, str], *, level: int = logging.INFO) -> None:
    """Send this process's log events to a stream; call once, at its start.

    Args:
        stream: Standard error; standard output belongs to the commands.
        environment: `JOURNAL_STREAM` in it means that journald listens.
        level: The lowest level that is written, as `logging` numbers it.
    """
    machine = "JOURNAL_STREAM" in environment or not stream.isatty()
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if machine
        else structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in environment)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_prose,
            only_plain_values,
            scrub,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_FromLibraries()], level=logging.WARNING, force=True)
