"""Reading whole tables of HubSpot's CRM, and which of the records they name aren't there."""

from collections.abc import Callable, Mapping, Sequence

from workers.sources.crm_checks import Crm, named_ids
from workers.sources.hubspot import HubSpot, up_to
from workers.sources.hubspot_records import Record

_TIED_TO = {"contacts": ("companies",), "companies": (), "deals": ("contacts", "companies")}


def read_crm(
    hubspot: HubSpot,
    properties: Mapping[str, Sequence[str]],
    *,
    max_records: int,
    progress: Callable[[str], None],
) -> Crm:
    """properties: by kind, what to read of each record. max_records: of each kind, at most.

    Raises what `HubSpot` raises.
    """
    records: dict[str, list[Record]] = {}
    unread: list[str] = []
    for kind, names in properties.items():
        progress(f"reading {kind}")
        found = hubspot.listing(kind, properties=names, associations=_TIED_TO[kind])
        records[kind] = list(up_to(max_records, found, kind, unread, progress))
    progress("reading owners and what the records name")
    absent: dict[str, frozenset[str]] = {}
    for kind, ids in named_ids(records).items():
        unknown = ids - {one.id for one in records.get(kind, ())}
        # What wasn't read may be there all the same: HubSpot is asked.
        there = {one.id for one in hubspot.read(kind, sorted(unknown), properties=["hs_object_id"])}
        absent[kind] = frozenset(unknown - there)
    return Crm(records=records, owners=hubspot.owners(), absent=absent, unread=unread)
