"""SHA-256 without OpenSSL is the same as with it."""

import hashlib
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from loom.digests import sha256
from tests.ground.shut import REPOSITORY


@given(st.lists(st.binary(max_size=200)))
def test_a_digest_is_the_one_that_hashlib_makes(parts: list[bytes]) -> None:
    ours, theirs = sha256(), hashlib.sha256()
    for part in parts:
        ours.update(part)
        theirs.update(part)
    assert ours.hexdigest() == theirs.hexdigest()


def test_openssl_is_not_loaded_for_it() -> None:
    code = "import sys, loom.digests; print('_hashlib' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=REPOSITORY, text=True) == "False\n"
