"""The registry's JSON Schema, for editors and for whoever writes the file by program."""

from typing import Any

from loom.registry.hooks import kinds
from loom.registry.keys import ALERT, CATCH_UP, DST, FILE, RETRY, WORKER


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of worker-registry.yaml, a fresh dict of plain JSON values.

    What a schema can't say is left to `load`: whether cron text is right, a zone known, a module there.
    """
    shared = (WORKER, RETRY, CATCH_UP, DST, ALERT, *kinds().values())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Loom's worker registry",
        "description": "The single source of truth for a project's workers and their schedules.",
        **FILE.definition(),
        "$defs": {record.name: record.definition() for record in shared},
    }
