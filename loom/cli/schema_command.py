"""`loom schema`: the JSON Schema of worker-registry.yaml."""

import click


@click.command(name="schema")
def command() -> int:
    """Print the JSON Schema of worker-registry.yaml, for editors.

    \b
    loom schema > .loom/schema.json
    """
    from loom.registry import schema
    from loom.report.as_json import dump

    click.echo(dump(schema()), nl=False)
    return 0
