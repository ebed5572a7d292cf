"""Distinction of transport errors from exceptions that only passed through the transport.

A signal handler may raise at any point of a request, and libraries wrap its exception: httpcore
turns an `OSError` of a handler into a `ReadError`. Such exceptions belong to the caller.
"""

import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Final, Self, cast

_LIBRARIES: Final = frozenset(
    {
        *("httpx", "httpx2", "httpcore", "httpcore2", "h11", "h2", "anyio", "socksio"),
        *("pyreqwest", __name__.partition(".")[0]),
    }
)


class TransportErrors:
    """A context manager that catches transport errors only.

    Transport errors are instances of the library's own classes and of `OSError`, and built-in
    exceptions that the library itself raised. An exception of a signal handler, a hook or other
    foreign code surfaces; it is identified by its class or by the handler's frame.
    """

    error: Exception
    """The caught error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            raise_interruption(error)
            self.error = error
            return True
        return False


def raise_interruption(error: Exception) -> None:
    """Raise the exception in the causes of `error` that is not a transport error, if any."""
    for each in causes(error):
        if _passed_signal_handler(each) or not _is_transport_error(each):
            context = each.__context__
            try:
                raise each
            finally:  # `error` as the context would close a cycle, in which rich hangs
                each.__context__ = context


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, the root cause last."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):  # one exception per address of a host
            cause = cast("BaseExceptionGroup[BaseException]", cause).exceptions[-1]
        yield cause
        # httpcore drops the chain of causes, but keeps the last one as its own argument.
        wrapped = cause.args[0] if cause.args else None
        cause = cause.__cause__ or (wrapped if isinstance(wrapped, BaseException) else None)


def _is_transport_error(error: BaseException) -> bool:
    package = type(error).__module__.partition(".")[0]
    if package in _LIBRARIES:
        return True
    if package not in sys.stdlib_module_names or isinstance(error, MemoryError | RecursionError):
        return False
    return isinstance(error, OSError) or _raised_by_library(error)


def _raised_by_library(error: BaseException) -> bool:
    callers = [frame.f_globals.get("__name__", "").partition(".")[0] for frame in _frames(error)]
    outside = [name for name in callers if name not in sys.stdlib_module_names]
    return not outside or outside[-1] in _LIBRARIES  # no frames: raised outside of Python


def _passed_signal_handler(error: BaseException) -> bool:
    """Return whether the error passed a function with a frame as argument, as handlers have."""
    return any(
        isinstance(argument, FrameType)
        for frame in _frames(error)
        for argument in _arguments(frame)
    )


def _frames(error: BaseException) -> Iterator[FrameType]:
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _arguments(frame: FrameType) -> Iterator[object]:
    code = frame.f_code
    takes_any = bool(code.co_flags & 0x04)  # inspect.CO_VARARGS; importing `inspect` is slow
    count = code.co_argcount + code.co_kwonlyargcount + takes_any
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        if isinstance(value, tuple):
            yield from value
        else:
            yield value
