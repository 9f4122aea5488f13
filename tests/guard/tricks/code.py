"""Ways to act outside the worker's own thread, outside its time, and to hide that something was refused."""

import sys

from tests.guard.trick import Company, End, Trick, family

# From 3.13 on `subprocess` starts a program by a call that tells of itself.
_AUDIT_REPLACED = End.PASSES if sys.version_info < (3, 13) else End.REFUSED

THREADS = family(
    "threads and contexts",
    Trick(
        name="thread",
        body="""
            other = threading.Thread(target=lambda: VICTIM.unlink())  #!
            other.start()
            other.join()
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="a-subclass-of-thread",
        body="""
            class Mine(threading.Thread):
                def run(self):
                    VICTIM.unlink()  #!
            other = Mine()
            other.start()
            other.join()
        """,
    ),
    Trick(
        name="timer",
        body="""
            other = threading.Timer(0.01, lambda: VICTIM.unlink())  #!
            other.start()
            other.join()
        """,
    ),
    Trick(
        name="thread-in-c",
        body="""
            import _thread
            done = threading.Event()
            def act():
                try:
                    VICTIM.unlink()  #!
                finally:
                    done.set()
            _thread.start_new_thread(act, ())
            done.wait(5)
        """,
    ),
    Trick(
        name="thread-of-a-thread",
        body="""
            def act():
                inner = threading.Thread(target=lambda: VICTIM.unlink())  #!
                inner.start()
                inner.join()
            other = threading.Thread(target=act)
            other.start()
            other.join()
        """,
    ),
    Trick(
        name="thread-pool",
        body="""
            from concurrent.futures import ThreadPoolExecutor
            with ThreadPoolExecutor(2) as pool:
                pool.submit(lambda: VICTIM.unlink())  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="pool-of-multiprocessing",
        body="""
            from multiprocessing.pool import ThreadPool
            with ThreadPool(1) as pool:
                pool.apply_async(lambda: VICTIM.unlink()).wait(5)  #!
        """,
    ),
    Trick(
        name="callback-of-a-future",
        body="""
            from concurrent.futures import ThreadPoolExecutor
            with ThreadPoolExecutor(1) as pool:
                pool.submit(time.sleep, 0.05).add_done_callback(lambda _: VICTIM.unlink())  #!
        """,
    ),
    Trick(
        name="callback-in-a-thread-that-the-client-began",
        body="""
            from concurrent.futures import ThreadPoolExecutor
            async def act():
                pool = ThreadPoolExecutor(1)
                asyncio.get_running_loop().set_default_executor(pool)
                await context.http_async.get(f"http://localhost:{SITE_PORT}/open/x")
                job = pool.submit(time.sleep, 0.05)
                job.add_done_callback(lambda _: VICTIM.unlink())  #!
                await asyncio.wrap_future(job)
            asyncio.run(act())
        """,
    ),
    Trick(
        name="initializer-of-a-pool-that-the-client-began",
        body="""
            from concurrent.futures import ThreadPoolExecutor
            async def act():
                pool = ThreadPoolExecutor(1, initializer=lambda: VICTIM.unlink())  #!
                asyncio.get_running_loop().set_default_executor(pool)
                await context.http_async.get(f"http://localhost:{SITE_PORT}/open/x")
            asyncio.run(act())
        """,
    ),
    Trick(
        name="to-thread",
        body="""
            async def act():
                await asyncio.to_thread(lambda: VICTIM.unlink())  #!
            asyncio.run(act())
        """,
    ),
    Trick(
        name="executor-of-a-loop",
        body="""
            async def act():
                await asyncio.get_running_loop().run_in_executor(None, lambda: VICTIM.unlink())  #!
            asyncio.run(act())
        """,
    ),
    Trick(name="an-empty-context", body="""contextvars.Context().run(lambda: VICTIM.unlink())  #!"""),
    Trick(
        name="thread-from-an-empty-context",
        body="""
            other = threading.Thread(target=lambda: VICTIM.unlink())  #!
            contextvars.Context().run(other.start)
            other.join()
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="pool-in-an-empty-context",
        body="""
            from concurrent.futures import ThreadPoolExecutor
            with ThreadPoolExecutor(1) as pool:
                contextvars.Context().run(pool.submit, lambda: VICTIM.unlink())  #!
        """,
    ),
    Trick(
        name="task-in-an-empty-context",
        body="""
            async def act():
                VICTIM.unlink()  #!
            async def start():
                await asyncio.get_running_loop().create_task(act(), context=contextvars.Context())
            asyncio.run(start())
        """,
    ),
    Trick(
        name="call-soon-in-an-empty-context",
        body="""
            async def act():
                loop = asyncio.get_running_loop()
                loop.call_soon(lambda: VICTIM.unlink(), context=contextvars.Context())  #!
                await asyncio.sleep(0.05)
            asyncio.run(act())
        """,
    ),
    Trick(
        name="task-of-an-async-run",
        whole="""
            async def act():
                VICTIM.unlink()  #!
            async def run(context: WorkerContext) -> WorkerOutput:
                await asyncio.gather(act(), return_exceptions=True)
                return WorkerOutput(summary="done")
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="every-variable-cleared",
        body="""
            for variable in list(contextvars.copy_context()):
                with contextlib.suppress(Exception):
                    variable.set(None)
            VICTIM.unlink()  #!
        """,
    ),
)

LEFT_BEHIND = family(
    "code left behind for others to call",
    Trick(
        name="generator-closed-late",
        top="""
            def late():
                try:
                    yield
                finally:
                    VICTIM.unlink()  #!
        """,
        body="""
            kept = late()
            next(kept)
            del kept
        """,
    ),
    Trick(
        name="async-generator-closed-late",
        whole="""
            async def late():
                try:
                    yield 1
                finally:
                    VICTIM.unlink()  #!
            async def run(context: WorkerContext) -> WorkerOutput:
                kept = late()
                await anext(kept)
                return WorkerOutput(summary="done")
        """,
    ),
    Trick(
        name="del",
        body="""
            class Last:
                def __del__(self):
                    VICTIM.unlink()  #!
            Last()
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="finalize",
        body="""
            import weakref
            class Kept:
                pass
            kept = Kept()
            weakref.finalize(kept, VICTIM.unlink)
            del kept  #!
        """,
    ),
    Trick(
        name="cycle-that-others-collect",
        body="""
            class Cycle:
                def __del__(self):
                    VICTIM.unlink()
            import gc
            gc.set_threshold(1_000_000)  # not here
            one = Cycle()
            one.itself = one
            del one
        """,
        end=End.PASSES,
        apart=End.STOPPED,
        reason="garbage is collected in whichever thread comes to it, as are callbacks that others call",
        company=Company.NONE,
    ),
    Trick(
        name="atexit",
        body="""
            import atexit
            atexit.register(VICTIM.unlink)
        """,
        end=End.STOPPED,
        company=Company.NONE,
        apart=End.STOPPED,
    ),
    Trick(
        name="hook-of-threads",
        body="""
            before = threading.excepthook
            threading.excepthook = lambda _: VICTIM.unlink()  #!
            try:
                other = threading.Thread(target=lambda: 1 / 0)
                other.start()
                other.join()
            finally:
                threading.excepthook = before
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="hook-of-exceptions",
        body="""sys.excepthook = lambda *_: VICTIM.unlink()""",
        end=End.STOPPED,
        company=Company.NONE,
    ),
    Trick(
        name="hook-of-what-cant-be-raised",
        body="""
            class Failing:
                def __del__(self):
                    raise ValueError
            before = sys.unraisablehook
            sys.unraisablehook = lambda _: VICTIM.unlink()  #!
            try:
                Failing()
            finally:
                sys.unraisablehook = before
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="callback-of-the-collector",
        body="""
            import gc
            def act(*_):
                gc.callbacks.remove(act)
                VICTIM.unlink()  #!
            gc.callbacks.append(act)
            gc.collect()
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="finalize-at-exit",
        body="""
            import weakref
            weakref.finalize(sys, VICTIM.unlink)
        """,
        end=End.STOPPED,
        company=Company.NONE,
    ),
    Trick(
        name="handler-closed-at-exit",
        body="""
            import logging
            class Handler(logging.Handler):
                def close(self):
                    VICTIM.unlink()
            logging.getLogger(NAME).addHandler(Handler())
        """,
        end=End.PASSES,
        apart=End.STOPPED,
        reason="what a worker hangs into the interpreter inline is called by Loom's own threads too",
        company=Company.NONE,
    ),
    Trick(
        name="finder-of-modules",
        body="""
            class Finder:
                def find_spec(self, *_):
                    sys.meta_path.remove(self)
                    VICTIM.unlink()
            sys.meta_path.insert(0, Finder())
        """,
        end=End.PASSES,
        apart=End.STOPPED,
        reason="what a worker hangs into the interpreter inline is called by Loom's own threads too",
        company=Company.NONE,
    ),
    Trick(
        name="handler-of-the-root-logger",
        body="""
            import logging
            class Handler(logging.Handler):
                def emit(self, record):
                    VICTIM.unlink()  #!
            handler = Handler()
            logging.getLogger().addHandler(handler)
            try:
                logging.getLogger().error("x")
            finally:
                logging.getLogger().removeHandler(handler)
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="thread-after-the-end",
        body="""
            def act():
                time.sleep(0.3)
                try:
                    VICTIM.unlink()
                finally:
                    TRIED.add(NAME)
            threading.Thread(target=act, daemon=True).start()
        """,
        end=End.LATE,
        apart=End.LATE,
    ),
    Trick(
        name="client-after-the-end",
        body="""
            client = context.http
            client.get(f"{SITE}/open/x")
            def act():
                time.sleep(0.3)
                try:
                    client.get(f"{ELSEWHERE}/{NAME}")
                finally:
                    TRIED.add(NAME)
            threading.Thread(target=act, daemon=True).start()
        """,
        end=End.LATE,
    ),
)

SWALLOWED = family(
    "refusals swallowed",
    Trick(
        name="except-everything",
        body="""
            try:
                VICTIM.unlink()  #!
            except BaseException:
                pass
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="return-in-finally",
        body="""
            try:
                VICTIM.unlink()  #!
            finally:
                return WorkerOutput(summary="a pretty output")
        """,
    ),
    Trick(
        name="suppress",
        body="""
            with contextlib.suppress(BaseException):
                context.http.delete(f"{SITE}/open/{NAME}")  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="exception-group",
        body="""
            try:
                VICTIM.unlink()  #!
            except Exception as error:
                raise ExceptionGroup("several", [error, ValueError("x")])
        """,
    ),
    Trick(
        name="except-star",
        body="""
            try:
                VICTIM.unlink()  #!
            except* PermanentError:
                pass
        """,
    ),
    Trick(
        name="skip-after-it",
        body="""
            try:
                VICTIM.unlink()  #!
            except BaseException:
                raise Skip("nothing to do") from None
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="transient-after-it",
        body="""
            try:
                VICTIM.unlink()  #!
            except BaseException:
                raise TransientError("the weather") from None
        """,
        keys="retry: {attempts: 3, backoff: 10ms, later_ticks: 2}",
    ),
    Trick(
        name="exit-after-it",
        body="""
            try:
                VICTIM.unlink()  #!
            except BaseException:
                sys.exit(0)
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="interrupt-after-it",
        body="""
            try:
                VICTIM.unlink()  #!
            finally:
                raise KeyboardInterrupt
        """,
    ),
    Trick(
        name="gathered",
        body="""
            async def act():
                VICTIM.unlink()  #!
            async def all_of_them():
                await asyncio.gather(act(), return_exceptions=True)
            asyncio.run(all_of_them())
        """,
    ),
    Trick(
        name="a-task-that-nobody-awaits",
        body="""
            async def act():
                VICTIM.unlink()  #!
            async def start():
                asyncio.get_running_loop().create_task(act())
                await asyncio.sleep(0.01)
            asyncio.run(start())
        """,
    ),
    Trick(
        name="a-refusal-bent",
        body="""
            try:
                VICTIM.unlink()  #!
            except Refused as error:
                error.refusal = None
                raise
        """,
    ),
    Trick(
        name="exit-at-once-after-it",
        body="""
            try:
                VICTIM.unlink()  #!
            except BaseException:
                os._exit(0)  #!
        """,
        apart=End.REFUSED,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="invalid-after-it",
        body="""
            with contextlib.suppress(BaseException):
                VICTIM.unlink()  #!
            return {"not": "an output"}
        """,
    ),
)

MOMENTS = family(
    "moments before and after the run",
    Trick(name="while-imported", top="VICTIM.unlink()  #!", body="pass", apart=End.REFUSED),
    Trick(
        name="while-its-annotations-are-read",
        whole="""
            class Odd(type(WorkerOutput)):
                def __subclasscheck__(cls, other):
                    return True
            def act():
                VICTIM.unlink()  #!
                return WorkerOutput
            def run(context: WorkerContext) -> "act()":
                return WorkerOutput(summary="done")
        """,
    ),
    Trick(
        name="a-callable-module",
        whole="""
            def __getattr__(name):
                if name == "run":
                    VICTIM.unlink()  #!
                raise AttributeError(name)
        """,
    ),
    Trick(
        name="while-settings-are-read",
        whole="""
            from pydantic import BaseModel, field_validator
            class Settings(BaseModel):
                word: str = "x"
                @field_validator("word")
                @classmethod
                def act(cls, word):
                    VICTIM.unlink()  #!
                    return word
            def run(context: WorkerContext[Settings]) -> WorkerOutput:
                return WorkerOutput(summary="done")
        """,
        keys="settings: {word: y}",
        apart=End.REFUSED,
    ),
    Trick(
        name="while-the-output-is-written",
        whole="""
            from pydantic import model_serializer
            class Output(WorkerOutput):
                @model_serializer
                def act(self):
                    VICTIM.unlink()  #!
                    return {"summary": "done", "findings": [], "metrics": {}}
            def run(context: WorkerContext) -> Output:
                return Output(summary="done")
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="while-the-output-is-validated",
        whole="""
            from pydantic import model_validator
            armed = False
            class Output(WorkerOutput):
                @model_validator(mode="after")
                def act(self):
                    if armed:
                        VICTIM.unlink()  #!
                    return self
            def run(context: WorkerContext) -> Output:
                global armed
                output = Output(summary="done")
                armed = True
                return output
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="a-computed-field",
        whole="""
            from pydantic import computed_field
            class Output(WorkerOutput):
                @computed_field
                @property
                def more(self) -> str:
                    VICTIM.unlink()  #!
                    return "x"
            def run(context: WorkerContext) -> Output:
                return Output(summary="done")
        """,
    ),
    Trick(
        name="while-an-error-is-told",
        body="""
            class Telling(Exception):
                def __str__(self):
                    VICTIM.unlink()  #!
                    return "x"
            raise Telling
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="while-an-error-is-classified",
        body="""
            class Kind(type(Exception)):
                def __getattribute__(cls, name):
                    if name == "__name__":
                        VICTIM.unlink()  #!
                    return super().__getattribute__(name)
            class Odd(Exception, metaclass=Kind):
                @property
                def response(self):
                    VICTIM.unlink()  #!
            raise Odd
        """,
    ),
    Trick(
        name="while-its-path-is-read",
        body="""
            class Text(str):
                def startswith(self, *rest):
                    VICTIM.unlink()
                    return super().startswith(*rest)
            open(Text("/dev/null"), "w").close()
        """,
        end=End.STOPPED,
        apart=End.STOPPED,
    ),
    Trick(
        name="while-its-environment-is-read",
        body="""
            class Environment(dict):
                def items(self):
                    VICTIM.unlink()  #!
                    return super().items()
            subprocess.run(["uname", "-p"], env=Environment())
        """,
    ),
    Trick(
        name="while-an-argument-is-read",
        body="""
            class Argument(str):
                def __eq__(self, other):
                    VICTIM.unlink()
                    return True
                __hash__ = str.__hash__
            subprocess.run(["uname", Argument("-a")])  #!
        """,
    ),
    Trick(
        name="while-a-socket-is-looked-at",
        body="""
            class Socket(socket.socket):
                @property
                def family(self):
                    VICTIM.unlink()
                    return socket.AF_UNIX
            with Socket() as one:
                one.connect(("127.0.0.1", 9))  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="while-its-progress-is-told",
        body="""
            class Text(str):
                def __str__(self):
                    VICTIM.unlink()  #!
                    return "x"
            context.progress(Text("x"))
            context.log.info("%s", Text("y"))
        """,
    ),
    Trick(
        name="after-its-time",
        body="""
            time.sleep(0.7)
            try:
                VICTIM.unlink()
            finally:
                TRIED.add(NAME)
        """,
        keys="timeout: 300ms",
        end=End.LATE,
    ),
    Trick(
        name="a-request-after-its-time",
        body="""
            time.sleep(0.7)
            try:
                context.http.get(f"{ELSEWHERE}/{NAME}")
            finally:
                TRIED.add(NAME)
        """,
        keys="timeout: 300ms",
        end=End.LATE,
    ),
    Trick(
        name="a-thread-after-its-time",
        body="""
            def act():
                time.sleep(0.5)
                try:
                    VICTIM.unlink()
                finally:
                    TRIED.add(NAME)
            threading.Thread(target=act, daemon=True).start()
            time.sleep(1)
        """,
        keys="timeout: 300ms",
        end=End.LATE,
    ),
)

INSIDE = family(
    "reaching into Loom",
    Trick(
        name="all-objects",
        body="""
            import gc
            gates = [each for each in gc.get_objects() if type(each).__name__ == "Gate"]  #!
            leak("saw the gate")
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="referrers",
        body="""
            import gc
            gc.get_referrers(context)  #!
            leak("saw who holds the context")
        """,
    ),
    Trick(
        name="frames-of-threads",
        body="""
            sys._current_frames()  #!
            leak("saw the frames")
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="exceptions-of-threads",
        body="""
            sys._current_exceptions()  #!
            leak("saw the exceptions")
        """,
    ),
    Trick(
        name="another-audit-hook",
        body="""
            heard = []
            sys.addaudithook(lambda event, about: heard.append(event))
            os.listdir(".")
            if heard:
                leak("hears what others do")
        """,
        end=End.STOPPED,
        apart=End.STOPPED,
    ),
    Trick(
        name="sub-interpreter",
        body="""
            try:
                import _interpreters as interpreters
            except ImportError:
                import _xxsubinterpreters as interpreters
            number = interpreters.create()  #!
            interpreters.run_string(number, f"import os; os.unlink({str(VICTIM)!r})")
        """,
        company=Company.ONE_BY_ONE,
        apart=End.REFUSED,
    ),
    Trick(
        name="sub-interpreter-for-tests",
        body="""
            import _testcapi
            _testcapi.run_in_subinterp(f"import os; os.unlink({str(VICTIM)!r})")
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="a module for Python's own tests, which tells nobody; it isn't there in most installations",
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="open-replaced",
        body="""
            import builtins, io
            real = builtins.open
            builtins.open = lambda *args, **keys: real(VICTIM, "w")  #!
            try:
                open(__file__)
            finally:
                builtins.open = real
        """,
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="audit-replaced",
        body="""
            real = sys.audit
            sys.audit = lambda *_: None
            try:
                subprocess.run([PROGRAM, NAME])  #!
            finally:
                sys.audit = real
        """,
        end=_AUDIT_REPLACED,
        apart=_AUDIT_REPLACED,
        reason="whoever replaces Python's own functions means it" if _AUDIT_REPLACED is End.PASSES else "",
        company=Company.ONE_BY_ONE,
    ),
    Trick(
        name="the-gate-opened",
        body="""
            from loom.enforcement.guarding import gate
            gate.Gate.admit = lambda self, asked: None
            context.http.delete(f"{SITE}/open/{NAME}")
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="the guard lives in the process that it guards: whoever rewrites it is hostile",
        company=Company.NONE,
    ),
    Trick(
        name="the-guards-own-door",
        body="""
            from loom.enforcement.guarding.audit import LOOM, kept
            with kept(LOOM):
                VICTIM.unlink()
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="the guard lives in the process that it guards: whoever rewrites it is hostile",
    ),
    Trick(
        name="the-context-rewritten",
        body="""
            rules = context.enforcement.rules
            object.__setattr__(context.enforcement, "rules", ())
            object.__setattr__(context, "enforcement", None)
            context.http.delete(f"{SITE}/open/{NAME}")  #!
        """,
        rule="the-site",
    ),
    Trick(
        name="a-rule-rewritten",
        body="""
            for rule in context.enforcement.rules:
                if rule.id == "the-site":
                    object.__setattr__(rule.allow[0], "methods", ("GET", "DELETE"))
                    object.__setattr__(rule.allow[0], "paths", ("/**",))
            context.http.delete(f"{SITE}/open/{NAME}")
        """,
        end=End.PASSES,
        apart=End.PASSES,
        reason="a frozen value is a promise among the honest: object.__setattr__ breaks it",
        company=Company.NONE,
    ),
)

CODE = (*THREADS, *LEFT_BEHIND, *SWALLOWED, *MOMENTS, *INSIDE)
