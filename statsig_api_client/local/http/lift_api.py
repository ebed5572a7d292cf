"""The operation of the control API that computes the lift of an experiment. It needs the extra."""

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._runtime.parsers import JsonObject, SchemaError
from ..faults import ClientConnection
from ..project.model import suggestion
from ..recording import Recording
from ..state import ServerState
from .control_requests import ControlRequests

if TYPE_CHECKING:
    from ...lift import Experiment, Metric
    from ...lift.sources import RecordTable

MAX_EVENTS: Final = 1_000_000
"""The maximum number of recorded events; an analysis of more would slow down the server."""

MAX_SECONDS: Final = 30.0
"""The maximum duration of an analysis, which includes the wait for the previous one."""


_HINT: Final = "serve with `--db FILE` and run `statsig-api lift --db FILE`"


class LiftRequestDict(TypedDict):
    """An experiment and its metrics."""

    experiment: str
    metrics: list[str]
    environment: NotRequired[str | None]
    plannedUnits: NotRequired[int | None]
    byDay: NotRequired[bool]


class LiftApi:
    """The operation for one server.

    Args:
        state: The server's state.
        requests: The parser of requests.
        max_events: The maximum number of recorded events.
        max_seconds: The maximum duration of an analysis.
    """

    def __init__(
        self,
        state: ServerState,
        requests: ControlRequests,
        *,
        max_events: int = MAX_EVENTS,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._state = state
        self._requests = requests
        self._max_events = max_events
        self._max_seconds = max_seconds
        self._turn = asyncio.Lock()  # Several analyses at once would leave no time for requests.

    def routes(self) -> list[Route]:
        """Return the route of the operation."""
        return [Route("/local/lift", self.lift, methods=["POST"])]

    async def lift(self, request: Request) -> Response:
        """Compute the lift of an experiment from the recorded events and exposures."""
        call = await self._requests.body(request, LiftRequestDict)
        specs, recording, name = self._state.specs, self._state.recording, call["experiment"]
        if name not in specs.experiments:
            nearest = suggestion(name, specs.experiments)
            raise HTTPException(404, f"unknown experiment {name!r}{nearest}")
        if recording.count(self._max_events + 1) > self._max_events:
            raise HTTPException(
                413, f"expected at most {self._max_events:,} recorded events; {_HINT}"
            )
        try:
            async with asyncio.timeout(self._max_seconds), self._turn:
                report = await _report(_Analysis(call, specs.document, recording), request)
        except TimeoutError:
            raise HTTPException(
                503, f"expected a result within {self._max_seconds:g} s; {_HINT}"
            ) from None
        return JSONResponse(report)


class _Analysis:
    """One analysis, which another thread can stop."""

    def __init__(self, call: LiftRequestDict, specs: JsonObject, recording: Recording) -> None:
        self._call = call
        self._specs = specs
        self._recording = recording
        self._stopped = threading.Event()

    def run(self) -> JsonObject:
        """Return the report in JSON.

        Raises:
            HTTPException: The extra is not installed, or the experiment has no result.
            SchemaError: A metric is invalid.
        """
        try:
            return self._analyze()
        except ModuleNotFoundError as error:
            raise HTTPException(501, str(error)) from None

    def stop(self) -> None:
        """Stop the analysis; it raises `sqlite3.OperationalError`."""
        self._stopped.set()

    def load(self, records: "RecordTable", experiment: "Experiment") -> None:
        """Add all recorded events and exposures."""
        del experiment
        records.stop_when(self._stopped.is_set)
        for documents in self._recording.documents():
            records.add(documents)

    def _analyze(self) -> JsonObject:
        from ...lift import Experiment, LiftError, LiftOptions, analyze

        call = self._call
        metrics = [_parse_metric(index, text) for index, text in enumerate(call["metrics"])]
        options = LiftOptions(
            environment=call.get("environment", "production"), by_day=call.get("byDay", False)
        )
        try:
            experiment = Experiment.from_specs(self._specs, call["experiment"])
            experiment = experiment.with_planned_units(call.get("plannedUnits"))
            return analyze(self, experiment, metrics, options).to_dict()
        except LiftError as error:
            raise HTTPException(409, str(error)) from None


async def _report(analysis: _Analysis, request: Request) -> JsonObject:
    """Run an analysis in another thread, and stop it when the client or the server ends.

    Raises:
        ClientDisconnect: The client disconnected, or the server shuts down.
    """
    connection = ClientConnection.of(request.scope)
    future: Future[JsonObject] = Future()
    # Not a thread of a pool: those would keep a program alive that does not close its server.
    threading.Thread(
        target=_complete, args=(future, analysis), name="statsig-local-lift", daemon=True
    ).start()
    report = asyncio.wrap_future(future)
    end = asyncio.create_task(connection.ended.wait())
    try:
        either: tuple[asyncio.Future[Any], ...] = report, end
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not report.done():
            raise ClientDisconnect
        return report.result()
    finally:
        analysis.stop()
        report.cancel()
        end.cancel()


def _complete(future: Future[JsonObject], analysis: _Analysis) -> None:
    future.set_running_or_notify_cancel()
    try:
        future.set_result(analysis.run())
    except Exception as error:  # noqa: BLE001  (the request raises it)
        future.set_exception(error)


def _parse_metric(index: int, text: str) -> "Metric":
    from ...lift import LiftError, parse_metric

    try:
        return parse_metric(text)
    except LiftError as error:
        raise SchemaError(f"$.metrics[{index}]", str(error)) from None
