"""Requests by the guarded client itself that are to become others on their way."""

from tests.guard.trick import Company, End, Trick, family

METHODS = family(
    "methods in disguise",
    Trick(name="plain-delete", body="""context.http.delete(f"{SITE}/open/{NAME}")  #!""", rule="the-site"),
    Trick(
        name="override-header",
        body="""context.http.get(f"{SITE}/open/{NAME}", headers={"X-HTTP-Method-Override": "DELETE"})  #!""",
        rule="the-site",
        apart=End.REFUSED,
    ),
    Trick(
        name="override-header-of-the-client",
        body="""
            context.http.headers["x-method-override"] = "PATCH"
            context.http.get(f"{SITE}/open/{NAME}")  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="override-header-twice",
        body="""
            headers = [("X-HTTP-Method", "GET"), ("x-http-method", "DELETE")]
            context.http.get(f"{SITE}/open/{NAME}", headers=headers)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="override-header-with-underscores",
        body="""context.http.get(f"{SITE}/open/{NAME}", headers={"X_HTTP_METHOD_OVERRIDE": "DELETE"})  #!""",
        rule="the-site",
    ),
    Trick(
        name="override-in-a-form-of-parts",
        body="""
            parts = {"file": ("x.txt", b"x")}
            context.http.post(f"{SITE}/search/{NAME}", data={"_method": "DELETE"}, files=parts)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="connect-method",
        body="""context.http.request("CONNECT", f"{SITE}/open/{NAME}")  #!""",
        rule="the-site",
    ),
    Trick(
        name="override-in-the-query",
        body="""context.http.post(f"{SITE}/search/{NAME}?_method=DELETE")  #!""",
        rule="the-site",
    ),
    Trick(
        name="override-in-a-form",
        body="""context.http.post(f"{SITE}/search/{NAME}", data={"_method": "DELETE"})  #!""",
        rule="the-site",
    ),
    Trick(
        name="method-with-a-space",
        body="""context.http.request("GET / HTTP/1.1\\r\\n\\r\\nDELETE", f"{SITE}/open/{NAME}")  #!""",
        rule="the-site",
    ),
    Trick(
        name="method-of-one's-own".replace("'", ""),
        body="""context.http.request("PURGE", f"{SITE}/open/{NAME}")  #!""",
        rule="the-site",
    ),
)

_WRITTEN_OUT = """
            part = b'Content-Disposition: form-data; name="_method"\\r\\n\\r\\nDELETE'
            part = b"--b\\r\\n" + part + b"\\r\\n--b--\\r\\n"
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
"""

FORMS = family(
    "forms in disguise",
    Trick(
        name="form-field-without-a-file-name",
        body="""context.http.post(f"{SITE}/search/{NAME}", files={"_method": (None, "DELETE")})  #!""",
        rule="the-site",
        apart=End.REFUSED,
    ),
    Trick(
        name="form-written-out",
        body=_WRITTEN_OUT
        + """
            context.http.post(f"{SITE}/search/{NAME}", content=part, headers=kind)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="form-within-a-file",
        body=_WRITTEN_OUT
        + """
            file = {"file": ("x.txt", b"x\\r\\n" + part)}
            context.http.post(f"{SITE}/search/{NAME}", files=file, headers=kind)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="form-renamed-once-written",
        body="""
            parts = {"file": ("x.txt", b"x")}
            fields = {"_method": "DELETE"}
            ask = context.http.build_request("POST", f"{SITE}/search/{NAME}", data=fields, files=parts)
            ask.stream.fields[0].name = "harmless"
            context.http.send(ask)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="form-in-pieces",
        body="""
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            pieces = iter([b"_met", b"hod=DELETE"])
            context.http.post(f"{SITE}/search/{NAME}", content=pieces, headers=kind)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="form-in-pieces-of-the-async-client",
        whole="""
            async def pieces():
                yield b"_method=DELETE"
            async def run(context: WorkerContext) -> WorkerOutput:
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                await context.http_async.post(f"{SITE}/search/{NAME}", content=pieces(), headers=kind)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="form-that-changes",
        body="""
            import httpx
            class Changing(httpx.ByteStream):
                said = [b"_method=DELETE", b"a=b"]
                def __iter__(self):
                    yield self.said.pop()
            kind = {"Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked"}
            ask = context.http.build_request("POST", f"{SITE}/search/{NAME}", headers=kind)
            ask.stream = Changing(b"")
            context.http.send(ask)
        """,
        end=End.STOPPED,
    ),
    Trick(
        name="form-of-two-kinds",
        body="""
            kinds = [("Content-Type", "text/plain"), ("Content-Type", "application/x-www-form-urlencoded")]
            context.http.post(f"{SITE}/search/{NAME}", content=b"_method=DELETE", headers=kinds)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="form-packed",
        body="""
            import gzip
            kind = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
            packed = gzip.compress(b"_method=DELETE")
            context.http.post(f"{SITE}/search/{NAME}", content=packed, headers=kind)  #!
        """,
    ),
    Trick(
        name="form-field-with-a-dot",
        body="""context.http.post(f"{SITE}/search/{NAME}", data={".method": "DELETE"})  #!""",
        rule="the-site",
    ),
)

PATHS = family(
    "paths in disguise",
    Trick(name="path-not-allowed", body="""context.http.get(f"{SITE}/closed/{NAME}")  #!""", rule="the-site"),
    Trick(name="dot-dot", body="""context.http.get(f"{SITE}/open/../closed/{NAME}")  #!""", rule="the-site"),
    Trick(
        name="dot-dot-encoded",
        body="""context.http.get(f"{SITE}/open/%2e%2e/closed/{NAME}")  #!""",
        rule="the-site",
        apart=End.REFUSED,
    ),
    Trick(
        name="slash-encoded",
        body="""context.http.get(f"{SITE}/open/..%2fclosed/{NAME}")  #!""",
        rule="the-site",
    ),
    Trick(
        name="slash-encoded-twice",
        body="""context.http.get(f"{SITE}/open/%252e%252e%252f{NAME}")  #!""",
        rule="the-site",
    ),
    Trick(name="two-slashes", body="""context.http.get(f"{SITE}/open//{NAME}")  #!""", rule="the-site"),
    Trick(
        name="backslash", body="""context.http.get(f"{SITE}/open/..\\\\closed/{NAME}")  #!""", rule="the-site"
    ),
    Trick(name="semicolon", body="""context.http.post(f"{SITE}/search/{NAME};x=1")  #!""", rule="the-site"),
    Trick(name="nul", body="""context.http.post(f"{SITE}/search/{NAME}%00.json")  #!""", rule="the-site"),
    Trick(
        name="dots-in-other-letters",
        body="""context.http.get(f"{SITE}/open/．．／closed/{NAME}")  #!""",
        rule="the-site",
    ),
    Trick(
        name="rewrite-header",
        body="""context.http.get(f"{SITE}/open/{NAME}", headers={"X-Original-URL": "/closed"})  #!""",
    ),
)

HOSTS = family(
    "hosts in disguise",
    Trick(name="host-not-granted", body="""context.http.get(f"{ELSEWHERE}/{NAME}")  #!""", apart=End.REFUSED),
    Trick(
        name="host-header",
        body="""context.http.get(f"{SITE}/open/{NAME}", headers={"Host": "api.hubapi.com"})  #!""",
    ),
    Trick(
        name="user-before-the-host",
        body="""context.http.get(f"http://127.0.0.1:{SITE_PORT}@127.0.0.1:{ELSEWHERE_PORT}/{NAME}")  #!""",
    ),
    Trick(
        name="host-as-a-number", body="""context.http.get(f"http://2130706433:{ELSEWHERE_PORT}/{NAME}")  #!"""
    ),
    Trick(
        name="host-in-octal",
        body="""context.http.get(f"http://0177.0.0.1:{ELSEWHERE_PORT}/{NAME}")""",
        error="InvalidURL",
        end=End.STOPPED,
    ),
    Trick(
        name="host-in-hexadecimal",
        body="""context.http.get(f"http://0x7f.1:{ELSEWHERE_PORT}/{NAME}")  #!""",
    ),
    Trick(
        name="host-mapped-to-ipv6",
        body="""context.http.get(f"http://[::ffff:127.0.0.1]:{ELSEWHERE_PORT}/{NAME}")  #!""",
    ),
    Trick(
        name="host-with-a-dot", body="""context.http.get(f"http://localhost.:{ELSEWHERE_PORT}/{NAME}")  #!"""
    ),
    Trick(
        name="host-in-other-letters",
        body="""context.http.get(f"http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{ELSEWHERE_PORT}/{NAME}")""",
        error="InvalidURL",
        end=End.STOPPED,
    ),
    Trick(
        name="host-with-other-dots",
        body="""context.http.get(f"http://127。0。0。1:{ELSEWHERE_PORT}/{NAME}")  #!""",
    ),
    Trick(
        name="anywhere-is-not-here",
        body="""context.http.get(f"http://localhost:{ELSEWHERE_PORT}/{NAME}")  #!""",
    ),
    Trick(
        name="anywhere-by-address",
        body="""context.http.get(f"http://127.0.0.1:{ELSEWHERE_PORT}/{NAME}")  #!""",
    ),
    Trick(
        name="anywhere-after-another-answer",
        body="""
            import socket
            answers = [[(2, 1, 6, "", ("93.184.215.14", ELSEWHERE_PORT))]]
            real = socket.getaddrinfo
            def rebound(*args, **keys):
                return answers.pop() if answers else real("localhost", ELSEWHERE_PORT, type=1)
            rebound("x")
            socket.getaddrinfo = rebound
            try:
                context.http.get(f"http://pages.example:{ELSEWHERE_PORT}/{NAME}")  #!
            finally:
                socket.getaddrinfo = real
        """,
        company=Company.ONE_BY_ONE,
    ),
)

REDIRECTS = family(
    "redirects",
    Trick(
        name="redirect-elsewhere",
        body="""
            to = f"{ELSEWHERE}/{NAME}"
            asked = {"status": 302, "location": to}
            context.http.get(f"{SITE}/open/x", params=asked, follow_redirects=True)  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="redirect-to-a-closed-path",
        body="""
            to = f"/closed/{NAME}"
            asked = {"status": 301, "location": to}
            context.http.get(f"{SITE}/open/x", params=asked, follow_redirects=True)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="redirect-that-keeps-the-method",
        body="""
            to = f"/open/{NAME}"
            url = f"{SITE}/search/x"
            ask = context.http.build_request("POST", url, headers={"Content-Type": "text/plain"}, content="x")
            answer = context.http.send(ask)
            again = context.http.build_request("POST", f"{SITE}{to}", content="x")
            context.http.send(again, follow_redirects=True)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="redirect-307",
        body="""
            context.http.follow_redirects = True
            import httpx
            class To307(httpx.Auth):
                def auth_flow(self, request):
                    answer = yield request
                    yield httpx.Request("POST", f"{SITE}/open/{NAME}", content=b"x")
            context.http.post(f"{SITE}/search/x", auth=To307())  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="next-request",
        body="""
            to = f"{ELSEWHERE}/{NAME}"
            answer = context.http.get(f"{SITE}/open/x", params={"status": 302, "location": to})
            context.http.send(answer.next_request)  #!
        """,
    ),
    Trick(
        name="redirect-of-the-async-client",
        body="""
            async def ask():
                to = f"{ELSEWHERE}/{NAME}"
                where = f"{SITE}/open/x"
                asked = {"status": 308, "location": to}
                await context.http_async.get(where, params=asked, follow_redirects=True)  #!
            asyncio.run(ask())
        """,
    ),
)

_TWO_FACED = """
class Bytes(bytes):
    def __bytes__(self):
        return self.other
class Text(str):
    def encode(self, *how):
        words = Bytes(str.encode(self))
        words.other = self.other
        return words
"""

HOOKS = family(
    "the client's own hooks",
    Trick(
        name="request-hook",
        body="""
            def change(request):
                request.method = "DELETE"
            context.http.event_hooks = {"request": [change]}
            context.http.get(f"{SITE}/open/{NAME}")  #!
        """,
        rule="the-site",
        apart=End.REFUSED,
    ),
    Trick(
        name="response-hook",
        body="""
            def again(response):
                import httpx
                httpx.delete(f"{SITE}/open/{NAME}")  #!
            context.http.event_hooks = {"response": [again]}
            context.http.get(f"{SITE}/open/x")
        """,
    ),
    Trick(
        name="auth-flow",
        body="""
            import httpx
            class Change(httpx.Auth):
                def auth_flow(self, request):
                    request.url = httpx.URL(f"{ELSEWHERE}/{NAME}")
                    yield request
            context.http.get(f"{SITE}/open/x", auth=Change())  #!
        """,
    ),
    Trick(
        name="target-extension",
        body="""context.http.get(f"{SITE}/open/x", extensions={"target": f"/closed/{NAME}".encode()})  #!""",
        rule="the-site",
    ),
    Trick(
        name="target-extension-to-an-open-page",
        body="""context.http.get(f"{SITE}/open/x", extensions={"target": f"/open/{NAME}".encode()})  #!""",
    ),
    Trick(
        name="sni-extension",
        body="""context.http.get(f"{SITE}/open/{NAME}", extensions={"sni_hostname": "api.hubapi.com"})  #!""",
    ),
    Trick(
        name="trace-extension",
        body="""
            def change(event, about):
                if event == "http11.send_request_headers.started":
                    about["request"].method = b"DELETE"
            context.http.get(f"{SITE}/open/{NAME}", extensions={"trace": change})  #!
        """,
    ),
    Trick(
        name="trace-that-comes-late",
        body="""
            ask = context.http.build_request("GET", f"{SITE}/open/{NAME}")
            def change(event, about):
                if event == "http11.send_request_headers.started":
                    about["request"].method = b"DELETE"
            class Late(dict):
                def get(self, key, default=None):
                    ask.extensions["trace"] = change
                    return 5.0
            ask.extensions["timeout"] = Late(connect=5.0, read=5.0, write=5.0, pool=5.0)
            context.http.send(ask)
        """,
        end=End.STOPPED,
    ),
    Trick(
        name="trace-of-another-task",
        whole="""
            async def change(event, about):
                if event == "http11.send_request_headers.started":
                    about["request"].method = b"DELETE"
            async def run(context: WorkerContext) -> WorkerOutput:
                ask = context.http_async.build_request("GET", f"{SITE}/open/{NAME}")
                async def add():
                    ask.extensions["trace"] = change
                adding = asyncio.create_task(add())
                await context.http_async.send(ask)
                await adding
                return WorkerOutput(summary="done")
        """,
        end=End.STOPPED,
        apart=End.STOPPED,
    ),
    Trick(
        name="extensions-that-hide-one",
        body="""
            def change(event, about):
                if event == "http11.send_request_headers.started":
                    about["request"].method = b"DELETE"
            class Hiding(dict):
                def get(self, key, default=None):
                    return change if key == "trace" else dict.get(self, key, default)
            ask = context.http.build_request("GET", f"{SITE}/open/{NAME}")
            ask.extensions = Hiding(ask.extensions)
            context.http.send(ask)
        """,
        end=End.STOPPED,
    ),
    Trick(
        name="method-that-is-sent-as-another",
        top=_TWO_FACED,
        body="""
            ask = context.http.build_request("GET", f"{SITE}/open/{NAME}")
            ask.method = Text("GET")
            ask.method.other = b"DELETE"
            context.http.send(ask)
        """,
        end=End.STOPPED,
    ),
    Trick(
        name="header-that-is-sent-as-another",
        top=_TWO_FACED,
        body="""
            host = Bytes(SITE[7:].encode())
            host.other = b"api.hubapi.com"
            context.http.get(f"{SITE}/open/{NAME}", headers=[(b"Host", host)])
        """,
        end=End.STOPPED,
    ),
    Trick(
        name="header-that-reads-as-another",
        body="""
            class Hiding(bytes):
                def lower(self):
                    return b"x-note"
            headers = [(Hiding(b"X-HTTP-Method-Override"), b"DELETE")]
            context.http.get(f"{SITE}/open/{NAME}", headers=headers)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="address-that-is-sent-as-another",
        top=_TWO_FACED,
        body="""
            import httpx
            class Address(httpx.URL):
                @property
                def raw_path(self):
                    path = Bytes(b"/open/x")
                    path.other = f"/closed/{NAME}".encode()
                    return path
            ask = context.http.build_request("GET", f"{SITE}/open/x")
            ask.url = Address(f"{SITE}/open/x")
            context.http.send(ask)
        """,
        end=End.STOPPED,
    ),
    Trick(
        name="built-and-changed",
        body="""
            ask = context.http.build_request("GET", f"{SITE}/open/{NAME}")
            ask.method = "DELETE"
            context.http.send(ask)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="the-stream-below",
        body="""
            answer = context.http.send(context.http.build_request("GET", f"{SITE}/open/x"), stream=True)
            below = answer.extensions["network_stream"]
            below.write(f"DELETE /open/{NAME} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
            time.sleep(0.1)
        """,
        error="KeyError",
        end=End.STOPPED,
    ),
    Trick(
        name="another-transport",
        body="""
            import httpx
            context.http._transport = httpx.HTTPTransport()
            context.http.delete(f"{SITE}/open/{NAME}")  #!
        """,
    ),
    Trick(
        name="another-mount",
        body="""
            import httpx
            context.http._mounts = {httpx._utils.URLPattern("all://"): httpx.HTTPTransport()}
            context.http.delete(f"{SITE}/open/{NAME}")  #!
        """,
    ),
    Trick(
        name="a-pool-of-ones-own",
        body="""
            import httpcore
            context.http._transport._pool = httpcore.ConnectionPool()
            context.http.get(f"{SITE}/open/{NAME}")  #!
            leak("by another pool")
        """,
    ),
    Trick(
        name="the-pool-below",
        body="""
            import httpcore
            ask = httpcore.Request("DELETE", f"{SITE}/open/{NAME}", headers={"Host": SITE[7:]})
            context.http._transport._pool.handle_request(ask)  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="the-connection-below",
        body="""
            import httpcore
            ask = httpcore.Request("DELETE", f"{SITE}/open/{NAME}", headers={"Host": SITE[7:]})
            context.http.get(f"{SITE}/open/x")
            context.http._transport._pool.connections[0].handle_request(ask)
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="it reaches below the client by names with an underscore, to a host that a rule grants",
    ),
    Trick(
        name="log-handler-that-looks-up",
        body="""
            import inspect, logging, httpcore
            class Change(logging.Handler):
                def emit(self, record):
                    if "send_request_headers.started" in record.getMessage():
                        for each in inspect.stack():
                            ask = each.frame.f_locals.get("request")
                            if isinstance(ask, httpcore.Request):
                                ask.method = b"DELETE"
            logger = logging.getLogger("httpcore.http11")
            logger.addHandler(Change())
            logger.setLevel(logging.DEBUG)
            context.http.get(f"{SITE}/open/{NAME}")
        """,
        end=End.PASSES,
        reason="whoever looks into the frames of what is under way means it",
        company=Company.NONE,
    ),
    Trick(
        name="a-header-with-a-line-end",
        body="""
            value = f"x\\r\\nContent-Length: 0\\r\\n\\r\\nDELETE /open/{NAME} HTTP/1.1\\r\\nHost: x"
            context.http.get(f"{SITE}/open/x", headers={"X-Note": value})
        """,
        error="LocalProtocolError",
        end=End.STOPPED,
    ),
    Trick(
        name="a-second-request-in-the-body",
        body="""
            smuggled = f"DELETE /open/{NAME} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
            context.http.post(f"{SITE}/search/x", headers={"Content-Length": "0"}, content=smuggled)
        """,
        error="LocalProtocolError",
        end=End.STOPPED,
    ),
    Trick(
        name="chunks-by-hand",
        body="""
            smuggled = f"0\\r\\n\\r\\nDELETE /open/{NAME} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
            headers = {"Transfer-Encoding": "chunked", "Content-Length": "5"}
            context.http.post(f"{SITE}/search/x", headers=headers, content=smuggled)
            context.http.get(f"{SITE}/open/x")
        """,
        end=End.STOPPED,
    ),
    Trick(
        name="a-connection-that-is-open",
        body="""
            context.http.get(f"{SITE}/open/x")
            for number in os.listdir("/dev/fd"):
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(number))) as plain:
                    if plain.family == socket.AF_INET and plain.getpeername()[1] == SITE_PORT:
                        plain.sendall(f"DELETE /open/{NAME} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
            time.sleep(0.1)
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="what is open already can be written to without a word to Python; it leads to a host that a "
        "rule grants, and nowhere else",
    ),
    Trick(
        name="a-websocket",
        body="""context.http.get(f"ws://127.0.0.1:{ELSEWHERE_PORT}/{NAME}")  #!""",
    ),
)

REQUESTS = (*METHODS, *FORMS, *PATHS, *HOSTS, *REDIRECTS, *HOOKS)
