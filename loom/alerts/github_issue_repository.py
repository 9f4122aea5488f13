"""The repository whose issues are written, and by which right."""

import re
from urllib.parse import urlsplit

from loom.alerts.plain import plain
from loom.values import dataclass

_NAME = re.compile(r"[0-9A-Za-z_.-]+/[0-9A-Za-z_.-]+")
_TOKEN = re.compile(r"[!-~]+")
_RIGHTS = "give the job 'permissions: {issues: write}', or a token of your own 'Issues: read and write'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """api: such as https://api.github.com. name: 'owner/name'. token_env: where the token came from, for
    what is said to a person."""

    api: str
    name: str
    token: str
    token_env: str

    @property
    def host(self) -> str | None:
        """Scheme, host and port of the API; None for what is no web address."""
        return place(self.api)

    @property
    def mistake(self) -> str | None:
        """What keeps every request from being sent, and what to do; None if nothing does."""
        if self.host is None:
            return "api_url isn't a web address; expected https://api.github.com or the like"
        if not _NAME.fullmatch(self.name):
            return f"repository is {plain(self.name, 80)!r}; expected owner/name"
        if not _TOKEN.fullmatch(self.token):
            # Not sent, for the HTTP client would log it.
            return f"{self.token_env} holds something that is no token; set it again"
        return None

    def advice(self, status: int) -> str:
        """What to do about a refusal, as the end of a sentence; empty where GitHub's own words must do."""
        match status:
            case 401:
                return f"; {self.token_env} holds no valid token, renew it"
            case 403:
                return f"; {self.token_env} may not do this in {self.name}: {_RIGHTS}"
            case 404:
                return (
                    f"; there is no {self.name}, or {self.token_env} can't see its issues: "
                    f"check 'repository', and {_RIGHTS}"
                )
            case 410:
                return (
                    f"; issues are switched off in {self.name}: switch them on in its settings, "
                    "or change alerts:"
                )
            case _ if 300 <= status < 400:
                return f"; {self.name} has moved: give 'repository' its new name"
        return ""


def place(url: str) -> str | None:
    """Scheme, host and port of a web address; None for what is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"
