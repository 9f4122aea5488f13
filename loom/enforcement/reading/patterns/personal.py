"""What identifies a person. Each keeps clear of ids, dates, versions, paths and figures."""

from loom.enforcement.reading.patterns.form import Shipped

_FILES = "png|jpe?g|gif|webp|svg|ico|css|js|json|html?|ya?ml|txt|pdf|mp[34]|woff2?"

PERSONAL = (
    Shipped(
        "mail-address",
        "mail address",
        r"(?<!\w)(?!git@)\w[\w.%+'-]{0,63}(?:@|%40)(?!\d+(?:x\.|\.\d))(?:[\w-]{1,63}\.){1,8}"
        rf"(?!(?:{_FILES})(?![^\W_]))[^\W\d_]{{2,24}}(?![^\W_])",
        "https://www.rfc-editor.org/rfc/rfc5322#section-3.4.1 (its everyday part)",
        near=("@", "%40"),
    ),
    Shipped(
        "card-number",
        "card number",
        r"(?<![\w./-])(?:3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|3(?:0[0-5]|[68]\d)\d[ -]?\d{6}[ -]?\d{4}"
        r"|(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|5\d{2}|4[4-9]\d)|35(?:2[89]|[3-8]\d)|62\d{2})"
        r"(?:[ -]?\d{4}){3})(?![\w/-]|\.\d)",
        "ISO/IEC 7812-1; ranges: https://docs.payu.in/reference/card-number-formats",
        check="luhn",
    ),
    Shipped(
        "iban",
        "IBAN",
        r"(?<![\w./-])[A-Z]{2}\d\d(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: \d[A-Z0-9]{0,2})?)(?![\w/-])",
        "https://www.swift.com/standards/data-standards/iban",
        check="iban",
    ),
    Shipped(
        "phone-number",
        "phone number",
        r"(?<![\w+./])\+(?!\d+\.\d+(?![ .-]?[\d(]))"
        r"(?:[1-9]\d{9,14}|(?=(?:[ .()-]{0,3}\d){9,15})[1-9]\d{0,3}(?:[ .()-]{0,3}\d){6,14})(?![\w:])",
        "https://www.itu.int/rec/T-REC-E.164",
        near=("+",),
    ),
    Shipped(
        "phone-number",
        "phone number",
        r"(?<![\w.:/=+-])(?:1[ .-])?"
        r"(?:\([2-9]\d\d\) ?[2-9]\d\d[-. ]|[2-9]\d\d-[2-9]\d\d-|[2-9]\d\d\.[2-9]\d\d\.)\d{4}(?![\w/=-]|\.\w)",
        "https://www.nanpa.com/numbering (the North American form)",
    ),
    Shipped(
        "phone-number",
        "phone number",
        r"(?i)\b(?:phone|telephone|tel|mobile|cell|fax|whatsapp)\b[ .:#=]{0,3}"
        r"(?:(?:number|no|is|at)\b[ .:]{0,2}){0,2}(?!\d{4}-\d\d-\d\d)"
        r"(?P<hit>[(+]?\d(?:[ ./()-]{0,2}\d){6,14})(?![\w-])",
        "a number behind a word that says so",
        near=("phone", "tel", "mobile", "cell", "fax", "whatsapp"),
    ),
    Shipped(
        "us-social-security-number",
        "social security number",
        r"(?i)\b(?:ssn|social security (?:number|no\b\.?|#))[ .:#=]{0,3}(?:is )?"
        r"(?P<hit>(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4})(?![\w-])",
        "https://www.ssa.gov/employer/randomization.html",
        near=("ssn", "social security"),
    ),
)
