"""HubSpot's CRM, read-only: searches, lists, batches, associations and owners, page by page.

Asks by GET, and by POST only where HubSpot made a question too long for an address a POST: `search` and
`batch/read`. The rule `hubspot-read-only` refuses everything else, whatever is written here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import httpx

from loom.worker import PermanentError
from workers.sources.fetching import Pace
from workers.sources.hubspot_asking import Asking, Limits
from workers.sources.hubspot_records import Owner, Record, expect, identity, owner_of, record_of

API = "https://api.hubapi.com"
# HubSpot's own limits.
_SEARCH_PAGE, _LIST_PAGE, _BATCH, _ASSOCIATION_BATCH, _OWNER_PAGE = 200, 100, 100, 1_000, 100
_SEARCH_REACH = 10_000
# Deals have their number in the addresses that HubSpot publishes.
_IN_ADDRESSES = {"deals": "0-3"}

Filter = Mapping[str, Any]
"""One condition of a search: `propertyName`, `operator`, and `value`, `values` or `highValue`."""


class HubSpot:
    """api: the API's address. Every method raises PermanentError or TransientError as `Asking` does, and
    PermanentError for an answer of another shape than HubSpot's."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    @classmethod
    def of(
        cls,
        client: httpx.Client,
        *,
        token: str,
        api: str,
        limits: Limits,
        delay_s: float,
        max_seconds: float,
        cancelled: Callable[[], bool],
    ) -> "HubSpot":
        """delay_s: between two requests. max_seconds: for all of them. cancelled: whether to stop."""
        pace = Pace(delay_s=delay_s, max_seconds=max_seconds, cancelled=cancelled)
        return cls(Asking(client, token=token, api=api, limits=limits, pace=pace))

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._asking.requests

    def search(
        self, kind: str, *, properties: Sequence[str], groups: Sequence[Sequence[Filter]] = ()
    ) -> Iterator[Record]:
        """Every record that fits one of the groups of conditions (all, without groups), in order of id.

        HubSpot shows the first 10,000 results of a search and refuses to go on; from there the search is
        asked anew for ids above the last one seen.
        """
        path, above, after = f"/crm/v3/objects/{_address(kind)}/search", 0, "0"
        highest, rising = 0, True
        while True:
            body = {
                "filterGroups": [{"filters": filters} for filters in _beyond(groups, above)],
                "sorts": ["hs_object_id"],
                "properties": list(properties),
                "limit": _SEARCH_PAGE,
                "after": after,
            }
            answer = self._asking.post(path, body)
            for record in _records(answer, f"POST {path}"):
                number = int(record.id) if record.id.isdecimal() else 0
                highest, rising = max(number, highest), rising and number > highest
                yield record
            following = _following(answer, f"POST {path}")
            if following is None:
                return
            if following == after:
                raise PermanentError(f"HubSpot's POST {path} goes round in circles at {following!r}")
            after = following
            if following.isdecimal() and int(following) + _SEARCH_PAGE > _SEARCH_REACH:
                # Out of order, the ids above the highest would leave out some that weren't shown yet.
                if not rising or highest <= above:
                    raise PermanentError(f"HubSpot's POST {path} isn't in order of id: some would be missed")
                above, after = highest, "0"

    def listing(
        self, kind: str, *, properties: Sequence[str], associations: Sequence[str] = ()
    ) -> Iterator[Record]:
        """Every record of a kind that isn't archived, with the ids it is tied to by `associations`."""
        query = {"limit": str(_LIST_PAGE), "properties": ",".join(properties), "archived": "false"}
        if associations:
            query["associations"] = ",".join(associations)
        path = f"/crm/v3/objects/{_address(kind)}"
        for answer in self._pages(path, query):
            yield from _records(answer, f"GET {path}")

    def read(self, kind: str, ids: Iterable[str], *, properties: Sequence[str]) -> Iterator[Record]:
        """The records of these ids that are there: what is archived or gone is left out."""
        path = f"/crm/v3/objects/{_address(kind)}/batch/read"
        for some in _batches(ids, _BATCH):
            body = {
                "inputs": [{"id": one} for one in some],
                "properties": list(properties),
                "propertiesWithHistory": [],
            }
            answer = self._asking.post(path, body)
            _only_absences(answer, f"POST {path}")
            yield from _records(answer, f"POST {path}")

    def associations(self, kind: str, to: str, ids: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """For each of the ids that is tied to records of the kind `to`: the id, and theirs. A record with
        many comes in several parts."""
        path = f"/crm/v4/associations/{kind}/{to}/batch/read"
        where = f"POST {path}"
        for some in _batches(ids, _ASSOCIATION_BATCH):
            inputs: list[dict[str, str]] = [{"id": one} for one in some]
            while inputs:
                answer = self._asking.post(path, {"inputs": inputs})
                _only_absences(answer, where)
                inputs = []
                for number, result in enumerate(expect(answer.get("results"), list, f"{where}: results")):
                    at = f"{where}: results[{number}]"
                    start = expect(expect(result, dict, at).get("from"), dict, f"{at}.from")
                    origin = identity(start.get("id"), f"{at}.from.id")
                    ends = expect(result.get("to"), list, f"{at}.to")
                    yield (
                        origin,
                        tuple(identity(expect(one, dict, at).get("toObjectId"), at) for one in ends),
                    )
                    following = _following(result, at)
                    if following is not None:
                        inputs.append({"id": origin, "after": following})

    def owners(self) -> dict[str, Owner]:
        """Everyone who owns, or once owned, records, by id."""
        found: dict[str, Owner] = {}
        path = "/crm/v3/owners"
        for archived in ("true", "false"):
            for answer in self._pages(path, {"limit": str(_OWNER_PAGE), "archived": archived}):
                for number, raw in enumerate(expect(answer.get("results"), list, f"GET {path}: results")):
                    owner = owner_of(raw, f"GET {path}: results[{number}]")
                    found[owner.id] = owner
        return found

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[Any]:
        after: str | None = None
        while True:
            answer = self._asking.get(path, {**query, "after": after} if after is not None else query)
            yield answer
            following = _following(answer, f"GET {path}")
            if following is None:
                return
            if following == after:
                raise PermanentError(f"HubSpot's GET {path} goes round in circles at {following!r}")
            after = following


def up_to(
    limit: int, found: Iterator[Record], kind: str, unread: list[str], progress: Callable[[str], None]
) -> Iterator[Record]:
    """The first so many records; that there are more is added to `unread`. Each thousand is told."""
    for number, one in enumerate(found):
        if number == limit:
            unread.append(f"{kind} beyond the first {limit:,}")
            return
        if number and number % 1_000 == 0:
            progress(f"{number:,} {kind}")
        yield one


def _batches(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    left = iter(dict.fromkeys(ids))
    while some := list(islice(left, size)):
        yield some


def _beyond(groups: Sequence[Sequence[Filter]], above: int) -> list[list[Filter]]:
    """The groups, each with the condition that the id is above this one; 0: as they are."""
    if not above:
        return [list(filters) for filters in groups]
    further: Filter = {"propertyName": "hs_object_id", "operator": "GT", "value": str(above)}
    return [[*filters, further] for filters in groups or ([],)]


def _records(answer: Any, where: str) -> Iterator[Record]:
    for number, raw in enumerate(expect(answer.get("results"), list, f"{where}: results")):
        yield record_of(raw, f"{where}: results[{number}]")


def _following(answer: Any, where: str) -> str | None:
    """Where the next page begins, or None."""
    paging = answer.get("paging")
    following = expect(paging, dict, f"{where}: paging").get("next") if paging is not None else None
    if following is None:
        return None
    return identity(expect(following, dict, f"{where}: paging.next").get("after"), f"{where}: paging.next")


def _only_absences(answer: Any, where: str) -> None:
    """A batch is answered in parts (207): what isn't there is told as an error, which is an answer too."""
    for error in answer.get("errors") or ():
        category = expect(error, dict, f"{where}: errors").get("category")
        if category != "OBJECT_NOT_FOUND":
            raise PermanentError(f"HubSpot's {where}: {category}: {str(error.get('message'))[:200]}")


def _address(kind: str) -> str:
    return _IN_ADDRESSES.get(kind, kind)
