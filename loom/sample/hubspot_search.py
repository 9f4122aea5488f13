"""How HubSpot searches: groups of conditions of which one group must hold whole, and an order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_Value = tuple[int, float, str]


def search(records: Iterable[Mapping[str, Any]], question: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The records that fit `question`, the body of a search, in the order it asks for (else by id).

    Raises ValueError for an operator that HubSpot doesn't know, KeyError for a condition without its parts.
    """
    groups = [group["filters"] for group in question["filterGroups"]]
    found = [one for one in records if not groups or any(_fits(one, filters) for filters in groups)]
    for sort in reversed(question["sorts"] or ["hs_object_id"]):
        found.sort(key=_by(sort.removeprefix("-")), reverse=sort.startswith("-"))
    return found


def value_of(record: Mapping[str, Any], name: str) -> str | None:
    """A property, including those that HubSpot keeps itself."""
    own = {
        "hs_object_id": record["id"],
        "createdate": record["createdAt"],
        "lastmodifieddate": record["updatedAt"],
    }
    value = record["properties"].get(name, own.get(name))
    return None if value is None else str(value)


def _by(name: str) -> Callable[[Mapping[str, Any]], _Value]:
    return lambda one: _comparable(value_of(one, name))


def _fits(record: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> bool:
    return all(_holds(value_of(record, one["propertyName"]), one) for one in filters)


def _holds(value: str | None, condition: Mapping[str, Any]) -> bool:
    operator = condition["operator"]
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (value not in (None, "")) is (operator == "HAS_PROPERTY")
    if operator in ("IN", "NOT_IN"):
        return (_comparable(value) in [_comparable(one) for one in condition["values"]]) is (operator == "IN")
    if operator not in _OPERATORS:
        raise ValueError(f"unknown operator {operator}")
    if value is None:
        return bool(operator == "NEQ")
    highest = _comparable(condition["highValue"]) if operator == "BETWEEN" else (0, 0.0, "")
    return _OPERATORS[operator](_comparable(value), _comparable(condition["value"]), highest)


_OPERATORS: Mapping[str, Callable[[_Value, _Value, _Value], bool]] = {
    "EQ": lambda value, other, _: value == other,
    "NEQ": lambda value, other, _: value != other,
    "GT": lambda value, other, _: value > other,
    "GTE": lambda value, other, _: value >= other,
    "LT": lambda value, other, _: value < other,
    "LTE": lambda value, other, _: value <= other,
    "BETWEEN": lambda value, lowest, highest: lowest <= value <= highest,
}


def _comparable(value: str | None) -> _Value:
    """Numbers, and dates as milliseconds since 1970, before text; text without regard to capitals."""
    if value is None:
        return (2, 0.0, "")
    try:
        return (0, float(value), "")
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return (1, 0.0, value.lower())
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (0, aware.timestamp() * 1000, "")
