"""Ways to start a program that no rule grants, to copy the process, and to leave Python."""

from tests.guard.trick import Company, End, Trick, family

PROGRAMS = family(
    "programs",
    Trick(name="subprocess-run", body="""subprocess.run([PROGRAM, NAME])  #!""", apart=End.REFUSED),
    Trick(
        name="by-a-shell", body="""subprocess.run(f"'{PROGRAM}' {NAME}", shell=True)  #!""", apart=End.REFUSED
    ),
    Trick(name="popen", body="""subprocess.Popen([PROGRAM, NAME]).wait()  #!"""),
    Trick(name="os-system", body="""os.system(f"'{PROGRAM}' {NAME}")  #!"""),
    Trick(name="os-popen", body="""os.popen(f"'{PROGRAM}' {NAME}").read()  #!"""),
    Trick(name="posix-spawn", body="""os.posix_spawn(PROGRAM, [PROGRAM, NAME], {})  #!"""),
    Trick(name="spawnv", body="""os.spawnv(os.P_WAIT, PROGRAM, [PROGRAM, NAME])  #!"""),
    Trick(
        name="execv",
        body="""os.execv(PROGRAM, [PROGRAM, NAME])  #!""",
        company=Company.ONE_BY_ONE,
        apart=End.REFUSED,
    ),
    Trick(
        name="pty-spawn",
        body="""
            import pty
            pty.spawn([PROGRAM, NAME])  #!
        """,
    ),
    Trick(
        name="asyncio-exec",
        body="""
            async def start():
                await (await asyncio.create_subprocess_exec(PROGRAM, NAME)).wait()  #!
            asyncio.run(start())
        """,
    ),
    Trick(
        name="asyncio-shell",
        body="""
            async def start():
                await (await asyncio.create_subprocess_shell(f"'{PROGRAM}' {NAME}")).wait()  #!
            asyncio.run(start())
        """,
    ),
    Trick(
        name="a-browser",
        body="""
            import webbrowser
            webbrowser.BackgroundBrowser([PROGRAM, "%s"]).open(NAME)  #!
        """,
    ),
    Trick(
        name="another-executable-than-told",
        body="""subprocess.run(["git", NAME], executable=PROGRAM)  #!""",
    ),
    Trick(
        name="below-subprocess",
        body="""
            import _posixsubprocess
            read, write = os.pipe()
            argv = [os.fsencode(PROGRAM), NAME.encode()]
            _posixsubprocess.fork_exec(  #!
                argv, [argv[0]], True, (write,), None, None, *[-1] * 6, read, write, False, False, -1,
                None, None, None, -1, None, True,
            )
        """,
    ),
)

GRANTED = family(
    "granted programs put to other use",
    Trick(
        name="a-program-told-to-write",
        body="""
            to = (os.POSIX_SPAWN_OPEN, 1, str(NEW), os.O_CREAT | os.O_WRONLY, 0o600)
            cat = shutil.which("cat")
            os.waitpid(os.posix_spawn(cat, [cat, __file__], {}, file_actions=[to]), 0)  #!
        """,
    ),
    Trick(
        name="a-git-of-ones-own",
        body="""
            own = PROJECT / "drafts" / "git"
            own.write_text(f"#!/bin/sh\\nexec '{PROGRAM}' {NAME}\\n")
            own.chmod(0o755)
            path = f"{own.parent}:{os.environ['PATH']}"
            subprocess.run(["git", "log"], env={"PATH": path})  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="a-git-by-the-environments-path",
        body="""
            own = PROJECT / "drafts" / "git"
            own.write_text(f"#!/bin/sh\\nexec '{PROGRAM}' {NAME}\\n")
            own.chmod(0o755)
            before = os.environ["PATH"]
            os.environ["PATH"] = f"{own.parent}:{before}"
            try:
                subprocess.run(["git", "log"])  #!
            finally:
                os.environ["PATH"] = before
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="a-git-in-the-working-folder",
        body="""
            own = PROJECT / "drafts" / "git"
            own.write_text(f"#!/bin/sh\\nexec '{PROGRAM}' {NAME}\\n")
            own.chmod(0o755)
            subprocess.run(["./git", "log"], cwd=own.parent)  #!
        """,
    ),
    Trick(
        name="preload",
        body="""subprocess.run(["git", "log"], env={**os.environ, "LD_PRELOAD": f"/{NAME}.so"})  #!""",
    ),
    Trick(name="git-tag", body="""subprocess.run(["git", "tag", NAME], cwd=PROJECT)  #!""", rule="programs"),
    Trick(
        name="git-alias",
        body="""subprocess.run(["git", "-c", f"alias.x=!'{PROGRAM}' {NAME}", "x"], cwd=PROJECT)  #!""",
        rule="programs",
        apart=End.REFUSED,
    ),
    Trick(
        name="git-output",
        body="""subprocess.run(["git", "log", f"--output={NEW}"], cwd=PROJECT)  #!""",
        rule="programs",
    ),
    Trick(
        name="git-with-a-differ",
        body="""
            differ = {**os.environ, "GIT_EXTERNAL_DIFF": f"'{PROGRAM}' {NAME}; true"}
            subprocess.run(["git", "log", "-p", "--ext-diff"], env=differ, cwd=PROJECT)
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="what a granted program starts is its own affair: grant only those that can be told nothing",
    ),
)

COPIES = family(
    "copies of the process",
    Trick(
        name="fork",
        body="""
            if os.fork() == 0:  #!
                NEW.write_text("x")
                os._exit(0)
            os.wait()
        """,
        company=Company.ONE_BY_ONE,
        apart=End.REFUSED,
    ),
    Trick(
        name="forkpty",
        body="""
            child, _ = os.forkpty()  #!
            if child == 0:
                NEW.write_text("x")
                os._exit(0)
            os.wait()
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="multiprocessing-fork",
        body="""
            import multiprocessing
            child = multiprocessing.get_context("fork").Process(target=NEW.write_text, args=("x",))
            child.start()  #!
            child.join()
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="multiprocessing-spawn",
        body="""
            import multiprocessing
            child = multiprocessing.get_context("spawn").Process(target=NEW.write_text, args=("x",))
            child.start()  #!
            child.join()
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="multiprocessing-forkserver",
        body="""
            import multiprocessing
            child = multiprocessing.get_context("forkserver").Process(target=NEW.write_text, args=("x",))
            child.start()  #!
            child.join()
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="a-pool-of-processes",
        body="""
            from concurrent.futures import ProcessPoolExecutor
            with ProcessPoolExecutor(1) as pool:
                pool.submit(NEW.write_text, "x").result()  #!
        """,
        company=Company.ONE_BY_ONE,
    ),
)

NATIVE = family(
    "native code",
    Trick(
        name="ctypes-system",
        body="""
            import ctypes
            ctypes.CDLL(None).system(f"'{PROGRAM}' {NAME}".encode())  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="ctypes-unlink",
        body="""
            import ctypes
            libc = ctypes.PyDLL(None)  #!
            libc.unlink(os.fsencode(VICTIM))
        """,
    ),
    Trick(
        name="ctypes-pythonapi",
        body="""
            import ctypes
            ctypes.pythonapi.unlink(os.fsencode(VICTIM))  #!
        """,
    ),
    Trick(
        name="ctypes-memory",
        body="""
            import ctypes
            text = ctypes.string_at(id(context), 16)  #!
            leak("read memory")
        """,
    ),
    Trick(
        name="cffi",
        body="""
            import cffi
            ffi = cffi.FFI()
            ffi.cdef("int unlink(const char *);")
            ffi.dlopen(None).unlink(os.fsencode(VICTIM))
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="an installed extension module may call the system without a word to Python: name it under "
        "deny.modules if it is there",
    ),
    Trick(
        name="sqlite-extension",
        body="""
            import sqlite3
            memory = sqlite3.connect(":memory:")
            if hasattr(memory, "enable_load_extension"):  # many a Python is built without it
                memory.enable_load_extension(True)
                leak("could load one")
        """,
        end=End.STOPPED,
    ),
    Trick(
        name="a-module-that-is-denied",
        body="""
            import telnetlib  #!
            leak("imported it")
        """,
        rule="programs",
        apart=End.REFUSED,
    ),
    Trick(
        name="a-module-that-is-denied-by-importlib",
        body="""
            import importlib
            importlib.import_module("telnetlib")  #!
            leak("imported it")
        """,
        rule="programs",
    ),
)

SIGNALS = family(
    "signals",
    Trick(
        name="kill-the-parent",
        body="""os.kill(os.getppid(), 23)  #!
leak("sent")""",
        apart=End.REFUSED,
    ),
    Trick(
        name="kill-loom",
        body="""os.kill(os.getpid(), 23)  #!
leak("sent")""",
    ),
    Trick(
        name="kill-the-group",
        body="""os.killpg(os.getpgrp(), 23)  #!
leak("sent")""",
    ),
    Trick(
        name="kill-everybody",
        body="""os.kill(-1, 23)  #!
leak("sent")""",
    ),
    Trick(
        name="kill-a-thread",
        body="""
            import signal
            signal.pthread_kill(threading.main_thread().ident, 23)  #!
            leak("sent")
        """,
    ),
    Trick(
        name="kill-by-a-process-descriptor",
        body="""
            import signal
            signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 23)  #!
            leak("sent")
        """,
    ),
    Trick(
        name="raise-a-signal",
        body="""
            import signal
            signal.raise_signal(23)  #!
            leak("sent")
        """,
    ),
    Trick(
        name="interrupt-the-main-thread",
        body="""
            import _thread
            _thread.interrupt_main()  #!
            leak("sent")
        """,
    ),
    Trick(name="exit-at-once", body="""os._exit(0)  #!""", company=Company.ONE_BY_ONE),
    Trick(name="abort", body="""os.abort()  #!""", company=Company.ONE_BY_ONE),
    Trick(
        name="limits-of-the-process",
        body="""
            import resource
            resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))  #!
            leak("could have changed them")
        """,
    ),
    Trick(
        name="alarm",
        body="""
            import signal
            signal.alarm(1)  #!
            leak("could have rung")
        """,
    ),
    Trick(
        name="a-dump-that-ends-the-process",
        body="""
            import faulthandler
            with open(os.devnull, "w") as nowhere:
                faulthandler.dump_traceback_later(60, file=nowhere)
                faulthandler.cancel_dump_traceback_later()
                faulthandler.dump_traceback_later(60, exit=True, file=nowhere)  #!
                faulthandler.cancel_dump_traceback_later()
                leak("could have ended")
        """,
    ),
)

MACHINE = (*PROGRAMS, *GRANTED, *COPIES, *NATIVE, *SIGNALS)
