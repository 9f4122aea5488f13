"""Ways to make, change and remove files where no rule allows it, and to read what is private."""

from tests.guard.trick import Company, End, Trick, family

WRITING = family(
    "writing files",
    Trick(name="open-to-write", body="""open(VICTIM, "w").write("x")  #!""", apart=End.REFUSED),
    Trick(name="open-to-append", body="""open(VICTIM, "ab").write(b"x")  #!"""),
    Trick(name="open-to-update", body="""open(VICTIM, "r+").truncate()  #!"""),
    Trick(name="open-to-make", body="""open(NEW, "x").close()  #!"""),
    Trick(name="os-open", body="""os.open(NEW, os.O_CREAT | os.O_WRONLY)  #!""", apart=End.REFUSED),
    Trick(name="os-open-to-cut", body="""os.open(VICTIM, os.O_RDONLY | os.O_TRUNC)  #!"""),
    Trick(name="os-open-as-bytes", body="""os.open(os.fsencode(NEW), os.O_RDWR | os.O_CREAT)  #!"""),
    Trick(
        name="an-opener",
        body="""
            with contextlib.suppress(OSError):
                open(NEW, opener=lambda path, flags: os.open(path, os.O_CREAT | os.O_RDWR)).close()  #!
        """,
    ),
    Trick(name="path-write-text", body="""NEW.write_text("x")  #!"""),
    Trick(name="path-touch", body="""NEW.touch()  #!"""),
    Trick(name="shutil-copy", body="""shutil.copy(__file__, NEW)  #!"""),
    Trick(
        name="shutil-move",
        body="""
            mine = PROJECT / "drafts" / NAME
            mine.write_text("x")
            shutil.move(mine, NEW)  #!
        """,
    ),
    Trick(
        name="a-temporary-file-elsewhere",
        body="""
            import tempfile
            tempfile.NamedTemporaryFile(dir=OUTSIDE, prefix=f"{NAME}.", delete=False)  #!
        """,
    ),
    Trick(name="make-a-folder", body="""os.makedirs(NEW / "deep")  #!"""),
    Trick(name="make-a-pipe", body="""os.mkfifo(NEW)  #!"""),
    Trick(name="make-a-node", body="""os.mknod(NEW)  #!"""),
    Trick(
        name="in-place",
        body="""
            import fileinput
            for line in fileinput.input(VICTIM, inplace=True):  #!
                print("x")
        """,
    ),
    Trick(
        name="the-log-to-a-file",
        body="""
            import logging
            logging.FileHandler(NEW)  #!
        """,
    ),
    Trick(
        name="map-into-memory",
        body="""
            import mmap
            with open(VICTIM, "r+b") as file:  #!
                mmap.mmap(file.fileno(), 0)[:1] = b"X"
        """,
    ),
    Trick(
        name="kept-wins-over-drafts",
        body="""(PROJECT / "drafts" / "kept" / NAME).write_text("x")  #!""",
        rule="kept",
        apart=End.REFUSED,
    ),
)

ROUNDABOUT = family(
    "roundabout paths",
    Trick(name="dot-dot-from-drafts", body="""open(f"{PROJECT}/drafts/../{NAME}", "w")  #!"""),
    Trick(
        name="by-a-link-that-was-there",
        body="""(PROJECT / "drafts" / "way-out" / NEW.name).write_text("x")  #!""",
        apart=End.REFUSED,
    ),
    Trick(
        name="a-link-of-ones-own",
        body="""
            link = PROJECT / "drafts" / NAME
            os.symlink(VICTIM, link)
            link.write_text("x")  #!
        """,
    ),
    Trick(name="a-link-outside", body="""os.symlink("/etc/hostname", NEW)  #!"""),
    Trick(
        name="a-second-name",
        body="""
            os.link(VICTIM, PROJECT / "drafts" / NAME)  #!
            (PROJECT / "drafts" / NAME).write_text("x")
        """,
    ),
    Trick(
        name="rename-over",
        body="""
            mine = PROJECT / "drafts" / NAME
            mine.write_text("x")
            os.replace(mine, VICTIM)  #!
        """,
    ),
    Trick(name="rename-away", body="""os.rename(VICTIM, PROJECT / "drafts" / NAME)  #!"""),
    Trick(
        name="from-a-folders-descriptor",
        body="""
            folder = os.open(OUTSIDE, os.O_RDONLY)
            os.open(NEW.name, os.O_CREAT | os.O_WRONLY, dir_fd=folder)  #!
        """,
    ),
    Trick(
        name="make-from-a-descriptor",
        body="""
            folder = os.open(OUTSIDE, os.O_RDONLY)
            os.mkdir(NEW.name, dir_fd=folder)  #!
        """,
    ),
    Trick(
        name="remove-from-a-descriptor",
        body="""
            folder = os.open(OUTSIDE, os.O_RDONLY)
            os.unlink(VICTIM.name, dir_fd=folder)  #!
        """,
    ),
    Trick(
        name="move-between-descriptors",
        body="""
            folder = os.open(OUTSIDE, os.O_RDONLY)
            (PROJECT / "drafts" / NAME).write_text("x")
            os.rename(PROJECT / "drafts" / NAME, VICTIM.name, dst_dir_fd=folder)  #!
        """,
    ),
    Trick(
        name="by-proc-self-fd",
        body="""
            handle = os.open(VICTIM, os.O_RDONLY)
            open(f"/proc/self/fd/{handle}", "w").write("x")  #!
        """,
    ),
    Trick(
        name="by-dev-fd",
        body="""
            handle = os.open(VICTIM, os.O_RDONLY)
            open(f"/dev/fd/{handle}", "a").write("x")  #!
        """,
    ),
    Trick(name="by-proc-self-root", body="""open(f"/proc/self/root{NEW}", "w").write("x")  #!"""),
    Trick(name="by-proc-self-cwd", body="""open(f"/proc/self/cwd/{NAME}", "w").write("x")  #!"""),
    Trick(
        name="by-another-working-folder",
        body="""
            before = os.getcwd()
            os.chdir(OUTSIDE)
            try:
                open(NEW.name, "w").write("x")  #!
            finally:
                os.chdir(before)
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="a-link-that-changes",
        body="""
            link, other = PROJECT / "drafts" / NAME, PROJECT / "drafts" / f"{NAME}.other"
            (PROJECT / "drafts" / f"{NAME}.harmless").write_text("x")
            def swap():
                while not done.is_set():
                    for target in (VICTIM, PROJECT / "drafts" / f"{NAME}.harmless"):
                        other.unlink(missing_ok=True)
                        other.symlink_to(target)
                        os.replace(other, link)
            done = threading.Event()
            link.symlink_to(PROJECT / "drafts" / f"{NAME}.harmless")
            class Text(str):
                def __fspath__(self):
                    return self
            swapper = threading.Thread(target=swap)
            swapper.start()
            try:
                for _ in range(20_000):
                    with contextlib.suppress(OSError, Refused):
                        open(link, "a").write("x")
                    if VICTIM.read_text() != f"the text of {NAME}\\n":
                        break
            finally:
                done.set()
                swapper.join()
        """,
        end=End.PASSES,
        reason="between the look at a path and its opening another thread may turn a link: nobody does so by "
        "mistake",
        company=Company.ONE_BY_ONE,
    ),
)

_IN_C = (
    "a few modules written in C open a file themselves and tell nobody: readline, ssl (the log of keys), dbm"
)

FORMATS = family(
    "files behind libraries",
    Trick(
        name="sqlite-connect",
        body="""
            import sqlite3
            sqlite3.connect(NEW).execute("CREATE TABLE t (x)")  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="sqlite-by-a-uri",
        body="""
            import sqlite3
            sqlite3.connect(f"file:{NEW}?mode=rwc", uri=True).execute("CREATE TABLE t (x)")  #!
        """,
    ),
    Trick(
        name="sqlite-said-to-be-immutable",
        body="""
            import sqlite3
            sqlite3.connect(f"file:{NEW}?immutable=1&mode=rwc", uri=True).execute("CREATE TABLE t (x)")  #!
        """,
    ),
    Trick(
        name="sqlite-named-like-a-uri",
        body="""
            import sqlite3
            sqlite3.connect(f"file:{NAME}?mode=ro").execute("CREATE TABLE t (x)")
        """,
        end=End.STOPPED,
        error="OperationalError",
    ),
    Trick(
        name="sqlite-by-its-class",
        body="""
            import sqlite3
            memory = sqlite3.Connection(":memory:")
            memory.execute(f"ATTACH '{NEW}' AS other")
            memory.execute("CREATE TABLE other.t (x)")
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="a connection is watched for what it attaches if sqlite3.connect made it, as nearly all are",
    ),
    Trick(
        name="sqlite-attach",
        body="""
            import sqlite3
            memory = sqlite3.connect(":memory:")
            memory.execute("ATTACH ? AS other", (str(NEW),))  #!
            memory.execute("CREATE TABLE other.t (x)")
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="sqlite-vacuum-into",
        body="""
            import sqlite3
            memory = sqlite3.connect(":memory:")
            memory.execute("CREATE TABLE t (x)")
            memory.execute("VACUUM INTO ?", (str(NEW),))  #!
        """,
    ),
    Trick(
        name="sqlite-without-its-authorizer",
        body="""
            import sqlite3
            memory = sqlite3.connect(":memory:")
            memory.set_authorizer(None)
            memory.execute(f"ATTACH '{NEW}' AS other")
            memory.execute("CREATE TABLE other.t (x)")
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="whoever takes the guard's own authorizer from a connection means it",
    ),
    Trick(
        name="sqlite-in-c",
        body="""
            import _sqlite3
            _sqlite3.connect(str(NEW)).execute("CREATE TABLE t (x)")  #!
        """,
    ),
    Trick(
        name="sqlite-with-a-factory-of-ones-own",
        body="""
            import sqlite3
            class Mine(sqlite3.Connection):
                def __init__(self, *args, **keys):
                    super().__init__(str(NEW))  #!
            sqlite3.connect(":memory:", factory=Mine).execute("CREATE TABLE t (x)")
        """,
    ),
    Trick(
        name="shelve",
        body="""
            import shelve
            shelve.open(str(NEW))["x"] = 1  #!
        """,
    ),
    Trick(
        name="dbm-dumb",
        body="""
            import dbm.dumb
            dbm.dumb.open(str(NEW), "n")  #!
        """,
    ),
    Trick(
        name="tar-with-dots",
        body="""
            import io, tarfile
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as tar:
                tar.addfile(tarfile.TarInfo(f"../{NAME}"))
            packed.seek(0)
            with tarfile.open(fileobj=packed) as tar:
                tar.extractall(PROJECT / "drafts")  #!
        """,
    ),
    Trick(
        name="zip-elsewhere",
        body="""
            import io, zipfile
            with zipfile.ZipFile(io.BytesIO(), "w") as packed:
                packed.writestr(NEW.name, "x")
                packed.extractall(OUTSIDE)  #!
        """,
    ),
    Trick(
        name="a-history-of-readline",
        body="""
            import readline
            readline.write_history_file(str(NEW))
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason=_IN_C,
    ),
    Trick(
        name="a-key-log-of-tls",
        body="""
            import ssl
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = str(NEW)
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason=_IN_C,
    ),
    Trick(
        name="bytecode-elsewhere",
        body="""
            import py_compile
            py_compile.compile(__file__, cfile=str(NEW), doraise=True)  #!
        """,
    ),
    Trick(
        name="bytecode-by-the-importer",
        body="""
            import importlib.machinery as machinery
            machinery.SourceFileLoader("x", __file__).set_data(str(NEW), b"x")  #!
        """,
    ),
)

REMOVING = family(
    "removing and permissions",
    Trick(name="remove", body="""os.remove(VICTIM)  #!""", apart=End.REFUSED),
    Trick(name="path-unlink", body="""VICTIM.unlink()  #!"""),
    Trick(
        name="rmtree",
        body="""
            (PROJECT / "drafts" / "way-out").resolve()
            shutil.rmtree(OUTSIDE)  #!
        """,
    ),
    Trick(name="rmdir", body="""os.rmdir(OUTSIDE / f"{NAME}.folder")  #!"""),
    Trick(name="chmod", body="""os.chmod(VICTIM, 0o777)  #!"""),
    Trick(name="chmod-by-descriptor", body="""os.fchmod(os.open(VICTIM, os.O_RDONLY), 0o777)  #!"""),
    Trick(name="chown", body="""os.chown(VICTIM, 1234, 1234)  #!"""),
    Trick(name="lchown", body="""os.lchown(VICTIM, 1234, 1234)  #!"""),
    Trick(name="utime", body="""os.utime(VICTIM, (1, 1))  #!""", apart=End.REFUSED),
    Trick(name="truncate", body="""os.truncate(VICTIM, 0)  #!"""),
    Trick(name="setxattr", body="""os.setxattr(VICTIM, "user.x", b"y")  #!"""),
    Trick(
        name="the-module-below-os",
        body="""
            import posix
            posix.unlink(VICTIM)  #!
        """,
    ),
)

READING = family(
    "reading what is private",
    Trick(name="read-private", body="""print(PRIVATE.read_text())  #!""", rule="kept", apart=End.REFUSED),
    Trick(
        name="read-private-by-a-link",
        body="""
            link = PROJECT / "drafts" / NAME
            link.symlink_to(PRIVATE)
            print(link.read_text())  #!
        """,
        rule="kept",
    ),
    Trick(
        name="read-private-by-proc",
        body="""print(open(f"/proc/self/root{PRIVATE}").read())  #!""",
        rule="kept",
    ),
    Trick(
        name="read-private-by-urllib",
        body="""
            import urllib.request
            print(urllib.request.urlopen(PRIVATE.as_uri()).read().decode())  #!
        """,
        rule="kept",
    ),
    Trick(
        name="read-private-from-a-descriptor",
        body="""
            folder = os.open(PRIVATE.parent, os.O_RDONLY)
            print(os.read(os.open(PRIVATE.name, os.O_RDONLY, dir_fd=folder), 99).decode())  #!
        """,
        rule="kept",
    ),
    Trick(
        name="read-private-by-copying",
        body="""
            shutil.copyfile(PRIVATE, PROJECT / "drafts" / NAME)  #!
            print((PROJECT / "drafts" / NAME).read_text())
        """,
        rule="kept",
    ),
    Trick(
        name="read-private-by-linecache",
        body="""
            import linecache
            print(linecache.getline(str(PRIVATE), 1))  #!
        """,
        rule="kept",
    ),
    Trick(
        name="move-private-away",
        body="""
            os.rename(PRIVATE, PROJECT / "drafts" / NAME)  #!
            print((PROJECT / "drafts" / NAME).read_text())
        """,
    ),
    Trick(
        name="read-private-by-a-program",
        body="""print(subprocess.run(["cat", PRIVATE], capture_output=True, text=True).stdout)""",
        end=End.PASSES,
        apart=End.PASSES,
        reason="a program that a rule grants is no Python: what it reads and writes its arguments must bound",
    ),
)

LOOMS_OWN = family(
    "Loom's own things",
    Trick(
        name="a-rule-of-ones-own",
        body="""(PROJECT / "enforcement" / "rules" / f"{NAME}.yaml").write_text("x")  #!""",
        apart=End.REFUSED,
    ),
    Trick(
        name="the-manifest",
        body="""open(PROJECT / "enforcement" / "manifest.yaml", "a").write(f"# {NAME}")  #!""",
    ),
    Trick(name="the-registry", body="""open(PROJECT / "worker-registry.yaml", "a").write(f"# {NAME}")  #!"""),
    Trick(
        name="the-ledger-by-sqlite",
        body="""
            import sqlite3
            ledger = sqlite3.connect(PROJECT / ".loom" / "ledger.db")  #!
            ledger.execute(f'CREATE TABLE "got {NAME} " (x)')
        """,
        apart=End.REFUSED,
    ),
    Trick(name="the-ledger-as-a-file", body="""os.truncate(PROJECT / ".loom" / "ledger.db", 0)  #!"""),
    Trick(
        name="by-looms-own-ledger",
        body="""
            from loom.ledger.sqlite import SqliteLedger
            ledger = SqliteLedger(PROJECT / ".loom" / "ledger.db")  #!
            leak("opened the ledger")
        """,
    ),
    Trick(name="beside-the-ledger", body="""(PROJECT / ".loom" / NAME).write_text("x")  #!"""),
    Trick(name="ones-own-module", body="""open(__file__, "a").write(f"# {NAME}")  #!"""),
    Trick(
        name="anothers-module", body="""open(PROJECT / "workers" / "echo.py", "a").write(f"# {NAME}")  #!"""
    ),
    Trick(
        name="anothers-bytecode",
        body="""(PROJECT / "workers" / "__pycache__" / f"{NAME}.cpython-311.pyc").write_bytes(b"x")  #!""",
    ),
    Trick(
        name="a-module-before-all-others",
        body="""(PROJECT / f"{NAME}.py").write_text("x")  #!""",
    ),
    Trick(
        name="looms-code",
        body="""
            import loom
            (pathlib.Path(loom.__file__).parent / f"{NAME}.py").write_text("x")  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(name="a-git-hook", body="""(PROJECT / ".git" / "hooks" / NAME).write_text("x")  #!"""),
    Trick(name="the-git-config", body="""open(PROJECT / ".git" / "config", "a").write(f"# {NAME}")  #!"""),
)

FILES = (*WRITING, *ROUNDABOUT, *FORMATS, *REMOVING, *READING, *LOOMS_OWN)
