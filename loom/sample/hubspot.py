"""A stand-in for HubSpot's CRM: answers searches, lists, batches, associations and owners in its shapes.

It holds records and changes none: whatever else is asked of it is answered as HubSpot answers the unknown.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from loom.sample.dates import moved
from loom.sample.exchange import Answered, Asked
from loom.sample.hubspot_search import search, value_of

Records = Mapping[str, Sequence[Mapping[str, Any]]]
"""By kind ('contacts', ..., 'owners'): each record with `id`, `properties`, `createdAt`, `updatedAt`, and
`associations`, the ids it is tied to by kind. A tie is told from both its ends."""

_KINDS = {"0-1": "contacts", "0-2": "companies", "0-3": "deals"}
_ALWAYS = ("createdate", "lastmodifieddate", "hs_object_id")
_BUSY = {"SECONDLY": "You have reached your secondly limit.", "DAILY": "You have reached your daily limit."}
_CORRELATION = "aeb5f871-7f07-4993-9211-075dc63e7cbf"


def records_in(folder: Path, *, moved_by: timedelta = timedelta()) -> dict[str, list[Mapping[str, Any]]]:
    """The records of a folder with a JSON file for each kind (`contacts.json`: a list), their days moved."""
    files = sorted(folder.glob("*.json"))
    return {file.stem: json.loads(moved(file.read_bytes(), moved_by)) for file in files}


class HubSpot:
    """token: the one it takes; None: any. expired: it takes none any more. lacks: a scope the token hasn't.
    busy: so many requests are answered 429 first, with `retry_after` (None: without that header), as the
    limit `policy` ('SECONDLY', 'DAILY') makes HubSpot do. broken: so many are answered 500 after that.
    page: no page is longer. reach: how far a search can be followed."""

    def __init__(
        self,
        records: Records,
        *,
        token: str | None,
        expired: bool = False,
        lacks: str | None = None,
        busy: int = 0,
        retry_after: str | None = "1",
        policy: str = "SECONDLY",
        broken: int = 0,
        page: int = 200,
        reach: int = 10_000,
    ) -> None:
        self._records = {kind: {str(one["id"]): one for one in held} for kind, held in records.items()}
        self._token, self._expired, self._lacks = token, expired, lacks
        self._busy, self._retry_after, self._policy, self._broken = busy, retry_after, policy, broken
        self._page, self._reach = page, reach
        self._ties = _ties(self._records)

    def __call__(self, asked: Asked) -> Answered:
        try:
            return self._fault(asked) or self._answer(asked)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return _error(400, "VALIDATION_ERROR", f"Invalid input: {error!r}")

    def _fault(self, asked: Asked) -> Answered | None:
        if self._busy > 0:
            self._busy -= 1
            headers = {} if self._retry_after is None else {"Retry-After": self._retry_after}
            told = {"errorType": "RATE_LIMIT", "policyName": self._policy}
            return _error(429, "RATE_LIMITS", _BUSY[self._policy], headers, **told)
        if self._broken > 0:
            self._broken -= 1
            return _error(500, "INTERNAL_ERROR", "internal error")
        if self._expired:
            message = "The OAuth token used to make this call expired 5 minute(s) ago."
            return _error(401, "EXPIRED_AUTHENTICATION", message)
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token or self._token not in (None, token):
            message = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
            return _error(401, "INVALID_AUTHENTICATION", message)
        if self._lacks is not None:
            message = "One or more of the following scopes are required."
            detail = {"message": message, "context": {"requiredGranularScopes": [self._lacks]}}
            message = "This app hasn't been granted all required scopes to make this call."
            return _error(403, "MISSING_SCOPES", message, errors=[detail])
        return None

    def _answer(self, asked: Asked) -> Answered:
        match asked.path.strip("/").split("/"), asked.method:
            case ["crm", "v3", "objects", kind], "GET":
                return self._list(_KINDS.get(kind, kind), asked)
            case ["crm", "v3", "objects", kind, "search"], "POST":
                return self._search(_KINDS.get(kind, kind), asked)
            case ["crm", "v3", "objects", kind, "batch", "read"], "POST":
                return self._batch(_KINDS.get(kind, kind), asked)
            case ["crm", "v4", "associations", kind, to, "batch", "read"], "POST":
                return self._associations(_KINDS.get(kind, kind), _KINDS.get(to, to), asked)
            case ["crm", "v3", "owners"], "GET":
                return self._owners(asked)
        return _error(404, "OBJECT_NOT_FOUND", f"resource not found: {asked.method} {asked.path}")

    def _list(self, kind: str, asked: Asked) -> Answered:
        limit = min(int(asked.one("limit", "10")), 100, self._page)
        archived = asked.one("archived") == "true"
        held = [one for one in self._held(kind) if bool(one.get("archived")) is archived]
        properties = [name for name in asked.one("properties").split(",") if name]
        kinds = [name for name in asked.one("associations").split(",") if name]
        start = int(asked.one("after", "0"))
        shown = [
            self._shown(one, properties) | self._tied(kind, one, kinds) for one in held[start : start + limit]
        ]
        return Answered.of_json(200, {"results": shown, **_paging(start + limit, len(held))})

    def _search(self, kind: str, asked: Asked) -> Answered:
        question = asked.json()
        found = search([one for one in self._held(kind) if not one.get("archived")], question)
        start, asked_for = int(question["after"] or 0), int(question["limit"])
        limit = min(asked_for, self._page)
        if not 0 < asked_for <= 200 or start + limit > self._reach:
            return _error(400, "VALIDATION_ERROR", "Paging beyond the limits of a search")
        shown = [self._shown(one, question["properties"]) for one in found[start : start + limit]]
        return Answered.of_json(
            200, {"total": len(found), "results": shown, **_paging(start + limit, len(found))}
        )

    def _batch(self, kind: str, asked: Asked) -> Answered:
        question = asked.json()
        ids = [str(one["id"]) for one in question["inputs"]]
        if len(ids) > 100:
            return _error(400, "VALIDATION_ERROR", "The number of inputs must be at most 100.")
        held = {one: self._records.get(kind, {}).get(one) for one in ids}
        there = [one for one in held.values() if one is not None and not one.get("archived")]
        results = [self._shown(one, question["properties"]) for one in there]
        gone = [one for one, record in held.items() if record is None or record.get("archived")]
        absent = "Could not get some objects, they may be deleted or not exist. Check that ids are valid."
        errors = [_part("OBJECT_NOT_FOUND", absent, {"ids": gone})] if gone else []
        return _batch(results, errors)

    def _associations(self, kind: str, to: str, asked: Asked) -> Answered:
        inputs = asked.json()["inputs"]
        if len(inputs) > 1_000:
            return _error(400, "VALIDATION_ERROR", "The number of inputs must be at most 1000.")
        results, errors = [], []
        for one in inputs:
            ends = self._ties.get((kind, str(one["id"]), to), [])
            start = int(one.get("after", "0"))
            spec = {"category": "HUBSPOT_DEFINED", "typeId": 1}
            part = [
                {"toObjectId": end, "associationTypes": [spec]} for end in ends[start : start + self._page]
            ]
            if ends:
                further = _paging(start + self._page, len(ends))
                results.append({"from": {"id": str(one["id"])}, "to": part, **further})
            else:
                message = f"No {to} is associated with {kind} {one['id']}."
                errors.append(_part("OBJECT_NOT_FOUND", message, {"fromObjectId": [str(one["id"])]}))
        return _batch(results, errors)

    def _owners(self, asked: Asked) -> Answered:
        archived = asked.one("archived") == "true"
        held = [one for one in self._held("owners") if bool(one.get("archived")) is archived]
        start, limit = int(asked.one("after", "0")), min(int(asked.one("limit", "100")), self._page)
        return Answered.of_json(
            200, {"results": held[start : start + limit], **_paging(start + limit, len(held))}
        )

    def _held(self, kind: str) -> list[Mapping[str, Any]]:
        return list(self._records.get(kind, {}).values())

    def _shown(self, one: Mapping[str, Any], properties: Sequence[str]) -> dict[str, Any]:
        """As HubSpot shows a record: the properties asked for, null where they have no value, and its own."""
        named = dict.fromkeys([*properties, *_ALWAYS])
        return {
            "id": str(one["id"]),
            "properties": {name: value_of(one, name) for name in named},
            "createdAt": one["createdAt"],
            "updatedAt": one["updatedAt"],
            "archived": bool(one.get("archived")),
        }

    def _tied(self, kind: str, one: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
        tied = {to: self._ties.get((kind, str(one["id"]), to), []) for to in kinds}
        shown = {
            to: {"results": [{"id": end, "type": f"{kind}_to_{to}"} for end in ends]}
            for to, ends in tied.items()
            if ends
        }
        return {"associations": shown} if shown else {}


def _ties(records: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[tuple[str, str, str], list[str]]:
    ties: dict[tuple[str, str, str], dict[str, None]] = {}
    for kind, held in records.items():
        for one_id, one in held.items():
            for to, ends in (one.get("associations") or {}).items():
                for end in ends:
                    ties.setdefault((kind, one_id, to), {})[str(end)] = None
                    ties.setdefault((to, str(end), kind), {})[one_id] = None
    return {tie: list(ends) for tie, ends in ties.items()}


def _paging(following: int, total: int) -> dict[str, Any]:
    return {"paging": {"next": {"after": str(following)}}} if following < total else {}


def _batch(results: list[Any], errors: list[Any]) -> Answered:
    moment = "2026-06-15T14:00:00.000Z"
    told = {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment}
    if errors:
        return Answered.of_json(207, told | {"numErrors": len(errors), "errors": errors})
    return Answered.of_json(200, told)


def _part(category: str, message: str, context: Mapping[str, list[str]]) -> dict[str, Any]:
    """An error inside an answer that holds results too."""
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": context,
        "errors": [],
        "links": {},
    }


def _error(
    status: int, category: str, message: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Answered:
    envelope = {"status": "error", "message": message, "correlationId": _CORRELATION, "category": category}
    return Answered.of_json(status, envelope | more, headers)
