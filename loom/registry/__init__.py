"""worker-registry.yaml -> Registry; json_schema is that by which an editor checks it while it is written.

document reads YAML into nodes that know their lines; shapes, terms and containers say what may stand where;
keys and hooks are the tables of all keys; entries and loading make the domain's values of them. Nothing here
imports pydantic: building models for this file alone would cost an idle tick more than all its other work.
"""

from loom.registry.loading import load

__all__ = ["load"]
