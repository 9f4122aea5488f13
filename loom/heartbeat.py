"""Pings for a dead man's switch outside: who hears nothing from it knows that Loom has stopped.

The paths are those of Healthchecks (https://healthchecks.io/docs/http_api/), which others understand too:
``URL/start`` as a tick begins, ``URL`` when it ended well, ``URL/fail`` when it didn't.
"""

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from loom import __version__
from loom.alerts.bounded import within
from loom.clock import Clock, SystemClock
from loom.domain.run import Run
from loom.domain.tick import TickReport
from loom.errors import DeliveryFailed, ExitCode, LoomError
from loom.values import replace

LOG_LIMIT = 10_000
"""Bytes of a ping's body, the exit code's line included."""

_PAUSE_S = 0.5
_MACHINE: Final[Clock] = SystemClock()


class Heartbeat:
    """url: the check's address; a secret, of which only scheme and host are ever shown.
    timeout: seconds for a ping as a whole, the second try of one that failed included.

    Nothing here raises: a ping that failed is a note, and no reason for a tick to end otherwise.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 5.0,
        clock: Clock = _MACHINE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.strip()
        self._timeout = timeout
        self._clock = clock
        self._sleep = sleep

    def start(self) -> str | None:
        """Say that a tick has begun. Returns a sentence if that couldn't be said."""
        return self._ping("/start", b"")

    def end(self, exit_code: int, log: str = "") -> str | None:
        """Say how a tick ended: well for exit code 0, else failed. The body is the exit code and the end of
        `log`. Returns a sentence if that couldn't be said."""
        head = f"exit code {exit_code}\n".encode()
        tail = log.encode("utf-8", "replace")[-(LOG_LIMIT - len(head)) :]
        # The cut may have gone through a character.
        body = head + tail.decode("utf-8", "ignore").encode()
        return self._ping("" if exit_code == 0 else "/fail", body)

    def _ping(self, suffix: str, body: bytes) -> str | None:
        place = self._place()
        if place is None:
            return "the heartbeat wasn't sent: its URL isn't a web address; expected https://host/path"
        late = f"{place} hadn't answered after {self._timeout:g} s"
        try:
            within(self._timeout, lambda: self._post(suffix, body, place, late), late)
        except DeliveryFailed as error:
            return f"the heartbeat wasn't heard: {error}"
        except Exception as error:  # noqa: BLE001  whatever it is, the tick comes first
            return f"the heartbeat wasn't heard: {place}: {type(error).__name__}"
        return None

    def _post(self, suffix: str, body: bytes, place: str, late: str) -> None:
        import httpx

        from loom.alerts.unlogged import unlogged

        deadline = self._clock.monotonic() + self._timeout
        headers = {"User-Agent": f"loom/{__version__}", "Content-Type": "text/plain; charset=utf-8"}
        url = self._address(suffix)
        problem = late
        with unlogged(), httpx.Client(follow_redirects=False, headers=headers) as client:
            for wait in (0.0, _PAUSE_S):
                self._sleep(wait)
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    break
                try:
                    with client.stream("POST", url, content=body, timeout=left) as answer:
                        status = answer.status_code
                except httpx.TimeoutException:
                    raise DeliveryFailed(late) from None
                except httpx.HTTPError as error:
                    # Its text may hold the address.
                    problem = f"{place} can't be reached ({type(error).__name__})"
                else:
                    if 200 <= status < 300:
                        return
                    problem = f"{place} answered {status}"
                    if status != 429 and status < 500:
                        break
        raise DeliveryFailed(problem)

    def _address(self, suffix: str) -> str:
        parts = urlsplit(self._url)
        return urlunsplit(parts._replace(path=parts.path.rstrip("/") + suffix, fragment=""))

    def _place(self) -> str | None:
        """Scheme, host and port; None for what is no web address."""
        try:
            parts = urlsplit(self._url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or not host:
            return None
        return f"{parts.scheme}://{host}{f':{port}' if port else ''}/…"


def beating(
    heartbeat: Heartbeat, tick: Callable[[], TickReport], *, mask: Callable[[str], str] = str
) -> TickReport:
    """Do `tick` between a ping for its start and one for its end; a ping that wasn't heard is a note of the
    report. What `tick` raises is told as a failure, by its exit code, and raised on.
    mask: for what is told of it; a report comes masked."""
    unheard = heartbeat.start()
    try:
        report = tick()
    except BaseException as error:
        said = str(error) if isinstance(error, LoomError) else type(error).__name__
        heartbeat.end(_exit_code(error), mask(said))
        raise
    notes = (unheard, heartbeat.end(int(report.exit_code), log_of(report)))
    return replace(report, notes=(*report.notes, *(note for note in dict.fromkeys(notes) if note)))


def _exit_code(error: BaseException) -> int:
    if isinstance(error, LoomError):
        return int(error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return int(ExitCode.INTERRUPTED)
    return int(ExitCode.BUG if isinstance(error, Exception) else ExitCode.TERMINATED)


def log_of(report: TickReport) -> str:
    """What a ping tells of a tick, one line each: runs, problems, notes. Neither outputs nor workers' logs:
    they stay with Loom."""
    lines = [_line(run) for run in report.runs]
    lines += [f"! {text}" for text in (*report.problems, *report.notes)]
    lines += [
        f"! alert {each.alert.event.value} by {each.hook}: {each.state.value}"
        for each in report.deliveries
        if each.error
    ]
    return "\n".join(lines) or "nothing was due"


def _line(run: Run) -> str:
    slot = f" slot {run.slot.isoformat()}" if run.slot else ""
    why = f"{run.error.kind}: {run.error.message}" if run.error else run.reason
    return " ".join(f"{run.outcome.value} {run.worker}{slot} {why}".split())
