"""A worker in a process of its own: whatever it does ends with its run, and touches nothing else."""

import json
import os
import shutil
import signal
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from tests.ground.command import Command, Result
from tests.ground.processes import PATIENCE_S, alive, left_alive
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")
NEXT = ("--at", "2026-11-20T13:10:00Z")
ENTRIES = """
    good: {{schedule: "0 * * * *", entrypoint: "workers.echo:run", isolation: process}}
    bad:
      schedule: "0 * * * *"
      entrypoint: "workers.bad:run"
      isolation: process
      timeout: {timeout}
      {more}
"""
HEADER = """
import ctypes, json, os, pathlib, signal, subprocess, sys, threading, time
from loom.worker import Skip, WorkerContext, WorkerOutput

def note(*pids):
    with open("pids", "a") as file:
        file.writelines(f"{pid}\\n" for pid in pids)

note(os.getpid(), os.getppid())

def children_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []

def flood(pipes, data):
    while True:
        for pipe in pipes:
            try:
                os.write(pipe, data)
            except OSError:
                continue

def pid_of(number):
    print("from the pool")
    return os.getpid()

def own_pipes():
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.readlink(f"/proc/self/fd/{name}").startswith("pipe:"):
                yield int(name)
        except OSError:
            continue

def run(context: WorkerContext) -> WorkerOutput:
"""


class Trial:
    """A project with a worker that means no harm, and one that does."""

    def __init__(self, loom: Command, project: Project) -> None:
        self.loom = loom
        self.project = project

    def worker(self, body: str, *, timeout: str = "60s", more: str = "", top: str = "") -> None:
        self.project.entries(ENTRIES.format(timeout=timeout, more=more), top=top)
        source = HEADER + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"
        (self.project.root / "workers" / "bad.py").write_text(source, encoding="utf-8")

    def tick(self, *more: str, env: dict[str, str | None] | None = None) -> Result:
        return self.loom("run", *(more or AT), "--json", "--project", self.project.root, env=env)

    def run(self, body: str, **given: Any) -> dict[str, Any]:
        """What is recorded of the bad worker. The good one is well, and nothing of either is left."""
        self.worker(body, **given)
        tick = self.tick()
        runs = {run["worker"]: run for run in tick.json()["runs"]}
        assert runs["good"]["outcome"] == "succeeded", tick
        assert self.pids() or runs["bad"]["outcome"] == "timed_out"
        self.leaves_nothing()
        bad: dict[str, Any] = runs["bad"]
        bad["log"] = self.shown(bad["run_id"])["log"]
        return bad

    def overrun(self, body: str) -> tuple[dict[str, Any], int]:
        """As `run`, for a worker that prints ``under way`` and goes on for ever; and the seconds it had.

        If it didn't come so far, because the machine was busy and starting is part of its time, it gets more.
        """
        for seconds in (3, 10, 40):
            shutil.rmtree(self.project.root / ".loom", ignore_errors=True)
            (self.project.root / "pids").unlink(missing_ok=True)
            bad = self.run(body, timeout=f"{seconds}s")
            if "under way" in bad["log"]:
                assert self.pids()
                return bad, seconds
        raise AssertionError(f"it never came under way: {bad}")

    def shown(self, run_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.loom("show", run_id, "--json", cwd=self.project.root).json()
        run: dict[str, Any] = shown.get("run", shown)
        return run

    def pids(self) -> list[int]:
        file = self.project.root / "pids"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def leaves_nothing(self, *, within_s: float = PATIENCE_S) -> None:
        assert left_alive(self.pids(), within_s=within_s) == []
        assert self.folders(within_s=within_s) == []

    def folders(self, *, within_s: float = 0) -> list[Path]:
        until = time.monotonic() + within_s
        while found := list(Path(os.environ["TMPDIR"]).glob("loom-*")):
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        return found


@pytest.fixture
def trial(loom: Command, project: Project) -> Trial:
    return Trial(loom, project)


def line_of(trial: Trial, text: str) -> str:
    lines = (trial.project.root / "workers" / "bad.py").read_text().splitlines()
    return f"workers/bad.py:{next(n for n, line in enumerate(lines, 1) if text in line)}"


@pytest.mark.parametrize(
    ("body", "kind", "says", "placed"),
    [
        ("os._exit(3)", "ProcessExited", "ended with exit code 3 before it returned", False),
        ("os._exit(0)", "ProcessExited", "ended with exit code 0 before it returned", False),
        ("os.execvp('true', ['true'])", "ProcessExited", "ended with exit code 0 before", False),
        ("if os.fork(): os._exit(4)\ntime.sleep(60)", "ProcessExited", "exit code 4", False),
        ("ctypes.string_at(0)  # here", "ProcessKilled", "killed by signal 11 (SIGSEGV)", True),
        ("os.abort()  # here", "ProcessKilled", "killed by signal 6 (SIGABRT)", True),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ProcessKilled", "signal 9 (SIGKILL), not by Loom", False),
        (
            "ctypes.CDLL(None).kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)",
            "ProcessKilled",
            "watches over",
            False,
        ),
    ],
)
def test_a_process_that_dies_is_a_failed_run_that_says_how_and_where(
    trial: Trial, body: str, kind: str, says: str, placed: bool
) -> None:
    bad = trial.run(f"print('said before')\n{body}")
    assert (bad["outcome"], bad["error"]["kind"], bad["final"]) == ("failed", kind, True)
    assert says in bad["error"]["message"]
    assert bad["error"]["where"] == (line_of(trial, "# here") if placed else None)
    assert bad["log"].startswith("said before\n")
    assert says in bad["log"]


def test_a_worker_that_needs_too_much_memory_fails_and_is_told_its_limit(trial: Trial) -> None:
    bad = trial.run("held = bytearray(500_000_000)  # here", more="memory: 256MB")
    assert (bad["outcome"], bad["error"]["kind"], bad["final"]) == ("failed", "MemoryError", True)
    assert "it may use 256MB; make it use less, or raise `memory`" in bad["error"]["message"]
    assert bad["error"]["where"] == line_of(trial, "# here")


def test_a_worker_that_fills_its_memory_and_keeps_it_still_tells_what_happened(trial: Trial) -> None:
    bad = trial.run("while True: KEPT.append([0] * 1000)".replace("KEPT", "sys.path"), more="memory: 128MB")
    assert (bad["outcome"], bad["error"]["kind"]) == ("failed", "MemoryError")


def test_the_least_memory_that_can_be_named_is_enough_for_a_small_worker(trial: Trial) -> None:
    bad = trial.run("return WorkerOutput(summary='small')", more="memory: 64MB")
    assert bad["outcome"] == "succeeded", bad


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass  # here",
        "sum(range(10 ** 13))  # here: C code that holds the interpreter",
        "__import__('re').match('(a+)+$', 'a' * 64 + 'b')  # here",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)  # here",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\nwhile True: time.sleep(60)  # here",
        "try: time.sleep(600)  # here\nfinally:\n    while True: pass",
    ],
)
def test_code_that_never_yields_is_killed_at_its_deadline_and_says_where_it_was(
    trial: Trial, body: str
) -> None:
    bad, seconds = trial.overrun(f"print('under way')\n{body}")
    assert (bad["outcome"], bad["error"]["kind"], bad["final"]) == ("timed_out", "TimedOut", False)
    assert bad["duration_s"] >= seconds
    assert bad["error"]["where"] == line_of(trial, "# here")


def test_a_process_that_stopped_itself_is_killed_at_its_deadline(trial: Trial) -> None:
    bad, _ = trial.overrun("print('under way')\nos.kill(os.getpid(), signal.SIGSTOP)")
    assert bad["outcome"] == "timed_out"


def test_a_supervisor_that_a_worker_stopped_is_killed_with_the_worker(trial: Trial) -> None:
    stop = "ctypes.CDLL(None).kill(os.getppid(), signal.SIGSTOP)"
    bad, _ = trial.overrun(f"{stop}\nprint('under way')\ntime.sleep(600)")
    assert bad["outcome"] == "timed_out"


def test_at_its_deadline_a_run_is_asked_first_and_may_clean_up(trial: Trial) -> None:
    bad, _ = trial.overrun(
        """
        script = "trap 'echo helper was asked > asked; exit' TERM; sleep 60 & wait"
        helper = subprocess.Popen(["sh", "-c", script])
        note(helper.pid)
        cleaned = open("cleaned", "w")  # later the guard would refuse it
        print("under way")
        while not context.cancelled:
            time.sleep(0.01)
        helper.wait()
        cleaned.write("up")
        cleaned.close()
        """
    )
    assert bad["outcome"] == "timed_out"
    assert (trial.project.root / "cleaned").read_text() == "up"
    assert (trial.project.root / "asked").read_text() == "helper was asked\n"


RETURN = "return WorkerOutput(summary='done')"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("subprocess.Popen(['sleep', '300'])", RETURN),
        ("subprocess.Popen(['sleep', '300'], start_new_session=True)", "os._exit(1)"),
        ("subprocess.Popen(['sh', '-c', 'trap \"\" TERM HUP; sleep 300 & sleep 300 & wait'])", RETURN),
        ("subprocess.Popen([sys.executable, '-c', DAEMON])", RETURN),
        ("subprocess.Popen([sys.executable, '-c', DAEMON])", "ctypes.string_at(0)"),
        ("subprocess.Popen([sys.executable, '-c', DAEMON])", "time.sleep(600)"),
    ],
)
def test_what_a_worker_started_ends_with_its_run_however_that_ends(
    trial: Trial, start: str, end: str
) -> None:
    daemon = (
        "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\n"
        "open('pids', 'a').write(f'{os.getpid()}\\n')\nopen('daemon', 'w').close()\ntime.sleep(300)"
    )
    body = f"""
        started = {start.replace("DAEMON", repr(daemon))}
        note(started.pid)
        while "daemon" in {start!r}.lower() and not os.path.exists("daemon"):
            time.sleep(0.01)
        time.sleep(0.1)
        note(*children_of(started.pid))
        print("under way")
        {end}
        """
    bad = trial.overrun(body)[0] if "sleep" in end else trial.run(body, timeout="120s")
    assert bad["outcome"] == {RETURN: "succeeded", "time.sleep(600)": "timed_out"}.get(end, "failed")
    if bad["outcome"] == "succeeded":
        assert "left running by its process, killed" in bad["log"]


def test_a_swarm_of_processes_ends_with_its_run(trial: Trial) -> None:
    bad, _ = trial.overrun(
        """
        first = os.getpid()
        for generation in range(6):
            if os.fork() == 0:
                os.setsid()
        note(os.getpid())
        if os.getpid() == first:
            while len(set(open("pids").read().split())) < 60:
                time.sleep(0.05)
            print("under way")
        time.sleep(600)
        """
    )
    assert bad["outcome"] == "timed_out"
    assert len(set(trial.pids())) >= 32


def test_a_pool_of_processes_works_in_a_worker_as_anywhere(trial: Trial) -> None:
    bad = trial.run(
        """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pids = pool.map(pid_of, range(4))
        note(*pids)
        return WorkerOutput(summary="met")
        """,
        timeout="60s",
    )
    assert bad["outcome"] == "succeeded", bad
    assert bad["log"].count("from the pool") == 4


def test_a_worker_that_closes_every_descriptor_fails_and_says_so(trial: Trial) -> None:
    bad = trial.run("os.closerange(3, 1024)\nreturn WorkerOutput(summary='lost')")
    assert (bad["outcome"], bad["error"]["kind"]) == ("failed", "ProcessExited")
    assert "could hand its result over" in bad["error"]["message"]
    assert "closed the pipe that its result was to go through" in bad["log"]


def test_what_a_worker_opens_in_place_of_loom_s_pipes_stays_its_own(trial: Trial) -> None:
    trial.run(
        """
        os.closerange(3, 1024)
        for number in range(20):
            os.open(f"own-{number}", os.O_CREAT | os.O_RDWR)
        context.log.warning("logged")
        context.progress("told")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        return WorkerOutput(summary='lost')
        """
    )
    written = {file.name: file.read_bytes() for file in trial.project.root.glob("own-*")}
    assert len(written) == 20
    assert [text for text in written.values() if text and b"most recent call" not in text] == []


@pytest.mark.parametrize(
    "garbage", ["b'garbage!' * 1000", "b'V\\xff\\xff\\xff\\xff'", "b'R\\0\\0\\0\\x02{}'"]
)
def test_a_worker_that_writes_into_the_pipe_for_its_result_fails_and_says_so(
    trial: Trial, garbage: str
) -> None:
    bad = trial.run(
        f"""
        for pipe in list(own_pipes()):
            try:
                os.write(pipe, {garbage})
            except OSError:
                continue
        time.sleep(600)
        """,
        timeout="120s",
    )
    assert (bad["outcome"], bad["error"]["kind"], bad["final"]) == ("failed", "ProcessGarbled", True)
    assert "its process wrote something else into the pipe for its result" in bad["error"]["message"]
    assert bad["duration_s"] < 120


@pytest.mark.parametrize(
    "flood",
    [
        "for _ in range(1024): os.write(1, b'x' * (1 << 20))\nreturn WorkerOutput(summary='much')",
        "for _ in range(16): print('x' * (1 << 26))\nreturn WorkerOutput(summary='much')",
        "while True: context.progress('x' * 4000)",
        "flood(list(own_pipes()), b'P\\0\\0\\0\\1x' * 100_000)",
    ],
    ids=["descriptor", "print", "progress", "frames"],
)
def test_a_flood_leaves_loom_s_own_memory_alone(trial: Trial, flood: str) -> None:
    for seconds in (40,) if "return" in flood else (3, 10, 40):  # more, if a busy machine hadn't begun it
        shutil.rmtree(trial.project.root / ".loom", ignore_errors=True)
        trial.worker(flood, timeout=f"{seconds}s")
        process = trial.loom.start("run", *AT, "--json", "--project", trial.project.root)
        peak = 0
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.01)
        out, err = process.communicate()
        outcomes = {run["worker"]: run["outcome"] for run in json.loads(out)["runs"]}
        assert outcomes["good"] == "succeeded", err
        assert outcomes["bad"] in ("succeeded", "timed_out")
        assert peak < 150_000_000
        if trial.pids():
            break
    assert trial.pids()
    trial.leaves_nothing()


def resident(pid: int) -> int:
    """Bytes of memory in use, now."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


@pytest.mark.parametrize(
    ("signum", "body"),
    [
        (signal.SIGKILL, "time.sleep(300)"),
        (signal.SIGKILL, "sum(range(10 ** 13))"),
        (signal.SIGKILL, "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)"),
        (signal.SIGTERM, "sum(range(10 ** 13))"),
        (signal.SIGINT, "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)"),
    ],
)
def test_when_loom_dies_so_does_all_that_it_ran(trial: Trial, signum: signal.Signals, body: str) -> None:
    helpers = """
    helper = subprocess.Popen(["sh", "-c", "trap '' TERM HUP; sleep 300 & sleep 300"], start_new_session=True)
    note(helper.pid)
    """
    trial.worker(textwrap.dedent(helpers) + body)
    process = trial.loom.start("run", *AT, "--project", trial.project.root)
    try:
        # The good one is over: its folder is gone.
        wait_for(lambda: len(trial.pids()) >= 3 and len(trial.folders()) == 1)
        time.sleep(0.3)
        assert all(alive(pid) for pid in trial.pids())
        process.send_signal(signum)
        process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    trial.leaves_nothing()
    if signum is signal.SIGKILL:
        trial.worker("return WorkerOutput(summary='again')")
        again = trial.tick(*NEXT).json()
        assert [run["outcome"] for run in again["runs"] if run["worker"] == "bad"][-1] == "succeeded"


def wait_for(holds: Any) -> None:
    until = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)


def test_a_person_s_ctrl_c_reaches_loom_alone(trial: Trial) -> None:
    trial.run(
        f"""
        ours, loom = os.getsid(0), os.getsid({os.getpid()})
        assert ours not in (loom, os.getsid(os.getpid()) + 1)
        pathlib.Path("sessions").write_text(f"{{ours}} {{loom}} {{os.getpgrp()}} {{os.getpid()}}")
        return WorkerOutput(summary="s")
        """
    )
    ours, loom, group, pid = (trial.project.root / "sessions").read_text().split()
    assert ours != loom
    assert group == pid


def test_the_process_has_neither_secrets_nor_loom_s_environment_but_a_home_of_its_own(trial: Trial) -> None:
    trial.worker(
        """
        everything = [dict(os.environ), context.secret("DECLARED_TOKEN")]
        for pid in (os.getpid(), os.getppid()):
            # The guard refuses it to the worker itself.
            shown = subprocess.run(["cat", f"/proc/{pid}/environ"], capture_output=True, text=True).stdout
            everything += [shown, open(f"/proc/{pid}/cmdline").read()]
        shown = subprocess.run(["env"], capture_output=True, text=True).stdout
        pathlib.Path("seen").write_text(json.dumps([*everything, shown, os.getcwd(), sys.argv]))
        return WorkerOutput(summary="s")
        """,
        more="requires: {env: [DECLARED_TOKEN]}",
    )
    given = {"DECLARED_TOKEN": "tops3cret", "OTHER_TOKEN": "als0secret", "LC_TIME": "C", "TZ": "Asia/Tokyo"}
    tick = trial.tick(env={**given, "AWS_PROFILE": "mine"})
    assert tick.exit_code == 0, tick
    environ, told, *seen, cwd, argv = json.loads((trial.project.root / "seen").read_text())
    assert told == "tops3cret"
    assert set(environ) <= {"PATH", "HOME", "TMPDIR", "TZ", "PYTHONPATH", "LC_TIME", "LC_CTYPE", "LANG"} | {
        "PYTHONDONTWRITEBYTECODE",
        "LANGUAGE",
    }
    assert (environ["TZ"], environ["LC_TIME"]) == ("Asia/Tokyo", "C")
    for hidden in ("s3cret", "als0", "AWS_PROFILE"):
        assert hidden not in json.dumps([environ, seen, argv]), hidden
    folder = Path(environ["HOME"])
    assert folder == Path(environ["TMPDIR"])
    assert folder.parent == Path(os.environ["TMPDIR"])
    assert not folder.exists()
    assert Path(cwd) == trial.project.root


def test_the_temporary_folder_goes_with_the_run_whatever_is_in_it(trial: Trial) -> None:
    trial.run(
        """
        import tempfile
        inner = pathlib.Path(tempfile.mkdtemp()) / "deep" / "er"
        inner.mkdir(parents=True)
        (inner / "file").write_text("x")
        (inner / "out").symlink_to("/")
        inner.chmod(0)
        inner.parent.chmod(0)
        os._exit(1)
        """
    )


def test_no_descriptor_of_loom_s_reaches_the_process(trial: Trial) -> None:
    trial.run(
        """
        open_files = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                open_files[name] = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                continue
        listing = "import os; print(sorted(os.listdir('/proc/self/fd')))"
        started = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True)
        pathlib.Path("descriptors").write_text(json.dumps([open_files, eval(started.stdout)]))
        return WorkerOutput(summary="s")
        """
    )
    open_files, of_a_program = json.loads((trial.project.root / "descriptors").read_text())
    strange = [
        path
        for path in open_files.values()
        if not path.startswith(("pipe:", "/dev/null", f"{os.environ['TMPDIR']}/loom-", "/proc/"))
    ]
    assert strange == []
    assert set(of_a_program) <= {"0", "1", "2", "3"}


def test_the_worker_s_module_is_never_imported_by_loom_itself(trial: Trial) -> None:
    trial.worker(
        "return WorkerOutput(summary=' '.join(map(str, sorted({os.getpid(), *PIDS}))))\n".replace(
            "*PIDS", "*map(int, pathlib.Path('imported').read_text().split())"
        )
    )
    bad = trial.project.root / "workers" / "bad.py"
    bad.write_text(bad.read_text() + "\nopen('imported', 'a').write(f'{os.getpid()}\\n')\n")
    process = trial.loom.start("run", "--worker", "bad", "--json", "--project", trial.project.root)
    out, err = process.communicate(timeout=120)
    (run,) = json.loads(out)["runs"]
    assert run["outcome"] == "succeeded", err
    assert len((trial.project.root / "imported").read_text().split()) == 1
    assert str(process.pid) not in run["output"]["summary"].split()


def test_a_mistyped_param_fails_the_run_for_its_module_is_not_asked_before(trial: Trial) -> None:
    trial.worker("return WorkerOutput(summary='s')")
    tick = trial.tick("--worker", "bad", "--param", "nothing=1")
    (run,) = tick.json()["runs"]
    assert (tick.exit_code, run["outcome"], run["error"]["kind"]) == (1, "failed", "ParamError")


def test_nothing_but_the_answer_reaches_stdout_whatever_the_process_prints_or_starts(trial: Trial) -> None:
    bad = trial.run(
        """
        print("a print")
        os.write(1, b"a write\\n")
        os.write(2, b"a write to stderr\\n")
        subprocess.run(["echo", "a program"], check=True)
        return WorkerOutput(summary="fine")
        """
    )
    assert bad["log"] == "a print\na write\na write to stderr\na program\n"


def test_secrets_and_personal_data_leave_the_process_no_more_than_they_leave_loom(trial: Trial) -> None:
    trial.worker(
        """
        print("the token is", context.secret("DECLARED_TOKEN"))
        return WorkerOutput(summary=f"{context.secret('DECLARED_TOKEN')} for jane.doe@example.com")
        """,
        more="requires: {env: [DECLARED_TOKEN]}",
    )
    tick = trial.tick(env={"DECLARED_TOKEN": "tops3cret"})
    run = next(run for run in tick.json()["runs"] if run["worker"] == "bad")
    assert run["outcome"] == "succeeded", tick
    kept = json.dumps([run, trial.shown(run["run_id"])])
    assert "tops3cret" not in kept
    assert "jane.doe" not in kept
    assert "the token is ***" in kept


def test_the_last_output_and_a_refused_act_cross_the_border_too(trial: Trial) -> None:
    trial.worker(
        "return WorkerOutput(summary=f'before: {context.previous and context.previous[\"summary\"]}')"
    )
    trial.tick()
    runs = {run["worker"]: run for run in trial.tick(*NEXT).json()["runs"]}
    assert runs["bad"]["output"]["summary"] == "before: before: None"
    trial.worker(
        """
        try:
            context.http.post("https://api.hubapi.com/crm/v3/objects/contacts", json={})
        except Exception:
            os._exit(0)
        """
    )
    last = trial.tick("--at", "2026-11-20T14:10:00Z").json()
    (bad,) = [run for run in last["runs"] if run["worker"] == "bad"]
    assert (bad["outcome"], bad["error"]["kind"]) == ("blocked", "hubspot-read-only")


def test_files_that_a_worker_left_open_are_written(trial: Trial) -> None:
    bad = trial.run(
        """
        global kept
        kept = open("left-open", "w")
        kept.write("written")
        return WorkerOutput(summary="s")
        """
    )
    assert bad["outcome"] == "succeeded", bad
    assert (trial.project.root / "left-open").read_text() == "written"


def test_a_thread_that_a_worker_left_holds_its_run_up_for_two_seconds_at_most(trial: Trial) -> None:
    bad = trial.run(
        """
        threading.Thread(target=time.sleep, args=(300,)).start()
        return WorkerOutput(summary="s")
        """
    )
    assert bad["outcome"] == "succeeded"
    assert bad["duration_s"] < 60
    assert "something in its process went on after its end" in bad["log"]


def test_descriptors_that_an_inline_worker_copied_hold_nobody_s_process_up(trial: Trial) -> None:
    names = [f"apart-{number}" for number in range(8)]
    trial.project.entries(
        'copier: {schedule: "0 * * * *", entrypoint: "workers.copier:run"}\n'
        + "\n".join(
            f'{name}: {{schedule: "0 * * * *", entrypoint: "workers.echo:run", isolation: process}}'
            for name in names
        ),
        top="max_parallel: 3",
    )
    trial.project.worker(
        "copier",
        """
        import os, time
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            seen, copies = set(), set()
            end = time.monotonic() + 3
            while time.monotonic() < end:
                for handle in map(int, os.listdir("/dev/fd")):
                    try:
                        pipe = handle, os.readlink(f"/proc/self/fd/{handle}")
                        if handle not in copies and pipe not in seen and pipe[1].startswith("pipe:"):
                            seen.add(pipe)
                            copies.add(os.dup(handle))
                    except OSError:
                        continue
            return WorkerOutput(summary="copied")
        """,
    )
    runs = {run["worker"]: run["outcome"] for run in trial.tick().json()["runs"]}
    assert runs == dict.fromkeys(["copier", *names], "succeeded")
