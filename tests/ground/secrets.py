"""Keys and tokens of every shipped form, made when they are needed.

None stands in this file as it is, so that nobody's scanner takes it for a leak.
"""

from base64 import b64encode
from random import Random
from string import ascii_letters, digits

ALNUM = ascii_letters + digits
WORD = ALNUM + "_"
URL_SAFE = WORD + "-"
HEX = "0123456789abcdef"
BASE64 = ALNUM + "+/"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

_random = Random("loom")  # noqa: S311 - the same in every run; they open nothing


def _of(letters: str, length: int) -> str:
    # The first and last are letters or digits: where a sentence ends is not what these are for.
    middle = "".join(_random.choice(letters) for _ in range(length - 2))
    plain = [letter for letter in letters if letter.isalnum()]
    return _random.choice(plain) + middle + _random.choice(plain)


def _uuid() -> str:
    return "-".join(_of(HEX, length) for length in (8, 4, 4, 4, 12))


def _key(kind: str, lines: str = "\n", block: str = "") -> str:
    body = lines.join(_of(BASE64, 64) for _ in range(4))
    return (
        f"-----BEGIN {kind}PRIVATE KEY{block}-----{lines}{body}{lines}-----END {kind}PRIVATE KEY{block}-----"
    )


_JWT = f"eyJ{_of(URL_SAFE, 33)}.eyJ{_of(URL_SAFE, 80)}.{_of(URL_SAFE, 43)}"
_DISCORD = f"{b64encode(b'198622483471925248').decode()}.{_of(URL_SAFE, 6)}.{_of(URL_SAFE, 27)}"

TOKENS: list[tuple[str, str, str]] = [
    ("hubspot-token", "", f"pat-na1-{_uuid()}"),
    ("hubspot-token", "", f"pat-eu1-{_uuid()}"),
    ("hubspot-token", "hapikey=", _uuid()),
    ("hubspot-token", '"hapikey": "', _uuid()),
    *(("github-token", "", f"gh{kind}_{_of(ALNUM, 36)}") for kind in "pousr"),
    (
        "github-token",
        "",
        f"ghs_{_of(ALNUM, 8)}_eyJ{_of(URL_SAFE, 60)}.{_of(URL_SAFE, 200)}.{_of(URL_SAFE, 43)}",
    ),
    ("github-token", "", f"github_pat_{_of(ALNUM, 22)}_{_of(ALNUM, 59)}"),
    ("gitlab-token", "", f"glpat-{_of(URL_SAFE, 20)}"),
    ("gitlab-token", "", f"glpat-{_of(URL_SAFE, 27)}.{_of(HEX, 2)}.{_of(HEX, 9)}"),
    ("gitlab-token", "", f"glrt-{_of(URL_SAFE, 20)}"),
    ("gitlab-token", "", f"gldt-{_of(URL_SAFE, 20)}"),
    ("gitlab-token", "", f"glptt-{_of(HEX, 40)}"),
    ("aws-key", "", f"AKIA{_of(UPPER, 16)}"),
    ("aws-key", "", f"ASIA{_of(UPPER, 16)}"),
    ("aws-key", "aws_secret_access_key = ", _of(BASE64, 40)),
    ("aws-key", '"SecretAccessKey": "', _of(BASE64, 40)),
    ("aws-key", "AWS_SESSION_TOKEN=", _of(BASE64, 300)),
    ("google-key", "", f"AIza{_of(URL_SAFE, 35)}"),
    ("google-key", "", f"ya29.{_of(URL_SAFE, 120)}"),
    ("google-key", "", f"GOCSPX-{_of(URL_SAFE, 28)}"),
    ("google-key", "", f"1//0{_of(URL_SAFE, 99)}"),
    ("azure-key", "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=", f"{_of(BASE64, 86)}=="),
    ("azure-key", "SharedAccessKeyName=root;SharedAccessKey=", f"{_of(BASE64, 43)}="),
    (
        "azure-key",
        "https://acme.blob.core.windows.net/c/b?sv=2024-11-04&se=2026-12-01&sig=",
        f"{_of(ALNUM, 43)}%3D",
    ),
    ("azure-key", "", f"{_of(ALNUM, 3)}8Q~{_of(ALNUM, 34)}"),
    ("openai-key", "", f"sk-{_of(ALNUM, 48)}"),
    ("openai-key", "", f"sk-proj-{_of(URL_SAFE, 74)}"),
    ("openai-key", "", f"sk-svcacct-{_of(URL_SAFE, 74)}"),
    ("openai-key", "", f"sk-admin-{_of(URL_SAFE, 74)}"),
    ("openrouter-key", "", f"sk-or-v1-{_of(HEX, 64)}"),
    ("anthropic-key", "", f"sk-ant-api03-{_of(URL_SAFE, 95)}"),
    ("anthropic-key", "", f"sk-ant-oat01-{_of(URL_SAFE, 95)}"),
    ("hugging-face-token", "", f"hf_{_of(ascii_letters, 34)}"),
    ("slack-token", "", f"xoxb-{_of(digits, 12)}-{_of(digits, 12)}-{_of(ALNUM, 24)}"),
    ("slack-token", "", f"xoxp-{_of(digits, 12)}-{_of(digits, 12)}-{_of(digits, 12)}-{_of(HEX, 32)}"),
    ("slack-token", "", f"xapp-1-{_of(UPPER, 11)}-{_of(digits, 13)}-{_of(HEX, 64)}"),
    (
        "slack-token",
        "https://hooks.slack.com/services/",
        f"T{_of(UPPER, 8)}/B{_of(UPPER, 10)}/{_of(ALNUM, 24)}",
    ),
    ("discord-token", "", _DISCORD),
    ("discord-token", "https://discord.com/api/webhooks/223704706495545344/", _of(URL_SAFE, 68)),
    ("telegram-token", "", f"{_of(digits, 10)}:AA{_of(URL_SAFE, 33)}"),
    ("telegram-token", "https://api.telegram.org/bot", f"{_of(digits, 9)}:AA{_of(URL_SAFE, 33)}"),
    ("stripe-key", "", f"sk_live_{_of(ALNUM, 24)}"),
    ("stripe-key", "", f"rk_live_{_of(ALNUM, 99)}"),
    ("stripe-key", "", f"whsec_{_of(ALNUM, 32)}"),
    ("square-token", "", f"sq0csp-{_of(URL_SAFE, 43)}"),
    ("square-token", "SQUARE_ACCESS_TOKEN=", f"EAAA{_of(URL_SAFE, 60)}"),
    ("braintree-token", "", f"access_token$production${_of(HEX, 16)}${_of(HEX, 32)}"),
    ("twilio-key", "TWILIO_API_KEY=", f"SK{_of(HEX, 32)}"),
    ("twilio-key", "twilio_auth_token: ", _of(HEX, 32)),
    ("sendgrid-key", "", f"SG.{_of(URL_SAFE, 22)}.{_of(URL_SAFE, 43)}"),
    ("mailgun-key", "MAILGUN_API_KEY=", f"key-{_of(HEX, 32)}"),
    ("mailgun-key", "mailgun_key: ", f"{_of(HEX, 32)}-{_of(HEX, 8)}-{_of(HEX, 8)}"),
    ("mailchimp-key", "", f"{_of(HEX, 32)}-us14"),
    ("npm-token", "", f"npm_{_of(ALNUM, 36)}"),
    ("pypi-token", "", f"pypi-AgEIcHlwaS5vcmc{_of(URL_SAFE, 120)}"),
    ("docker-token", "", f"dckr_pat_{_of(URL_SAFE, 27)}"),
    ("docker-token", "", f"dckr_oat_{_of(URL_SAFE, 32)}"),
    ("digitalocean-token", "", f"dop_v1_{_of(HEX, 64)}"),
    ("heroku-key", "", f"HRKU-{_uuid()}"),
    ("heroku-key", "", f"HRKU-AA{_of(URL_SAFE, 58)}"),
    ("heroku-key", "HEROKU_API_KEY=", _uuid()),
    ("cloudflare-token", "", f"cfut_{_of(ALNUM, 40)}{_of(HEX, 8)}"),
    ("cloudflare-token", "", f"cfk_{_of(ALNUM, 40)}{_of(HEX, 8)}"),
    ("cloudflare-token", "CLOUDFLARE_API_TOKEN=", _of(URL_SAFE, 40)),
    ("databricks-token", "", f"dapi{_of(HEX, 32)}-2"),
    ("shopify-token", "", f"shpat_{_of(HEX, 32)}"),
    ("shopify-token", "", f"shpss_{_of(HEX, 32)}"),
    ("notion-token", "", f"ntn_{_of(digits, 11)}{_of(ALNUM, 35)}"),
    ("notion-token", "", f"secret_{_of(ALNUM, 43)}"),
    ("linear-key", "", f"lin_api_{_of(ALNUM, 40)}"),
    ("airtable-token", "", f"pat{_of(ALNUM, 14)}.{_of(HEX, 64)}"),
    ("atlassian-token", "", f"ATATT3xFfGF0{_of(URL_SAFE, 170)}"),
    ("atlassian-token", "", f"ATBB{_of(ALNUM, 32)}"),
    ("sentry-token", "", f"sntryu_{_of(HEX, 64)}"),
    ("sentry-token", "", f"sntrys_{_of(ALNUM, 120)}_{_of(BASE64, 43)}"),
    ("jwt", "", _JWT),
]
"""The name a rule asks for it by, what has to stand before it, and the token itself."""

CREDENTIALS: list[tuple[str, str, str]] = [
    *(("private-key", "", _key(kind)) for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")),
    ("private-key", "", _key("PGP ", block=" BLOCK")),
    ("private-key", '"private_key": "', _key("", r"\n")),
    (
        "private-key",
        "",
        _key("RSA ", "\n").replace("\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A\n\n", 1),
    ),
    ("authorization-header", "Authorization: Bearer ", _of(URL_SAFE, 40)),
    ("authorization-header", "'authorization': 'bearer ", _of(URL_SAFE, 15) + "7"),
    ("authorization-header", "-H Authorization:Basic ", f"{_of(BASE64, 21)}Ab=="),
    ("password-in-address", "postgres://loom:", _of(ALNUM, 14)),
    ("password-in-address", "amqps://user%40acme:", f"{_of(ALNUM, 5)}%21{_of(ALNUM, 4)}"),
]
"""As `TOKENS`; behind a password in an address stands the rest of it."""
