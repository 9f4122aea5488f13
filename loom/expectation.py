"""Can an expectation ever be met? A path of ``expect:`` against the output model, before anything has run.

Whatever can't be told for certain (open models, serializers, types of other makers) is left to the run.
"""

import types
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, RootModel
from pydantic.fields import ComputedFieldInfo, FieldInfo

from loom.values import dataclass

_SCALARS = (str, int, float, bool, bytes, datetime, date, time, timedelta)
_UNIONS = (Union, types.UnionType)
_OWN_FORM = ("__get_pydantic_core_schema__", "model_dump_json")


@dataclass(frozen=True, slots=True)
class NoSuchPart:
    """part: the first part of the path that isn't there. holder: what hasn't got it, in words. choices: the
    names it has instead, if it has names. hint: what to write, or empty."""

    part: str
    holder: str
    choices: tuple[str, ...] = ()
    hint: str = ""


def missing_part(model: type[BaseModel], path: str) -> NoSuchPart | None:
    """What keeps `path` from leading anywhere in the JSON form of any output of `model`; None if nothing is
    known to. Never raises: a worker's model may be as odd as it likes."""
    try:
        return _of_model(model, path.split("."))
    except Exception:  # noqa: BLE001 - validators, generators and annotations are the worker's own code
        return None


def _lead(kind: Any, parts: list[str]) -> NoSuchPart | None:
    if not parts:
        return None
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *notes = get_args(kind)
        # Such a note may write the value in a form of its own.
        known = not any(hasattr(note, "__get_pydantic_core_schema__") for note in notes)
        return _lead(inner, parts) if known else None
    if origin in _UNIONS:
        return _of_any(get_args(kind), parts)
    if origin is Literal or kind in _SCALARS:
        return NoSuchPart(parts[0], _name(kind))
    holder = origin or kind
    if not isinstance(holder, type):
        return None
    if issubclass(holder, BaseModel):
        return _of_model(kind, parts)
    if holder in (list, tuple, set, frozenset):
        return _of_list(holder, get_args(kind), parts)
    if holder is dict:
        return _lead((*get_args(kind), Any, Any)[1], parts[1:])
    return None


def _of_any(kinds: Iterable[Any], parts: list[str]) -> NoSuchPart | None:
    """One member that has it, or may have it, is enough."""
    found = [_lead(kind, parts) for kind in kinds if kind is not type(None)]
    if not found or None in found:
        return None
    return max((each for each in found if each), key=lambda each: len(each.choices))


def _of_list(holder: type, kinds: tuple[Any, ...], parts: list[str]) -> NoSuchPart | None:
    if not parts[0].isdecimal():
        return NoSuchPart(parts[0], "a list", hint="its items are numbered, from 0")
    if holder is tuple and kinds[-1:] != (...,):
        return None
    return _lead(kinds[0] if kinds else Any, parts[1:])


def _of_model(model: type[BaseModel], parts: list[str]) -> NoSuchPart | None:
    model.model_rebuild()  # a model that is built late has no aliases before
    if _writes_itself(model):
        return None
    if issubclass(model, RootModel):
        return _lead(_annotation(model.model_fields["root"]), parts)
    fields = dict(_keys(model))
    field = fields.get(parts[0])
    if field is None:
        open_ = model.model_config.get("extra") == "allow"
        return None if open_ else NoSuchPart(parts[0], model.__qualname__, tuple(fields))
    return _lead(_annotation(field), parts[1:]) if _plain(model, field) else None


def _keys(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo | ComputedFieldInfo]]:
    """Each key of the JSON form, which is written by aliases, with its field."""
    for name, field in model.model_fields.items():
        if not field.exclude:
            yield field.serialization_alias or field.alias or name, field
    for name, computed in model.model_computed_fields.items():
        yield computed.alias or name, computed


def _annotation(field: FieldInfo | ComputedFieldInfo) -> Any:
    if isinstance(field, ComputedFieldInfo):
        return field.return_type
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _writes_itself(model: type[BaseModel]) -> bool:
    """Whether its form is decided by code of its own, not by its fields."""
    bases = [base for base in model.__mro__ if base not in (BaseModel, RootModel)]
    own = any(name in vars(base) for base in bases for name in _OWN_FORM)
    decorators = model.__pydantic_decorators__
    wrapped = any(each.info.mode == "wrap" for each in decorators.model_validators.values())
    return own or wrapped or bool(decorators.model_serializers)


def _plain(model: type[BaseModel], field: FieldInfo | ComputedFieldInfo) -> bool:
    """Whether no validator or serializer, which could make anything of it, is set on the field."""
    decorators = model.__pydantic_decorators__
    named = [
        *(each.info.fields for each in decorators.field_serializers.values()),
        *(each.info.fields for each in decorators.field_validators.values()),
        *(each.info.fields for each in decorators.validators.values()),
    ]
    set_on = {name for names in named for name in names}
    own = {**model.model_fields, **model.model_computed_fields}
    return "*" not in set_on and not any(own[name] is field for name in set_on & own.keys())


def _name(kind: Any) -> str:
    if kind in (int, float):
        return "a number"
    return "a boolean" if kind is bool else "text"
