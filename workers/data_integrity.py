"""Audit: which records and data files can't be relied on.

Reads contacts, companies, deals and owners in HubSpot, and the project's data files (CSV, JSON, YAML) with
their JSON Schemas; writes nothing. Finds duplicates, missing and malformed values, records tied to what isn't
there or to an owner who left, impossible dates, files that can't be read, violations of schemas, references
between files that lead nowhere; and says how each kind has changed since the last run.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from loom.worker import WorkerContext, WorkerOutput
from workers.sources.crm_checks import (
    Crm,
    check_dates,
    check_duplicates,
    check_formats,
    check_missing,
    check_owners,
    check_ties,
)
from workers.sources.data_checks import Field as FileField
from workers.sources.data_checks import (
    Files,
    Reach,
    check_flaws,
    check_readable,
    check_references,
    check_schemas,
    read_files,
)
from workers.sources.extras import extra
from workers.sources.findings import Note, listing, note, report
from workers.sources.folder import Folder
from workers.sources.formats import Fault, amount_fault, date_fault, domain_fault, mail_fault, phone_fault
from workers.sources.hubspot_crm import read_crm
from workers.sources.hubspot_settings import HubSpotSettings

KINDS = (
    "duplicate_contact", "duplicate_company", "missing", "malformed", "orphan", "owner", "impossible_date",
    "unreadable", "schema", "reference", "duplicate_key", "unchecked",
)  # fmt: skip

_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "contacts": (
        "firstname", "lastname", "email", "hs_additional_emails", "phone", "mobilephone",
        "associatedcompanyid", "hubspot_owner_id", "createdate", "date_of_birth",
    ),
    "companies": ("name", "domain", "website", "phone", "hubspot_owner_id", "createdate"),
    "deals": ("dealname", "dealstage", "amount", "closedate", "createdate", "hubspot_owner_id"),
}  # fmt: skip

LIBRARIES = ("rapidfuzz", "tldextract", "email_validator", "phonenumbers", "jsonschema")
_NAMES = {"contacts": ("contact",), "companies": ("company", "companies"), "deals": ("deal",)}


class Settings(HubSpotSettings):
    """region: the country (ISO 3166, 'US') of telephone numbers that name none.

    required: by kind of record, the properties that each must have.
    data, exclude: patterns of the project's data files, as in .gitignore. schemas: by pattern, the JSON
        Schema that files are held against. references: 'file:field' -> the 'file:field' that must hold its
        values.
    max_records: of each kind, read in one run. max_data_bytes: of all data files together.
    """

    region: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    required: dict[str, list[str]] = Field(
        default={
            "contacts": ["email"],
            "companies": ["name", "domain"],
            "deals": ["dealname", "closedate", "dealstage"],
        }
    )
    data: list[str] = Field(
        default=["data/**/*.csv", "data/**/*.tsv", "data/**/*.json", "data/**/*.yaml", "data/**/*.yml"]
    )
    exclude: list[str] = Field(default=[".git", ".loom", ".venv", "venv", "node_modules"])
    schemas: dict[str, str] = Field(default={})
    references: dict[str, str] = Field(default={})
    max_records: int = Field(default=50_000, ge=1)
    max_files: int = Field(default=500, ge=0)
    max_file_bytes: int = Field(default=5_000_000, ge=1)
    max_data_bytes: int = Field(default=50_000_000, ge=1)
    max_findings: int = Field(default=200, ge=1)
    delay: float = Field(default=0.1, ge=0)

    @field_validator("required")
    @classmethod
    def _of_kinds_that_are_read(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        if unknown := set(value) - set(_PROPERTIES):
            raise ValueError(f"{sorted(unknown)}: expected {', '.join(_PROPERTIES)}")
        return value

    @field_validator("references")
    @classmethod
    def _between_fields(cls, value: dict[str, str]) -> dict[str, str]:
        for text in (*value, *value.values()):
            FileField.of(text)
        return value


class Output(WorkerOutput):
    """records_checked: how many records were read in HubSpot. files_checked: how many data files.

    metrics: how many findings of each kind (`KINDS`), all in all `problems`, and once there is a last time to
    compare with, `new`, `resolved` and for each kind how it has changed (`missing_change`)."""

    records_checked: int
    files_checked: int


def run(context: WorkerContext[Settings]) -> Output:
    settings = context.settings
    for library in LIBRARIES:
        extra(library)  # before all the reading, not after it
    hubspot = settings.connect(context)
    crm = read_crm(hubspot, _wanted(settings), max_records=settings.max_records, progress=context.progress)
    folder = Folder(context.project)
    paths = _data_files(folder, settings)
    context.progress(f"reading {len(paths)} data files")
    reach = Reach(settings.max_files, settings.max_file_bytes, settings.max_data_bytes)
    files = read_files(folder, paths, reach)
    context.progress("comparing")
    notes = [*check_crm(crm, settings, context.now), *check_files(files, folder, settings)]
    return _output(notes, crm, files, hubspot.requests, context)


def check_crm(crm: Crm, settings: Settings, now: datetime) -> Iterator[Note]:
    pages = settings.pages
    yield from check_duplicates(crm, pages)
    yield from check_missing(crm, settings.required)
    yield from check_formats(crm, _faults(settings), pages)
    yield from check_ties(crm, pages)
    yield from check_owners(crm)
    yield from check_dates(crm, pages, now)
    yield from (_unread(what) for what in crm.unread)


def check_files(files: Files, folder: Folder, settings: Settings) -> Iterator[Note]:
    yield from check_readable(files)
    if files.left:
        yield _unread("data files beyond the limits", listing(files.left))
    for table in files.tables.values():
        yield from check_flaws(table)
    yield from check_schemas(files, settings.schemas, folder, settings.max_file_bytes)
    yield from check_references(files, settings.references)


def reads(settings: Settings, project: Path) -> Iterator[str]:
    """What a run would ask of HubSpot, and which files it would read, one line each."""
    for kind in _PROPERTIES:
        address = "0-3" if kind == "deals" else kind
        yield f"GET {settings.api}/crm/v3/objects/{address}: all, at most {settings.max_records:,}"
    for kind in ("companies", "contacts"):
        yield f"POST {settings.api}/crm/v3/objects/{kind}/batch/read: those that others name"
    yield f"GET {settings.api}/crm/v3/owners"
    folder = Folder(project)
    for pattern in settings.data:
        yield f"{pattern}: {_counted(len(folder.files([pattern], settings.exclude)), 'file')}"
    yield from (f"{path}: the schema of {pattern}" for pattern, path in settings.schemas.items())


def _wanted(settings: Settings) -> dict[str, list[str]]:
    return {
        kind: list(dict.fromkeys([*names, *settings.required.get(kind, ())]))
        for kind, names in _PROPERTIES.items()
    }


def _faults(settings: Settings) -> Mapping[str, Mapping[str, Fault]]:
    phone = phone_fault(settings.region)
    return {
        "contacts": {
            "email": mail_fault(), "phone": phone, "mobilephone": phone,
        },
        "companies": {"domain": domain_fault, "phone": phone},
        "deals": {"amount": amount_fault, "closedate": date_fault},
    }  # fmt: skip


def _data_files(folder: Folder, settings: Settings) -> list[str]:
    """The data files; schemas that lie among them are held against nothing."""
    schemas = set(settings.schemas.values())
    return [path for path in folder.files(settings.data, settings.exclude) if path not in schemas]


def _unread(what: str, which: str = "") -> Note:
    return note(
        "unchecked", "warning", "Part of the data was left unread", subject=what,
        detail=f"Not looked at, because it lies beyond the limits: {which or what}.",
        action="Raise `max_records`, `max_files` or `max_data_bytes` at worker 'data-integrity'.",
    )  # fmt: skip


def _output(
    notes: list[Note], crm: Crm, files: Files, requests: int, context: WorkerContext[Settings]
) -> Output:
    told = report(notes, kinds=KINDS, previous=context.previous, limit=context.settings.max_findings)
    records = {kind: len(some) for kind, some in crm.records.items()}
    count = len(files.tables)
    changes = _changes(told.metrics, context.previous)
    counted = ", ".join(_counted(number, *_NAMES[kind]) for kind, number in records.items())
    of_files = f"{_counted(count, 'data file')}" if count else "no data file (none fits `data`)"
    trend = ""
    if changes is not None:
        moved = [f"{kind.replace('_', ' ')} {by:+g}" for kind, by in changes.items() if by]
        trend = f" Since the last run: {', '.join(moved) or 'as many of each kind'}."
    return Output(
        summary=f"{counted} in HubSpot and {of_files} checked, {told.text}.{trend}",
        findings=told.findings,
        metrics=told.metrics
        | {f"{kind}_checked": number for kind, number in records.items()}
        | {"requests": requests, "problems": len(notes)}
        | {f"{kind}_change": by for kind, by in (changes or {}).items()},
        records_checked=sum(records.values()),
        files_checked=count,
    )


def _changes(metrics: Mapping[str, float], previous: Mapping[str, Any] | None) -> dict[str, float] | None:
    """By kind, how many more findings than last time; None without a last time."""
    before = previous.get("metrics") if previous is not None else None
    if not isinstance(before, Mapping):
        return None
    counts = {kind: before.get(kind, 0) for kind in KINDS}
    return {kind: metrics[kind] - count for kind, count in counts.items() if isinstance(count, int | float)}


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
