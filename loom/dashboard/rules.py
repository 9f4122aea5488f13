"""Under which enforcement digests runs were recorded, and from when to when."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from loom.domain.dashboard import DigestSpan
from loom.domain.run import Run


def digest_spans(runs: Iterable[Run]) -> Sequence[DigestSpan]:
    """Newest first. One digest that was in force twice, with another between, has two spans."""
    governed = [run for run in runs if run.enforcement_digest]
    governed.sort(key=lambda run: (run.tick_at, run.tick_id, run.run_id))
    spans = []
    for digest, group in groupby(governed, key=lambda run: run.enforcement_digest):
        under = list(group)
        spans.append(
            DigestSpan(
                digest=digest or "",
                first=under[0].tick_at,
                last=under[-1].tick_at,
                runs=len(under),
                rules=max(len(run.rules) for run in under),
            )
        )
    return spans[::-1]
