"""Alerts through Apprise: one URL reaches Slack, Teams, mail, PagerDuty and many more.

https://github.com/caronc/apprise; it comes with the extra 'apprise'.
"""

import importlib.util
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import unquote

from loom.alerts.bounded import within
from loom.alerts.plain import plain
from loom.alerts.wording import named
from loom.domain.alert import EVERY_EVENT, RECOVERIES, Alert, Event
from loom.errors import DeliveryFailed

if TYPE_CHECKING:
    import logging

INSTALL = "Apprise isn't installed; install it with: pip install 'loom-runner[apprise]'"

_LOGGERS = ("apprise", "requests", "urllib3.connectionpool", "urllib3.util.retry")
_SHOWN = 300
_SHORTEST_SECRET = 4
# As Apprise itself tells several URLs in one text apart.
_NEXT_URL = re.compile(r"[\s,;]+(?=[A-Za-z0-9]{1,32}://)")
_SCHEME = re.compile(r"[A-Za-z0-9]{1,32}://")
# Chat services ring everybody at '@here' or '<!channel>' wherever it comes from; an address is left alone.
_MENTION = re.compile(r"(?<!\w)@(?=\w)|<(?=[!@#&])")

_overheard: ContextVar[list[str] | None] = ContextVar("overheard", default=None)


def installed() -> bool:
    return importlib.util.find_spec("apprise") is not None


def separate(urls: str) -> tuple[str, ...]:
    """The URLs of a text in which they stand one after another, with white space, ',' or ';' between."""
    return tuple(_NEXT_URL.split(urls.strip(" \t\r\n,;")))


class AppriseHook:
    """url: one Apprise URL; a secret, of which only the scheme is ever shown.
    timeout: seconds for a delivery as a whole."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 20.0,
        name: str = "apprise",
        events: Container[Event] = EVERY_EVENT,
    ) -> None:
        self.name = name
        self._url = url
        self._timeout = timeout
        self._events = events

    def wants(self, event: Event) -> bool:
        return event in self._events

    def deliver(self, alert: Alert) -> None:
        """Hand it to Apprise. Raises DeliveryFailed, with what Apprise said of it."""
        late = f"{self._shown()} hadn't taken it within {self._timeout:g} s; check that it answers"
        within(self._timeout, lambda: self._notify(alert), late)

    def _notify(self, alert: Alert) -> None:
        with _listening() as said:
            try:
                import apprise
            except ImportError as error:
                raise DeliveryFailed(f"Apprise can't be loaded ({error}); {INSTALL}") from None
            try:
                asset = apprise.AppriseAsset(
                    app_id="Loom", app_desc="Loom alerts", async_mode=False, secure_logging=True
                )
                service = apprise.Apprise(asset=asset)
                if not service.add(self._url) or len(service) != 1:
                    advice = "expected a URL such as https://github.com/caronc/apprise/wiki describes"
                    raise DeliveryFailed(f"{self._shown()} isn't taken by Apprise{self._why(said)}; {advice}")
                taken = service.notify(
                    title=title(alert),
                    body=body(alert),
                    notify_type=_tone(alert.event),
                    body_format=apprise.NotifyFormat.TEXT,
                )
            except DeliveryFailed:
                raise
            except Exception as error:  # noqa: BLE001  170 services, each with bugs of its own; all are failures
                why = self._without_secrets(f"{type(error).__name__}: {error}")
                raise DeliveryFailed(f"{self._shown()} broke: {why}") from None
            if not taken:
                raise DeliveryFailed(
                    f"{self._shown()} didn't take it{self._why(said) or '; it gave no reason'}"
                )

    def _shown(self) -> str:
        found = _SCHEME.match(self._url)
        return f"{found.group().lower() if found else ''}…"

    def _why(self, said: list[str]) -> str:
        reasons = dict.fromkeys(self._without_secrets(line) for line in said)
        return f": {plain('; '.join(reasons), _SHOWN)}" if reasons else ""

    def _without_secrets(self, text: str) -> str:
        """`text` without any part of the URL but its scheme."""
        after = _SCHEME.sub("", self._url, count=1)
        parts = {after, *re.split(r"[/?&=:@,+#\s]+", after)}
        forms = {
            form for part in parts for form in (part, unquote(part), part.lower(), unquote(part).lower())
        }
        for form in sorted(forms, key=len, reverse=True):
            if len(form) >= _SHORTEST_SECRET:
                text = text.replace(form, "…")
        return plain(text, _SHOWN)


def title(alert: Alert) -> str:
    """'Loom worker.down: Sentinel (relationship-sentinel)'."""
    who = f": {named(alert.worker, alert.agent)}" if alert.worker else ""
    return _unmentioned(plain(f"Loom {alert.event.value}{who}", 120))


def body(alert: Alert) -> str:
    """What happened, the error if that doesn't say it already, the run, and where its log can be read."""
    lines = [plain(alert.summary, 1_000)]
    if alert.error is not None:
        error = plain(f"{alert.error.kind}: {alert.error.message}", 300)
        where = f"at {plain(alert.error.where, 200)}" if alert.error.where else ""
        line = f"{'' if error in lines[0] else error} {where}".strip()
        if line:
            lines.append(line)
    if alert.run_id:
        lines.append(f"run {plain(alert.run_id, 100)}")
    text = _unmentioned("\n".join(lines))
    return f"{text}\n{plain(alert.run_url, 500)}" if alert.run_url else text


def _tone(event: Event) -> str:
    """Apprise's word for how bad it is; services make a colour or an icon of it."""
    if event in RECOVERIES:
        return "success"
    return "warning" if event is Event.WORKER_FAILING else "failure"


def _unmentioned(text: str) -> str:
    return _MENTION.sub(lambda found: f"{found.group()} ", text)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What Apprise and its HTTP client log meanwhile, from here on down: warnings and errors are kept, and
    nothing goes on to a log, for there are secrets in it. Whoever else uses them is logged as ever."""
    import logging

    said: list[str] = []

    def overhear(record: "logging.LogRecord") -> bool:
        if _overheard.get() is not said:
            return True
        if record.levelno >= logging.WARNING and record.name == "apprise":
            said.append(record.getMessage())
        return False

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    token = _overheard.set(said)
    for logger in loggers:
        logger.addFilter(overhear)
    try:
        yield said
    finally:
        for logger in loggers:
            logger.removeFilter(overhear)
        _overheard.reset(token)
