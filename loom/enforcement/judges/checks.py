"""What a text must satisfy that looks like a number with check digits. Pure."""

from collections.abc import Callable, Mapping

_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 "
    "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 "
    "NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 "
    "SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_IBAN_LENGTH = {each[:2]: int(each[2:]) for each in _LENGTHS.split()}


def luhn(text: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    digits = [int(character) for character in text if character in "0123456789"]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return bool(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Whether it is as long as its country's are, and its two check digits fit the rest (ISO 13616)."""
    plain = text.replace(" ", "").upper()
    if len(plain) != _IBAN_LENGTH.get(plain[:2]) or not (plain.isascii() and plain.isalnum()):
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


CHECKS: Mapping[str, Callable[[str], bool]] = {"luhn": luhn, "iban": iban}
"""By the word that a rule writes under `check`."""
