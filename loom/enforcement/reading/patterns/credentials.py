"""What opens a door whoever issued it: private keys, headers and addresses that carry a secret."""

from loom.enforcement.reading.patterns.form import Shipped

_KIND = "(?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?"

CREDENTIALS = (
    Shipped(
        "private-key",
        "private key",
        # Up to its end; where that is missing, the lines of base64 that follow.
        rf"-----BEGIN {_KIND}(?:-----"
        rf"(?:[^-]{{0,100000}}+(?:-(?!----)[^-]{{0,1000}}+){{0,16}}+-----END {_KIND}(?:-----)?"
        r"|(?:(?:\s|\\[nr]){1,4}[A-Za-z0-9+/=]{16,})*))?",
        "https://www.rfc-editor.org/rfc/rfc7468, https://www.rfc-editor.org/rfc/rfc9580#section-6.2",
        near=("private key",),
    ),
    Shipped(
        "authorization-header",
        "authorization header",
        r"""(?i:authorization)["'`\\]{0,3}\s{0,3}[:=]\s{0,3}["'`\\]{0,3}"""
        # What has neither a digit nor a change from small to capital letters is the name of a value.
        r"(?:(?i:bearer|token|bot)\s{1,3}(?=[A-Za-z._~+/-]{0,80}\d)"
        r"|(?i:basic)\s{1,3}(?=[A-Za-z0-9+/]{0,80}(?:[a-z][A-Z]|[0-9=])))"
        r"(?P<hit>[\w.~+/-]{7,}[\w/+-]={0,2})",
        "https://www.rfc-editor.org/rfc/rfc6750#section-2.1, https://www.rfc-editor.org/rfc/rfc7617",
        near=("authorization",),
    ),
    Shipped(
        "password-in-address",
        "password in an address",
        r"://[^\s/:@?#]{1,128}:"
        # A placeholder, or a word that says what should stand there.
        r"(?!(?i:[$<{*\[]|%7b|%24|x{3,}|\.{3}|(?:your[_-]?)?(?:pass(?:word|wd)?|pwd|secret|token)@))"
        r"(?P<hit>[^\s/:@?#]{3,128})@",
        "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1",
        near=("://",),
    ),
)
