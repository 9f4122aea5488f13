"""Rules for tests whose subject is something else than the rules."""

from collections.abc import Mapping
from pathlib import Path

from loom.enforcement.places import places_of

NOWHERE = places_of(Path("/nowhere"), {})
"""The surroundings of a worker that touches none."""

PERMISSIVE: Mapping[str, str] = {
    "tests-may-write": """
        id: tests-may-write
        kind: files
        why: What these workers write shows that they ran.
        allow: {write: ["/**"]}
    """,
    "tests-may-start": """
        id: tests-may-start
        kind: process
        why: These workers end, hang and start things in every way there is.
        allow: {programs: [{program: "*"}], fork: true, native: true}
    """,
}
"""Rules that allow what workers in tests do beyond themselves."""
