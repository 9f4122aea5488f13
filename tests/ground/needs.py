"""Programs that a test can't do without, and what becomes of the test on a machine that lacks them."""

import os
import shutil

import pytest

EVERY_TEST_MUST_RUN = os.environ.get("LOOM_TESTS_REQUIRE_ALL") == "1"
"""Set by .ci/run, where a test that didn't run is a failure. Read before the environment is scrubbed."""


def needs(program: str) -> pytest.MarkDecorator:
    """Marks a test that runs `program`. Without it on PATH the test is skipped by the program's name."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs the program {program!r}")
