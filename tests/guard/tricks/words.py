"""Ways to read a secret, to let one out, to let out what an output rule holds back, and to do too much."""

from tests.guard.ground import SECRETS as VALUES
from tests.guard.trick import End, Trick, family

SECRET, DENIED_SECRET, FOREIGN_SECRET = VALUES.values()
_ITS_OWN = "requires: {env: [SECRET]}"

SECRETS = family(
    "secrets of others",
    Trick(
        name="environ",
        body="""print(os.environ.get("SECRET"))""",
        keys=_ITS_OWN,
        end=End.STOPPED,
        leaks=SECRET,
        apart=End.STOPPED,
    ),
    Trick(
        name="environ-below-os",
        body="""
            import posix
            print(posix.environ.get(b"SECRET"), os.environb.get(b"SECRET"))
        """,
        keys=_ITS_OWN,
        end=End.STOPPED,
        leaks=SECRET,
    ),
    Trick(
        name="environ-by-proc",
        body="""
            text = open("/proc/self/environ").read()  #!
            leak(text.encode().hex())
        """,
        keys=_ITS_OWN,
        apart=End.REFUSED,
    ),
    Trick(
        name="environ-of-the-parent",
        body="""
            text = open(f"/proc/{os.getppid()}/environ").read()  #!
            leak(text.encode().hex())
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="memory-by-proc",
        body="""
            open("/proc/self/mem", "rb")  #!
            leak("opened the memory")
        """,
    ),
    Trick(
        name="a-secret-that-is-anothers",
        body="""leak(context.secret("FOREIGN_SECRET"))  #!""",
        keys="requires: {env: [FOREIGN_SECRET]}",
        leaks=FOREIGN_SECRET,
        rule="one-secret",
        apart=End.REFUSED,
    ),
    Trick(
        name="a-secret-that-is-denied",
        body="""leak(context.secret("DENIED_SECRET"))  #!""",
        keys="requires: {env: [DENIED_SECRET]}",
        leaks=DENIED_SECRET,
        rule="no-secret",
        apart=End.REFUSED,
    ),
    Trick(
        name="a-secret-below-the-context",
        body="""
            flight = context.secret_source.__self__._flight
            leak(flight.assignment.secrets["DENIED_SECRET"])
        """,
        keys="requires: {env: [DENIED_SECRET]}",
        error="KeyError",
        end=End.STOPPED,
        apart=End.STOPPED,
        leaks=DENIED_SECRET,
    ),
    Trick(
        name="a-secret-it-doesnt-require",
        body="""leak(context.secret("SECRET"))""",
        error="PermanentError",
        end=End.STOPPED,
        leaks=SECRET,
    ),
)

LETTING_OUT = family(
    "a secret in what leaves",
    Trick(
        name="secret-in-the-summary",
        body="""return WorkerOutput(summary=f"{context.secret('SECRET')}")""",
        keys=_ITS_OWN,
        end=End.MASKED,
        leaks=SECRET,
        apart=End.MASKED,
    ),
    Trick(
        name="secret-in-base64",
        body="""
            import base64
            text = base64.b64encode(f"user:{context.secret('SECRET')}".encode()).decode()
            return WorkerOutput(summary=text)
        """,
        keys=_ITS_OWN,
        end=End.MASKED,
        leaks="M2NyM3Qgb2YgdGhlIGdyb3VuZCAmIG5vYm9keSBlbHNlJ3",
    ),
    Trick(
        name="secret-in-an-address",
        body="""
            import urllib.parse
            text = urllib.parse.quote(context.secret("SECRET"))
            return WorkerOutput(summary="x", findings=[Finding(severity="info", title="x", url=f"http://x/{text}")])
        """,
        keys=_ITS_OWN,
        end=End.MASKED,
        leaks="s3cr3t%20of",
    ),
    Trick(
        name="secret-in-hexadecimal",
        body="""print(context.secret("SECRET").encode().hex())""",
        keys=_ITS_OWN,
        end=End.MASKED,
        leaks=SECRET.encode().hex(),
    ),
    Trick(
        name="secret-in-a-key",
        body="""return WorkerOutput(summary="x", metrics={context.secret("SECRET"): 1})""",
        keys=_ITS_OWN,
        end=End.MASKED,
        leaks=SECRET,
    ),
    Trick(
        name="secret-in-an-error",
        body="""raise ValueError(context.secret("SECRET"))""",
        keys=_ITS_OWN,
        error="ValueError",
        end=End.MASKED,
        leaks=SECRET,
        apart=End.MASKED,
    ),
    Trick(
        name="secret-in-a-note",
        body="""
            error = ValueError("x")
            error.add_note(context.secret("SECRET"))
            raise ExceptionGroup(context.secret("SECRET"), [error])
        """,
        keys=_ITS_OWN,
        error="ExceptionGroup",
        end=End.MASKED,
        leaks=SECRET,
    ),
    Trick(
        name="secret-in-a-reason",
        body="""raise Skip(context.secret("SECRET"))""",
        keys=_ITS_OWN,
        end=End.MASKED,
        leaks=SECRET,
    ),
    Trick(
        name="secret-in-the-progress",
        body="""
            context.progress(context.secret("SECRET"))
            context.log.warning("%r", context.secret("SECRET"))
        """,
        keys=_ITS_OWN,
        end=End.MASKED,
        leaks=SECRET,
    ),
    Trick(
        name="secret-in-a-class",
        body="""raise type(context.secret("SECRET"), (Exception,), {})("x")""",
        keys=_ITS_OWN,
        error="***",
        end=End.MASKED,
        leaks=SECRET,
    ),
    Trick(
        name="secret-in-two-findings",
        body="""
            text = context.secret("SECRET")
            halves = [Finding(severity="info", title=part) for part in (text[:18], text[18:])]
            return WorkerOutput(summary="x", findings=halves)
        """,
        keys=_ITS_OWN,
        end=End.PASSES,
        apart=End.PASSES,
        leaks=SECRET[:18],
        reason="what is looked for is the secret; whoever cuts or turns it has a mind to let it out",
    ),
    Trick(
        name="secret-backwards",
        body="""return WorkerOutput(summary=context.secret("SECRET")[::-1])""",
        keys=_ITS_OWN,
        end=End.PASSES,
        apart=End.PASSES,
        leaks=SECRET[::-1],
        reason="what is looked for is the secret; whoever cuts or turns it has a mind to let it out",
    ),
    Trick(
        name="secret-to-a-host-that-is-granted",
        body="""
            import urllib.parse
            context.http.get(f"{SITE}/open/x", headers={"X-Note": context.secret("SECRET")})
            leak("told the site")
        """,
        keys=_ITS_OWN,
        end=End.PASSES,
        apart=End.PASSES,
        reason="a host that may be asked may be told: grant only hosts that may know what the worker knows",
    ),
)

_KEY = "-----BEGIN " + "RSA PRIVATE KEY-----"
_TOKEN = "ghp_" + "a1B2" * 9
_CARD = "4242 4242 " + "4242 4242"

OUTPUTS = family(
    "outputs that must not leave",
    Trick(
        name="private-key",
        body=f"""return WorkerOutput(summary={_KEY!r})""",
        rule="no-secrets-in-outputs",
        leaks=_KEY,
        apart=End.REFUSED,
    ),
    Trick(
        name="token-deep-inside",
        whole=f"""
            class Output(WorkerOutput):
                inner: dict
            def run(context: WorkerContext) -> Output:
                return Output(summary="x", inner={{"a": [{{"b": [1, {_TOKEN!r}]}}]}})
        """,
        rule="no-secrets-in-outputs",
        leaks=_TOKEN,
        apart=End.REFUSED,
    ),
    Trick(
        name="token-as-a-key",
        body=f"""return WorkerOutput(summary="x", metrics={{{_TOKEN!r}: 1}})""",
        rule="no-secrets-in-outputs",
        leaks=_TOKEN,
    ),
    Trick(
        name="token-after-a-megabyte",
        body=f"""return WorkerOutput(summary="x " * 500_000 + {_TOKEN!r})""",
        rule="no-secrets-in-outputs",
        leaks=_TOKEN,
    ),
    Trick(
        name="token-in-a-finding",
        body=f"""
            found = Finding(severity="info", title="x", detail={_TOKEN!r})
            return WorkerOutput(summary="x", findings=[found])
        """,
        rule="no-secrets-in-outputs",
        leaks=_TOKEN,
    ),
    Trick(name="token-in-the-log", body=f"""print({_TOKEN!r})""", end=End.MASKED, leaks=_TOKEN),
    Trick(
        name="token-in-an-error",
        body=f"""raise ValueError({_TOKEN!r})""",
        error="ValueError",
        end=End.MASKED,
        leaks=_TOKEN,
    ),
    Trick(
        name="card-number",
        body=f"""return WorkerOutput(summary="paid with {_CARD}")""",
        end=End.MASKED,
        leaks=_CARD,
        apart=End.MASKED,
    ),
    Trick(
        name="mail-address-in-a-reason",
        body="""raise Skip("waits for jane.doe@example.org")""",
        end=End.MASKED,
        leaks="jane.doe@example.org",
    ),
    Trick(
        name="a-field-the-model-doesnt-know",
        whole=f"""
            from pydantic import ConfigDict
            class Output(WorkerOutput):
                model_config = ConfigDict(extra="allow")
            def run(context: WorkerContext) -> Output:
                return Output(summary="x", more={_TOKEN!r})
        """,
        rule="no-secrets-in-outputs",
        leaks=_TOKEN,
    ),
    Trick(
        name="token-with-nothing-between",
        body=f"""return WorkerOutput(summary={_TOKEN[:9] + chr(0x200B) + _TOKEN[9:]!r})""",
        rule="no-secrets-in-outputs",
        leaks=_TOKEN[9:],
    ),
    Trick(
        name="token-backwards",
        body=f"""return WorkerOutput(summary={_TOKEN[::-1]!r})""",
        end=End.PASSES,
        apart=End.PASSES,
        leaks=_TOKEN[::-1],
        reason="patterns look for what is written, not for what somebody could make of it",
    ),
)

LIMITS = family(
    "too much",
    Trick(
        name="limit-requests",
        body="""
            for _ in range(3):
                context.http.get(f"{SITE}/open/x")
            context.http.get(f"{SITE}/open/x")  #!
            leak("a fourth")
        """,
        rule="little",
        apart=End.REFUSED,
    ),
    Trick(
        name="limit-redirects",
        body="""
            from urllib.parse import urlencode
            to = "/open/x"
            for _ in range(4):
                to = f"/open/x?{urlencode({'status': 302, 'location': to})}"
            context.http.get(f"{SITE}{to}", follow_redirects=True)  #!
            leak("a fourth")
        """,
        rule="little",
    ),
    Trick(
        name="limit-bytes-out",
        body="""
            context.http.post(f"{SITE}/search/x", content=b"x" * 5_000)  #!
            leak("sent too much")
        """,
        rule="little",
    ),
    Trick(
        name="limit-bytes-out-in-headers",
        body="""
            context.http.get(f"{SITE}/open/x", headers={"X-Note": "x" * 5_000})  #!
            leak("sent too much")
        """,
        rule="little",
    ),
    Trick(
        name="limit-bytes-out-in-pieces",
        body="""
            def pieces():
                for _ in range(50):
                    yield b"x" * 100
            context.http.post(f"{SITE}/search/x", content=pieces())  #!
            leak("sent too much")
        """,
        rule="little",
    ),
    Trick(
        name="limit-bytes-in",
        body="""
            context.http.get(f"{SITE}/open/x?size=100000")  #!
            leak("read too much")
        """,
        rule="little",
        apart=End.REFUSED,
    ),
    Trick(
        name="limit-findings",
        body="""return WorkerOutput(summary="x", findings=[Finding(severity="info", title="x")] * 4)""",
        rule="little",
    ),
    Trick(
        name="limit-output",
        body="""return WorkerOutput(summary="x" * 9_000)""",
        rule="little",
        apart=End.REFUSED,
    ),
)

WORDS = (*SECRETS, *LETTING_OUT, *OUTPUTS, *LIMITS)
