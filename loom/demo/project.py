"""The demo's project: the sample company's, moved to the week of the demo, with three settings of its own."""

from pathlib import Path

from loom.demo.week import MOVED_BY
from loom.sample.project import MARKER, REGISTRY, files

ALERTS = "alerts.jsonl"
NEWCOMER = "crm-tidy"
MODULE = "workers.crm_tidy"

_FILE = "workers/crm_tidy.py"
_HERE = Path(__file__).with_name("newcomer")

_HEADER = f"""\
# Brightwater Studio, a small podcast and content agency that doesn't exist, as `loom demo` left it: its week
# from 5 to 11 March 2026 was played here. Its services answered on ${{BASE}} meanwhile, and are gone:
# to run its workers again, make a project with `loom init --sample`.
#
#   loom history       what ran, and when
#   {ALERTS}       what a person was told
"""
_SETTINGS: tuple[tuple[str, str], ...] = (
    # What a person is told is kept in the folder, and what fails is tried again on the next tick rather than
    # at once: nobody should have to wait for it while looking on.
    (
        "\nalerts:\n  - {kind: stderr}\n",
        "\ndefaults: {retry: {attempts: 1, later_ticks: 2}}\n\nalerts:\n"
        f"  - {{kind: file, path: {ALERTS}}}\n",
    ),
    ("\n      renewal_property:", "\n      max_wait: 0\n      renewal_property:"),
    # On the morning of the clock change there is no 02:30.
    ('    schedule: "0 3 * * *"\n', '    schedule: "30 2 * * *"\n'),
)
_ENTRY = f"""
  {NEWCOMER}:
    agent: Tidy
    description: Corrects telephone numbers in HubSpot.
    schedule: "0 9,21 * * *"
    entrypoint: {MODULE}:run
    requires: {{env: [HUBSPOT_ACCESS_TOKEN]}}
    settings: {{api: "${{BASE}}/hubspot"}}
"""


def write(folder: Path, *, port: int) -> None:
    """Write the project into `folder`; its manifest isn't sealed yet. port: where its services answer."""
    for name, content in files(port, moved_by=MOVED_BY):
        if name == MARKER:  # `loom sample run` would take it for one at the company's own time
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    registry = folder / REGISTRY
    text = registry.read_text(encoding="utf-8")
    registry.write_text(_as_in_the_demo(text, port), encoding="utf-8")


def add_newcomer(folder: Path, *, port: int) -> None:
    """Add the careless worker to the project."""
    (folder / _FILE).write_bytes((_HERE / "careless.py").read_bytes())
    with (folder / REGISTRY).open("a", encoding="utf-8") as registry:
        registry.write(_ENTRY.replace("${BASE}", _base(port)))


def mend_newcomer(folder: Path) -> None:
    """Put the mended worker in its place."""
    (folder / _FILE).write_bytes((_HERE / "mended.py").read_bytes())


def _as_in_the_demo(registry: str, port: int) -> str:
    for before, after in _SETTINGS:
        if registry.count(before) != 1:
            raise AssertionError(f"the sample's registry has {before!r} not once, so the demo can't set it")
        registry = registry.replace(before, after)
    return _HEADER.replace("${BASE}", _base(port)) + registry[registry.index("version: 1\n") :]


def _base(port: int) -> str:
    return f"http://127.0.0.1:{port}"
