"""The guarded clients against a real server: what its log doesn't show was never sent."""

import asyncio
import gc
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom import __version__
from loom.domain.enforcement import EnforcementContext, Refusal
from loom.domain.rules import HttpAllowance, HttpRule
from loom.enforcement.guarding.guard import RunGuard
from loom.ports import Guard
from loom.worker import Refused
from tests.ground.rules import NOWHERE

READING = (HttpAllowance(("GET", "HEAD"), ("/**",)),)
SEARCHING = (
    HttpAllowance(("GET",), ("/**",)),
    HttpAllowance(("POST",), ("/crm/v3/objects/*/search", "/crm/v3/objects/*/batch/read")),
)

MakeGuard = Callable[..., RunGuard]


@pytest.fixture
def make_guard() -> Iterator[MakeGuard]:
    guards: list[RunGuard] = []

    def make(*hosts: str, allow: tuple[HttpAllowance, ...] = READING) -> RunGuard:
        rule = HttpRule(id="the-rule", applies_to=("*",), hosts=hosts, allow=allow, why="because")
        context = EnforcementContext(digest="sha256:0", rules=(rule,) if hosts else ())
        guards.append(RunGuard(context, worker_id="echo", agent="Echo", places=NOWHERE))
        return guards[-1]

    yield make
    for guard in guards:
        guard.close()


@pytest.fixture(scope="module")
def running() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> HTTPServer:
    running.clear()
    running.expect_request("/ok").respond_with_data("fine")
    return running


def place(server: HTTPServer) -> str:
    return f"127.0.0.1:{server.port}"


def reached(server: HTTPServer) -> list[str]:
    return [f"{request.method} {request.path}" for request, _ in server.log]


def test_an_allowed_request_arrives_and_nothing_is_noted(server: HTTPServer, make_guard: MakeGuard) -> None:
    guard = make_guard(place(server))
    port: Guard = guard
    answer = port.http().get(server.url_for("/ok"))
    assert answer.text == "fine"
    assert server.log[0][0].headers["User-Agent"] == f"loom/{__version__}"
    assert guard.refusals == ()


def test_a_forbidden_method_never_arrives(server: HTTPServer, make_guard: MakeGuard) -> None:
    guard = make_guard(place(server))
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        with pytest.raises(Refused, match=r"refused by the-rule: .*because"):
            guard.http().request(method, server.url_for("/ok"))
    assert reached(server) == []
    assert [refusal.act for refusal in guard.refusals] == [
        f"{method} {server.url_for('/ok')}" for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    ]


def test_a_refusal_is_noted_with_the_line_of_the_workers_code(
    server: HTTPServer, make_guard: MakeGuard
) -> None:
    guard = make_guard(place(server))

    def the_workers_code() -> None:
        guard.http().delete(server.url_for("/ok"))

    with pytest.raises(Refused) as caught:
        the_workers_code()
    line = the_workers_code.__code__.co_firstlineno + 1
    assert guard.refusals[0].where == f"{__file__}:{line}"
    assert caught.value.refusal == guard.refusals[0]


def test_who_asked_to_be_told_hears_of_a_refusal_before_the_worker_does() -> None:
    context = EnforcementContext(digest="sha256:0")
    heard: list[Refusal] = []
    guard = RunGuard(context, worker_id="echo", agent=None, places=NOWHERE)
    guard.tell(heard.append)
    with pytest.raises(Refused) as caught:
        guard.http().get("http://forbidden.invalid/")
    assert heard == [caught.value.refusal] == [*guard.refusals]
    guard.close()


def test_a_host_that_no_rule_grants_is_never_asked(server: HTTPServer, make_guard: MakeGuard) -> None:
    guard = make_guard("example.org")
    with pytest.raises(Refused, match="no rule that applies"):
        guard.http().get(server.url_for("/ok"))
    assert reached(server) == []


def test_the_hubspot_paths_hold_against_what_is_really_sent(
    server: HTTPServer, make_guard: MakeGuard
) -> None:
    guard = make_guard(place(server), allow=SEARCHING)
    server.expect_request("/crm/v3/objects/contacts/search", method="POST").respond_with_json({})
    client = guard.http()
    assert client.post(server.url_for("/crm/v3/objects/contacts/search"), json={}).status_code == 200
    tricks = [
        "/crm/v3/objects/contacts/search/../",
        "/crm/v3/objects/contacts/search/../batch/create",
        "/crm/v3/objects/%2e%2e/search",
        "/crm/v3/objects//search",
        "/crm/v3/objects/contacts%2fbatch%2fcreate/search",
        "/crm/v3/objects/contacts;x/search",
        "/crm/v3/objects/contacts/search?_method=DELETE",
    ]
    for trick in tricks:
        with pytest.raises(Refused):
            client.post(f"http://{place(server)}{trick}", json={})
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        with pytest.raises(Refused):
            client.get(server.url_for("/ok"), headers={name: "DELETE"})
    with pytest.raises(Refused):
        client.get(server.url_for("/ok"), headers={"Host": "api.hubapi.com"})
    with pytest.raises(Refused):
        client.get(server.url_for("/ok"), extensions={"target": b"/forbidden"})
    with pytest.raises(Refused):
        client.get(server.url_for("/ok"), extensions={"sni_hostname": "api.hubapi.com"})
    assert reached(server) == ["POST /crm/v3/objects/contacts/search"]
    assert len(guard.refusals) == len(tricks) + 6


def test_every_hop_of_a_redirect_is_judged(server: HTTPServer, make_guard: MakeGuard) -> None:
    allow = (HttpAllowance(("GET", "POST"), ("/start/*", "/ok")),)
    with HTTPServer(host="127.0.0.1", port=0) as other:
        other.expect_request("/ok").respond_with_data("not for you")
        destinations = {
            "good": server.url_for("/ok"),
            "path": "/forbidden",
            "dots": "/ok/../forbidden",
            "host": other.url_for("/ok"),
            "name": f"http://localhost:{server.port}/ok",
            "scheme": "//[::1]/ok",
        }
        for name, location in destinations.items():
            server.expect_request(f"/start/{name}").respond_with_data(
                status=307, headers={"Location": location}
            )
        guard = make_guard(place(server), allow=allow)
        follow = {"good": "fine"}
        for name in destinations:
            url = server.url_for(f"/start/{name}")
            if name in follow:
                assert guard.http().get(url, follow_redirects=True).text == follow[name]
            else:
                with pytest.raises(Refused):
                    guard.http().get(url, follow_redirects=True)
        assert guard.http().get(server.url_for("/start/host")).status_code == 307
        assert reached(other) == []
    starts = [f"GET /start/{name}" for name in destinations]
    assert reached(server) == [starts[0], "GET /ok", *starts[1:], "GET /start/host"]


def test_a_redirect_that_keeps_a_forbidden_method_is_refused(
    server: HTTPServer, make_guard: MakeGuard
) -> None:
    allow = (HttpAllowance(("POST",), ("/start",)), HttpAllowance(("GET",), ("/**",)))
    server.expect_request("/start").respond_with_data(status=308, headers={"Location": "/ok"})
    guard = make_guard(place(server), allow=allow)
    with pytest.raises(Refused, match="POST"):
        guard.http().post(server.url_for("/start"), follow_redirects=True)
    assert reached(server) == ["POST /start"]


def test_a_redirect_to_something_that_is_not_http_is_an_error_of_httpx_not_a_refusal(
    server: HTTPServer, make_guard: MakeGuard
) -> None:
    server.expect_request("/app").respond_with_data(status=302, headers={"Location": "itms-apps://x/y"})
    guard = make_guard(place(server))
    with pytest.raises(httpx.UnsupportedProtocol):
        guard.http().get(server.url_for("/app"), follow_redirects=True)
    with pytest.raises(httpx.UnsupportedProtocol):
        guard.http().get("/no-host")
    assert guard.refusals == ()


def test_a_wildcard_does_not_reach_a_name_that_leads_to_this_machine(
    server: HTTPServer, make_guard: MakeGuard
) -> None:
    guard = make_guard(f"*:{server.port}")
    with pytest.raises(Refused, match="isn't on the public internet"):
        guard.http().get(f"http://localhost:{server.port}/ok")
    assert reached(server) == []
    named = make_guard(f"localhost:{server.port}")
    assert named.http().get(f"http://localhost:{server.port}/ok").text == "fine"


def test_a_name_is_looked_up_once_and_the_judged_address_is_the_one_connected_to(
    server: HTTPServer, make_guard: MakeGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = socket.getaddrinfo, []

    def name_server(host: str, *rest: object, **more: object) -> object:
        asked.append(host)
        if host == "shifty.example":
            # A name server that answers honestly once, and then with somewhere else.
            host = "127.0.0.1" if asked.count(host) == 1 else "127.0.0.99"
        return real(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", name_server)
    url = f"http://shifty.example:{server.port}/ok"
    assert make_guard(f"shifty.example:{server.port}").http().get(url).text == "fine"
    assert asked.count("shifty.example") == 1
    assert server.log[0][0].headers["Host"] == f"shifty.example:{server.port}"
    asked.clear()
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        make_guard(f"*.example:{server.port}").http().get(url)
    assert len(server.log) == 1


def test_a_name_that_leads_nowhere_is_a_connection_error_and_not_a_refusal(
    make_guard: MakeGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name_server(host: str, *_rest: object, **_more: object) -> object:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", name_server)
    guard = make_guard("nowhere.example")
    with pytest.raises(httpx.ConnectError):
        guard.http().get("http://nowhere.example/")
    assert guard.refusals == ()


def test_a_closed_port_is_a_connection_error(make_guard: MakeGuard) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(httpx.ConnectError):
            make_guard(f"127.0.0.1:{port}").http().get(f"http://127.0.0.1:{port}/")


def test_certificates_are_checked_by_name_though_the_address_is_connected_to(
    make_guard: MakeGuard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", os.fspath(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as server:
        server.expect_request("/ok").respond_with_data("fine")
        guard = make_guard(f"localhost:{server.port}", f"127.0.0.1:{server.port}")
        answer = guard.http().get(f"https://localhost:{server.port}/ok")
        assert answer.text == "fine"
        with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
            guard.http().get(f"https://127.0.0.1:{server.port}/ok")

        async def ask() -> str:
            async with guard.http_async() as client:
                return (await client.get(f"https://localhost:{server.port}/ok")).text

        assert asyncio.run(ask()) == "fine"


def test_a_proxy_in_the_environment_is_not_used(
    server: HTTPServer, make_guard: MakeGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HTTPServer(host="127.0.0.1", port=0) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url_for("/"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert make_guard(place(server)).http().get(server.url_for("/ok")).text == "fine"
        assert reached(proxy) == []


def test_the_async_client_is_guarded_alike(server: HTTPServer, make_guard: MakeGuard) -> None:
    guard = make_guard(place(server), f"*:{server.port}")
    server.expect_request("/away").respond_with_data(
        status=307, headers={"Location": f"http://localhost:{server.port}/ok"}
    )

    async def work() -> None:
        client = guard.http_async()
        assert guard.http_async() is client
        try:
            assert (await client.get(server.url_for("/ok"))).text == "fine"
            with pytest.raises(Refused):
                await client.post(server.url_for("/ok"))
            with pytest.raises(Refused, match="public internet"):
                await client.get(server.url_for("/away"), follow_redirects=True)
            with pytest.raises(Refused):
                await client.get(server.url_for("/ok"), headers={"X-HTTP-Method": "PUT"})
            guard.revoke("its time was up")
            with pytest.raises(Refused, match="its time was up"):
                await client.get(server.url_for("/ok"))
        finally:
            await client.aclose()

    asyncio.run(work())
    gc.collect()
    assert reached(server) == ["GET /ok", "GET /away"]
    assert len(guard.refusals) == 4
    assert all((refusal.where or "").startswith(__file__) for refusal in guard.refusals)


def test_after_revoking_every_request_is_refused_on_clients_handed_out_before_too(
    server: HTTPServer, make_guard: MakeGuard
) -> None:
    guard = make_guard(place(server))
    client = guard.http()
    client.get(server.url_for("/ok"))
    guard.revoke("the run timed out")
    guard.revoke("a later reason")
    for each in (client, guard.http()):
        with pytest.raises(Refused, match="the run timed out"):
            each.get(server.url_for("/ok"))
    assert len(server.log) == 1
    assert [refusal.why for refusal in guard.refusals] == ["the run timed out"] * 2


class Stuck:
    """A handler that answers a little, and then nothing until it is let go."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, request: Request) -> Response:
        def body() -> Iterator[bytes]:
            yield b"a little"
            self.arrived.set()
            self.let_go.wait(120)
            yield b"the rest"

        return Response(body())


@pytest.fixture
def stuck(server: HTTPServer) -> Iterator[Stuck]:
    handler = Stuck()
    server.expect_request("/stuck").respond_with_handler(handler)
    yield handler
    handler.let_go.set()


def test_revoking_ends_a_request_under_way(server: HTTPServer, make_guard: MakeGuard, stuck: Stuck) -> None:
    guard = make_guard(place(server))
    ended: list[BaseException | str] = []

    def work() -> None:
        try:
            ended.append(guard.http().get(server.url_for("/stuck")).text)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is what is looked at)
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert stuck.arrived.wait(60)
    guard.revoke("its time was up")
    thread.join(60)
    assert not thread.is_alive()
    assert isinstance(ended[0], Refused)
    assert "its time was up" in str(ended[0])
    # The server has the request before the client knows that the last of it is sent.
    assert guard.refusals[0].act in ("sending a request", "reading an answer")


def test_revoking_ends_an_async_request_under_way(
    server: HTTPServer, make_guard: MakeGuard, stuck: Stuck
) -> None:
    guard = make_guard(place(server))

    async def work() -> BaseException | None:
        async with guard.http_async() as client:
            task = asyncio.create_task(client.get(server.url_for("/stuck")))
            assert await asyncio.to_thread(stuck.arrived.wait, 60)
            await asyncio.to_thread(guard.revoke, "its time was up")
            done, _ = await asyncio.wait([task], timeout=60)
            assert done
            return task.exception()

    error = asyncio.run(work())
    gc.collect()
    assert isinstance(error, Refused)


def test_the_client_is_the_same_every_time_until_the_worker_closes_it(
    server: HTTPServer, make_guard: MakeGuard
) -> None:
    guard = make_guard(place(server))
    first = guard.http()
    assert guard.http() is first
    with first:
        pass
    assert guard.http() is not first
    assert guard.http().get(server.url_for("/ok")).text == "fine"


def test_the_client_waits_for_ever_for_nothing(make_guard: MakeGuard) -> None:
    timeout = make_guard("example.org").http().timeout
    assert (timeout.connect, timeout.read, timeout.write, timeout.pool) == (10, 30, 30, 30)


def test_refusals_from_many_threads_are_all_noted(server: HTTPServer, make_guard: MakeGuard) -> None:
    guard = make_guard(place(server))

    def work() -> None:
        for _ in range(20):
            with pytest.raises(Refused):
                guard.http().post(server.url_for("/ok"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(guard.refusals) == 80
