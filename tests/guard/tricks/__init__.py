"""The table of tricks, by where they reach."""

from tests.guard.tricks.code import CODE
from tests.guard.tricks.files import FILES
from tests.guard.tricks.network import NETWORK
from tests.guard.tricks.programs import MACHINE
from tests.guard.tricks.requests import REQUESTS
from tests.guard.tricks.words import WORDS

TRICKS = (*NETWORK, *REQUESTS, *FILES, *MACHINE, *CODE, *WORDS)
