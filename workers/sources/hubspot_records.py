"""What HubSpot's CRM holds, as frozen values: records, who owns them, and where a person finds them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from loom.worker import PermanentError
from workers.sources.findings import plain

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"-?\d{5,15}")
# What HubSpot calls each kind of record in the addresses of its pages.
_PAGES = {"contacts": "0-1", "companies": "0-2", "deals": "0-3"}


@dataclass(frozen=True, slots=True)
class Record:
    """One record. properties: those that have a value; HubSpot gives every value as text. associations:
    by kind ('companies'), the ids of the records it is tied to, where they were asked for."""

    id: str
    properties: Mapping[str, str]
    associations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The property's value without surrounding space; empty when it has none."""
        return self.properties.get(name, "").strip()

    def when(self, name: str) -> datetime | None:
        """The property as an instant in UTC; None when it is empty or no date."""
        try:
            return instant(self.text(name))
        except ValueError:
            return None

    def number(self, name: str) -> float | None:
        """The property as a number; None when it is empty or none."""
        try:
            found = float(self.text(name))
        except ValueError:
            return None
        return found if math.isfinite(found) else None

    @property
    def name(self) -> str:
        """How people call it: a contact's, company's or deal's name, never a mail address."""
        person = " ".join(part for part in (self.text("firstname"), self.text("lastname")) if part)
        return person or self.text("name") or self.text("dealname") or "(no name)"


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of HubSpot who looks after records. active: False once the user was removed."""

    id: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """Where HubSpot's own pages are. portal: the account's number; None: no link can be made.
    app: the address of the account's region."""

    portal: str | None
    app: str

    def of(self, kind: str, record_id: str) -> str | None:
        if self.portal is None or kind not in _PAGES:
            return None
        return f"{self.app.rstrip('/')}/contacts/{self.portal}/record/{_PAGES[kind]}/{record_id}"


def instant(text: str) -> datetime | None:
    """A date as HubSpot writes it: ISO 8601, or milliseconds since 1970. UTC where it names no zone; None
    for nothing. Raises ValueError when it is no date."""
    if not text:
        return None
    try:
        if _MILLISECONDS.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(text))
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of any calendar") from None


def record_of(raw: Any, where: str) -> Record:
    """A record from an answer. where: names the place in the answer. Raises PermanentError for what has
    another shape than HubSpot's records."""
    entry = expect(raw, dict, where)
    properties = expect(entry.get("properties"), dict, f"{where}.properties")
    associations = entry.get("associations") or {}
    tied = {
        # The same id comes once for each label of the tie.
        str(kind): tuple(
            dict.fromkeys(
                identity(expect(one, dict, f"{where}.associations.{kind}").get("id"), where)
                for one in expect(ends, dict, f"{where}.associations.{kind}").get("results") or ()
            )
        )
        for kind, ends in expect(associations, dict, f"{where}.associations").items()
    }
    return Record(
        identity(entry.get("id"), f"{where}.id"),
        {str(name): str(value) for name, value in properties.items() if value not in (None, "")},
        tied,
    )


def owner_of(raw: Any, where: str) -> Owner:
    entry = expect(raw, dict, where)
    owner_id = identity(entry.get("id"), f"{where}.id")
    name = " ".join(str(entry[part]) for part in ("firstName", "lastName") if entry.get(part))
    return Owner(owner_id, name or f"owner {owner_id}", entry.get("archived") is not True)


def identity(value: Any, where: str) -> str:
    """An id, which HubSpot gives as text here and as a number there."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise PermanentError(f"HubSpot's {where}: expected an id, got {_shown(value)}")
    return str(value)


def expect(value: Any, kind: type, where: str) -> Any:
    """`value`, which has to be of this JSON kind. Raises PermanentError with the place."""
    if not isinstance(value, kind):
        wanted = "an object" if kind is dict else "a list" if kind is list else kind.__name__
        raise PermanentError(f"HubSpot's {where}: expected {wanted}, got {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return plain(repr(value), limit=60)
