"""`loom schema`: the JSON Schemas of the files that a person writes."""

from typing import Any

import click

# As in loom.enforcement.reading.rules, which a help text has no need to import; a test compares them.
_KINDS = ("http", "sockets", "files", "process", "secrets", "limits", "output")


@click.command(name="schema")
@click.option("--rule", "kind", type=click.Choice(_KINDS), help="Of rules/*.yaml of this kind.")
@click.option("--manifest", is_flag=True, help="Of enforcement/manifest.yaml.")
@click.option("--guidance", is_flag=True, help="Of the front matter of guidance/*.md.")
def command(kind: str | None, manifest: bool, guidance: bool) -> int:
    """Print a JSON Schema (draft 2020-12), for editors: of worker-registry.yaml, or of a file of rules.

    \b
    loom schema > .loom/schema.json
    loom schema --rule http > .loom/rule-http.json
    loom schema --manifest > .loom/manifest.json

    An editor is told by a line at the top of the file, such as this one in a rule of kind http:

    \b
    # yaml-language-server: $schema=../../.loom/rule-http.json
    """
    from loom.report.as_json import dump

    if (kind is not None) + manifest + guidance > 1:
        raise click.UsageError("--rule, --manifest and --guidance each name a file; ask for one at a time")
    click.echo(dump(_schema(kind, manifest, guidance)), nl=False)
    return 0


def _schema(kind: str | None, manifest: bool, guidance: bool) -> dict[str, Any]:
    if kind is not None:
        from loom.enforcement.reading.rules import rule_schema

        return rule_schema(kind)
    if guidance:
        from loom.enforcement.reading.rules import guidance_schema

        return guidance_schema()
    if manifest:
        from loom.enforcement.reading.manifest import schema as manifest_schema

        return manifest_schema()
    from loom.registry.json_schema import schema

    return schema()
