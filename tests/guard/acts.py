"""What honest workers do all day, of which the guard may refuse nothing."""

from tests.guard.trick import End, Trick


def act(
    name: str, body: str, *, apart: bool = False, top: str = "", keys: str = "", whole: str = ""
) -> Trick:
    there = End.FINE if apart else None
    return Trick(name=name, body=body, end=End.FINE, apart=there, top=top, keys=keys, whole=whole)


_IN_TURN = act(
    "an-own-environment-variable",
    """
    os.environ["OF_THE_WORKER"] = "1"
    del os.environ["OF_THE_WORKER"]
    """,
)

FILES = (
    act(
        "read-files",
        """assert (PROJECT / "place.py").read_text() and open("/etc/hostname").read()""",
        apart=True,
    ),
    act(
        "read-history",
        """
        told = []
        thread = threading.Thread(target=lambda: told.append(context.history))
        thread.start()
        thread.join()
        assert told[0] is context.history
        """,
        apart=True,
    ),
    act("list-folders", """assert os.listdir(PROJECT) and [*PROJECT.rglob("*.py")] and [*os.scandir("/")]"""),
    act("walk", """assert list(os.walk(PROJECT)) and [*os.fwalk(PROJECT)]"""),
    act(
        "write-drafts",
        """
        mine = PROJECT / "drafts" / NAME
        mine.mkdir()
        (mine / "a.txt").write_text("x")
        with open(mine / "a.txt", "a") as file:
            file.write("y")
        (mine / "a.txt").chmod(0o600)
        os.utime(mine / "a.txt", (1, 1))
        (mine / "a.txt").rename(mine / "b.txt")
        shutil.copy2(mine / "b.txt", mine / "c.txt")
        (mine / "link").symlink_to(mine / "c.txt")
        (mine / "link").write_text("z")
        assert (mine / "c.txt").read_text() == "z"
        shutil.rmtree(mine)
        """,
        apart=True,
    ),
    act(
        "copy-links",
        """
        import io, tarfile
        mine = PROJECT / "drafts" / NAME
        mine.mkdir()
        (mine / "link").symlink_to("/etc/hostname")
        shutil.copytree(mine, PROJECT / "drafts" / f"{NAME}.copy", symlinks=True)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(mine, NAME)
        packed.seek(0)
        with tarfile.open(fileobj=packed) as archive:
            archive.extractall(PROJECT / "drafts" / f"{NAME}.unpacked")
        """,
    ),
    act("write-relatively", """pathlib.Path("drafts", NAME).write_text("x")""", apart=True),
    act(
        "write-from-a-descriptor",
        """
        folder = os.open(PROJECT / "drafts", os.O_RDONLY | os.O_DIRECTORY)
        made = os.open(NAME, os.O_CREAT | os.O_WRONLY, dir_fd=os.open(PROJECT / "drafts", os.O_RDONLY))
        os.write(made, b"x")
        os.close(made)
        os.unlink(NAME, dir_fd=folder)
        os.close(folder)
        """,
    ),
    act(
        "temporary-files",
        """
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "x").write_text("x")
        with tempfile.NamedTemporaryFile("w+") as file, tempfile.TemporaryFile() as other:
            file.write("x")
            other.write(b"x")
        with tempfile.SpooledTemporaryFile(max_size=1) as file:
            file.write(b"more than one")
        assert tempfile.gettempdir()
        """,
        apart=True,
    ),
    act(
        "log-to-a-draft",
        """
        import logging
        handler = logging.FileHandler(PROJECT / "drafts" / NAME)
        handler.emit(logging.makeLogRecord({"msg": "x"}))
        handler.close()
        """,
    ),
    act(
        "to-nowhere",
        """
        with open(os.devnull, "w") as nowhere:
            print("x", file=nowhere)
        subprocess.run(["true"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        """,
    ),
    act(
        "map-and-seek",
        """
        import mmap
        with open(__file__, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert mapped[:4]
        """,
    ),
    act(
        "archives-in-memory",
        """
        import bz2, gzip, io, lzma, tarfile, zipfile, zlib
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("x", "y")
        assert zipfile.ZipFile(packed).read("x") == b"y"
        with tarfile.open(fileobj=io.BytesIO(), mode="w:gz") as archive:
            archive.addfile(tarfile.TarInfo("x"))
        for module in (bz2, gzip, lzma, zlib):
            assert module.decompress(module.compress(b"x")) == b"x"
        """,
    ),
    act(
        "unpack-to-drafts",
        """
        import io, zipfile
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("deep/x", "y")
        zipfile.ZipFile(packed).extractall(PROJECT / "drafts" / NAME)
        """,
    ),
    act(
        "sqlite",
        """
        import sqlite3
        memory = sqlite3.connect(":memory:")
        memory.execute("CREATE TABLE t (x)")
        memory.execute("INSERT INTO t VALUES (1)")
        memory.execute("ATTACH ':memory:' AS other")
        mine = sqlite3.connect(PROJECT / "drafts" / f"{NAME}.db")
        mine.execute("CREATE TABLE t (x)")
        mine.commit()
        mine.close()
        read = sqlite3.connect(f"file:{PROJECT}/drafts/{NAME}.db?mode=ro", uri=True)
        assert read.execute("SELECT count(*) FROM t").fetchone() == (0,)
        """,
        apart=True,
    ),
    act(
        "formats",
        """
        import configparser, csv, io, json, pickle, plistlib, tomllib, xml.etree.ElementTree as tree
        assert json.loads(json.dumps({"a": [1]})) and [*csv.reader(io.StringIO("a,b"))]
        assert pickle.loads(pickle.dumps([1])) and tomllib.loads("a = 1") and tree.fromstring("<a/>").tag
        assert plistlib.loads(plistlib.dumps({})) == {} and configparser.ConfigParser()
        import yaml
        assert yaml.safe_load("a: 1")
        """,
    ),
)

NETWORK = (
    act("get", """assert context.http.get(f"{SITE}/open/x").status_code == 200""", apart=True),
    act(
        "ask-in-many-ways",
        """
        context.http.headers["X-Note"] = "x"
        assert context.http.head(f"{SITE}/open/x").status_code == 200
        assert context.http.get(f"{SITE}/open/x", params={"q": "a b&c"}, auth=("user", "password")).is_success
        assert context.http.get(f"http://localhost:{SITE_PORT}/open/x").is_success
        context.http.event_hooks = {"response": [lambda answer: answer.raise_for_status()]}
        assert context.http.get(f"{SITE}/open/x", timeout=60, cookies={"a": "b"}).is_success
        """,
    ),
    act(
        "search",
        """assert context.http.post(f"{SITE}/search/x", json={"filter": []}).is_success""",
        apart=True,
    ),
    act(
        "search-by-a-form",
        """assert context.http.post(f"{SITE}/search/x", data={"method": "delete"}).is_success""",
    ),
    act(
        "redirect-within-the-site",
        """
        to = {"status": 302, "location": "/open/other"}
        assert context.http.get(f"{SITE}/open/x", params=to, follow_redirects=True).url.path == "/open/other"
        """,
    ),
    act(
        "ask-again-if-it-changed",
        """
        tag = context.http.get(f"{SITE}/open/x", params={"etag": '"a"'}).headers["etag"]
        assert context.http.get(f"{SITE}/open/x", headers={"If-None-Match": tag}).is_success
        """,
    ),
    act(
        "stream",
        """
        with context.http.stream("GET", f"{SITE}/open/x?size=100000") as answer:
            assert sum(map(len, answer.iter_bytes())) == 100_000
        """,
        apart=True,
    ),
    act(
        "async-requests",
        "",
        whole="""
        async def run(context: WorkerContext) -> WorkerOutput:
            ask = context.http_async.get
            answers = await asyncio.gather(*(ask(f"{SITE}/open/{number}") for number in range(5)))
            assert all(answer.is_success for answer in answers)
            return WorkerOutput(summary="done")
        """,
        apart=True,
    ),
    act(
        "requests-from-a-pool",
        """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda number: context.http.get(f"{SITE}/open/{number}"), range(8))
            assert all(answer.is_success for answer in answers)
        """,
        apart=True,
    ),
    act(
        "the-database",
        """
        with socket.create_connection(DATABASE) as plain:
            plain.sendall(b"a question")
        with socket.create_connection(("localhost", DATABASE_PORT)) as plain:
            plain.sendall(b"another")
        """,
        apart=True,
    ),
    act(
        "listen-where-it-may",
        """
        with socket.create_server(("127.0.0.1", FREE_PORT)) as server:
            server.listen()
        """,
    ),
    act(
        "a-socket-pair",
        """
        one, other = socket.socketpair()
        one.sendall(b"x")
        assert other.recv(1) == b"x"
        assert socket.gethostname() and socket.inet_aton("127.0.0.1")
        """,
    ),
    act(
        "import-clients",
        """import http.client, requests, smtplib, urllib.request, urllib3, xmlrpc.client""",
        apart=True,
    ),
    act(
        "refused-by-the-other-side",
        """
        import httpx
        with contextlib.suppress(httpx.HTTPStatusError):
            context.http.get(f"{SITE}/open/x?status=503").raise_for_status()
        """,
    ),
)

PROGRAMS = (
    act(
        "git-log",
        """
        told = subprocess.run(["git", "log"], cwd=PROJECT, capture_output=True, text=True, check=True)
        assert "the first" in told.stdout
        assert subprocess.check_output(["git", "status"], cwd=PROJECT)
        """,
        apart=True,
    ),
    act(
        "programs-in-a-loop",
        """
        async def start():
            child = await asyncio.create_subprocess_exec("cat", __file__, stdout=asyncio.subprocess.PIPE)
            told, _ = await child.communicate()
            assert told
        asyncio.run(start())
        """,
        apart=True,
    ),
    act(
        "end-what-it-started",
        """
        child = subprocess.Popen(["sleep", "60"])
        os.kill(child.pid, 0)
        child.terminate()
        child.wait()
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["sleep", "60"], timeout=0.05)
        ended = subprocess.Popen(["true"])
        os.waitpid(ended.pid, 0)
        with contextlib.suppress(ProcessLookupError):
            os.kill(ended.pid, 15)
        """,
        apart=True,
    ),
    act(
        "programs-with-an-environment",
        """
        assert subprocess.run(["true"], env={**os.environ, "A": "b"}, cwd="/").returncode == 0
        assert subprocess.run(["cat"], input=b"x", capture_output=True).stdout == b"x"
        """,
    ),
)

PYTHON = (
    act(
        "async-tasks",
        """
        async def work():
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(0.01))
            async with asyncio.timeout(5):
                await asyncio.to_thread(time.sleep, 0.01)
            return await asyncio.get_running_loop().run_in_executor(None, sum, [1, 2])
        assert asyncio.run(work()) == 3
        """,
        apart=True,
    ),
    act(
        "threads",
        """
        from multiprocessing.pool import ThreadPool
        import queue
        done = queue.Queue()
        threading.Thread(target=done.put, args=(1,)).start()
        threading.Timer(0.01, done.put, args=(2,)).start()
        assert {done.get(timeout=60), done.get(timeout=60)} == {1, 2}
        with ThreadPool(2) as pool:
            assert pool.map(str, [1, 2]) == ["1", "2"]
        """,
        apart=True,
    ),
    act(
        "logging-and-warnings",
        """
        import logging, traceback, warnings
        logging.getLogger("mine").warning("x")
        context.log.info("%s", {"a": 1})
        warnings.warn("x")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("x")
            traceback.print_exc()
        context.progress("half")
        """,
        apart=True,
    ),
    act(
        "the-machine",
        """
        import getpass, locale, platform, resource, sysconfig
        assert platform.platform() and platform.python_version() and platform.machine() and platform.node()
        assert os.cpu_count() and os.getpid() and os.uname() and os.getcwd() and sysconfig.get_paths()
        assert resource.getrusage(resource.RUSAGE_SELF) and shutil.disk_usage("/") and shutil.which("git")
        """,
        apart=True,
    ),
    act(
        "times-and-zones",
        """
        import datetime, zoneinfo, calendar
        assert datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Tokyo")) and zoneinfo.available_timezones()
        assert time.localtime() and calendar.month(2026, 3) and time.strftime("%c")
        """,
    ),
    act(
        "numbers",
        """
        import decimal, fractions, hashlib, hmac, random, secrets, statistics, uuid
        assert uuid.uuid4() and uuid.uuid1() and uuid.uuid5(uuid.NAMESPACE_DNS, "x") and secrets.token_hex()
        assert hashlib.sha256(b"x").hexdigest() and hashlib.file_digest(open(__file__, "rb"), "md5")
        assert hmac.new(b"k", b"x", "sha256") and os.urandom(4)
        assert random.random() < 1 and random.SystemRandom().random() < 1
        assert decimal.Decimal("1.1") + 1 and fractions.Fraction(1, 3) and statistics.mean([1, 2])
        """,
        apart=True,
    ),
    act(
        "texts",
        """
        import difflib, email.message, email.utils, html, re, string, textwrap, unicodedata, urllib.parse
        assert unicodedata.name("é") and html.escape("<") and urllib.parse.quote("a b") and "ß".encode("idna")
        message = email.message.EmailMessage()
        message.set_content("x")
        assert message.as_bytes() and email.utils.formatdate() and difflib.ndiff(["a"], ["b"])
        assert "x".encode("utf-16") and b"x".decode("cp1252")
        """,
    ),
    act(
        "import-modules",
        """
        import importlib, importlib.metadata, importlib.resources, pkgutil
        assert importlib.import_module("colorsys") and importlib.metadata.version("httpx")
        assert importlib.resources.files("loom") and [*pkgutil.iter_modules()]
        import concurrent.futures, ctypes, curses, multiprocessing, pdb, pty, readline, signal, unittest.mock
        import ensurepip, venv, webbrowser, xml.dom.minidom
        """,
        apart=True,
    ),
    act(
        "a-module-of-the-project",
        """
        import workers.echo
        import importlib
        importlib.reload(workers.echo)
        """,
    ),
    act(
        "a-module-seen-for-the-first-time",
        """
        (PROJECT / "drafts" / "fresh.py").write_text("x = 1")
        sys.path.append(str(PROJECT / "drafts"))
        try:
            import fresh
        finally:
            sys.path.remove(str(PROJECT / "drafts"))
        """,
        apart=True,
    ),
    act(
        "values-with-types",
        """
        import collections, dataclasses, enum, functools, typing
        from pydantic import BaseModel, TypeAdapter, create_model
        Point = collections.namedtuple("Point", "x y")
        @dataclasses.dataclass(frozen=True)
        class Kept:
            x: int = 1
        assert Point(1, 2) and Kept() and enum.Enum("Kind", "A B") and typing.NamedTuple("N", [("a", int)])
        assert create_model("Made", a=(int, 1))().model_dump_json()
        assert TypeAdapter(list[int]).validate_python(["1"])
        """,
        apart=True,
    ),
    act(
        "memory",
        """
        import copy, gc, tracemalloc, weakref
        class Thing:
            pass
        gc.collect()
        assert gc.get_stats() and weakref.ref(Thing())() is None and copy.deepcopy({"a": [1]})
        weakref.finalize(Thing(), str)
        tracemalloc.start()
        tracemalloc.stop()
        """,
    ),
    act(
        "contexts",
        """
        variable = contextvars.ContextVar("variable", default=0)
        inner = contextvars.copy_context()
        inner.run(variable.set, 1)
        assert variable.get() == 0 and contextvars.Context().run(variable.get) == 0
        """,
    ),
    act(
        "looking-at-itself",
        """
        import faulthandler, inspect, io, profile, cProfile, traceback
        assert inspect.stack() and inspect.getsource(run) and traceback.format_stack() and sys._getframe()
        profiler = cProfile.Profile()
        profiler.enable()
        profiler.disable()
        with open(PROJECT / "drafts" / NAME, "w") as file:
            faulthandler.dump_traceback(file)
        """,
    ),
    act(
        "printing-a-lot",
        """
        for number in range(3_000):
            print(number, "x" * 50)
        print("to the other side", file=sys.stderr)
        sys.stdout.buffer.write(b"bytes")
        """,
    ),
    act(
        "a-hook-at-the-end",
        """
        import atexit
        atexit.register(print, "bye")
        atexit.unregister(print)
        """,
    ),
    act(
        "descriptors-left-open",
        """
        for number in os.listdir("/dev/fd"):
            with contextlib.suppress(OSError):
                os.dup(int(number))
        """,
    ),
    act(
        "signals-of-ones-own",
        """
        import signal
        assert signal.getsignal(signal.SIGTERM) is not None and signal.strsignal(15)
        """,
    ),
    act(
        "its-own-secret",
        """assert len(context.secret("SECRET")) > 9""",
        keys="requires: {env: [SECRET]}",
        apart=True,
    ),
    Trick(
        name="the-one-that-may",
        body="""assert len(context.secret("FOREIGN_SECRET")) > 9""",
        keys="requires: {env: [FOREIGN_SECRET]}",
        end=End.FINE,
    ),
    act(
        "limit-just-kept",
        """
        for _ in range(3):
            context.http.get(f"{SITE}/open/x?size=5000")
        return WorkerOutput(summary="x", findings=[Finding(severity="info", title="x")] * 3)
        """,
    ),
    act(
        "an-output-in-full",
        "",
        whole="""
        from pydantic import BaseModel, Field, computed_field, field_validator
        class Settings(BaseModel):
            days: int = 3
        class Output(WorkerOutput):
            count: int = Field(ge=0)
            ids: list[str]
            @field_validator("ids")
            @classmethod
            def known(cls, ids):
                return sorted(ids)
        def run(context: WorkerContext[Settings]) -> Output:
            url = "https://example.org/a?id=4000000000000000"
            found = Finding(severity="warning", title="Order 4111 late", subject="contact 123456789", url=url)
            findings, metrics = [found], {"a": 1.5}
            return Output(
                summary="2026-03-03: 12 of 14", findings=findings, metrics=metrics, count=2, ids=["b", "a"]
            )
        """,
        apart=True,
    ),
    act(
        "skip-it",
        "",
        whole="""
        def run(context: WorkerContext) -> WorkerOutput:
            raise Skip("there is nothing new")
        """,
    ),
)

ACTS = (*FILES, *NETWORK, *PROGRAMS, *PYTHON, _IN_TURN)
