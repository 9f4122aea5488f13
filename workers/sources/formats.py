"""What is wrong with a mail address, telephone number, domain, number or date as somebody typed it."""

import re
from collections.abc import Callable
from typing import Any

from workers.sources.extras import extra
from workers.sources.hubspot_records import instant

Fault = Callable[[str], str | None]
"""Of a value: what is wrong with it in a few words, which never repeat the value; None when nothing is."""

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE)


def mail_fault() -> Fault:
    library: Any = extra("email_validator")

    def fault(value: str) -> str | None:
        try:
            library.validate_email(value, check_deliverability=False)
        except library.EmailNotValidError as error:
            return str(error).removesuffix(".")
        return None

    return fault


def phone_fault(region: str) -> Fault:
    """region: the country ('US') of numbers that name none."""
    library: Any = extra("phonenumbers")

    def fault(value: str) -> str | None:
        try:
            number = library.parse(value, region)
        except library.NumberParseException:
            return "It is no telephone number"
        return None if library.is_possible_number(number) else "It has too few or too many digits"

    return fault


def domain_fault(value: str) -> str | None:
    host = value.removeprefix("https://").removeprefix("http://").partition("/")[0].rstrip(".")
    try:
        labels = host.encode("idna").decode().split(".")
    except UnicodeError:
        return "It is no domain"
    if len(labels) < 2:
        return "It has no dot"
    return None if all(_LABEL.fullmatch(label) for label in labels) else "It is no domain"


def amount_fault(value: str) -> str | None:
    try:
        return "It is below zero" if float(value) < 0 else None
    except ValueError:
        return "It is no number"


def date_fault(value: str) -> str | None:
    try:
        instant(value)
    except ValueError:
        return "It is no date"
    return None
