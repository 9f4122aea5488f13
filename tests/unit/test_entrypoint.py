"""An entrypoint is a function that Loom can call and validate, or an error that says why it is not."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loom.domain.worker import Worker
from loom.errors import LoomError
from loom.execution.entrypoint import EntrypointError, forget, load
from tests.unit.execution_bench import Bench, bench_in


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as opened:
        yield opened


def refused(bench: Bench, worker: Worker) -> EntrypointError:
    with pytest.raises(EntrypointError) as caught:
        load(worker, bench.project)
    assert isinstance(caught.value, LoomError)
    assert caught.value.error.kind == "EntrypointError"
    return caught.value


def test_the_type_argument_is_the_settings_model_and_the_return_annotation_the_output_model(
    bench: Bench,
) -> None:
    worker = bench.worker("""
        class Settings(BaseModel):
            days: int = 30

        def run(context: WorkerContext[Settings]) -> Output: ...
    """)
    entrypoint = load(worker, bench.project)
    module = sys.modules[worker.entrypoint.partition(":")[0]]
    assert entrypoint.function is module.run
    assert entrypoint.settings_model is module.Settings
    assert entrypoint.output_model is module.Output
    assert not entrypoint.is_async


def test_annotations_may_be_text(bench: Bench) -> None:
    worker = bench.worker(
        """
        from __future__ import annotations
        from pydantic import BaseModel
        from loom.worker import WorkerContext, WorkerOutput

        class Settings(BaseModel): ...
        class Output(WorkerOutput): ...

        async def run(context: WorkerContext[Settings]) -> Output: ...
        """,
        prelude="",
    )
    entrypoint = load(worker, bench.project)
    assert entrypoint.is_async
    assert entrypoint.settings_model is not None
    assert entrypoint.settings_model.__name__ == "Settings"
    assert entrypoint.output_model.__name__ == "Output"


@pytest.mark.parametrize(
    "parameter", ["context", "context: WorkerContext", "context: WorkerContext[BaseModel]"]
)
def test_a_worker_without_settings_names_no_model(bench: Bench, parameter: str) -> None:
    worker = bench.worker(f"def run({parameter}) -> Output: ...")
    assert load(worker, bench.project).settings_model is None


@pytest.mark.parametrize(
    "code",
    [
        "class Callable:\n    def __call__(self, context: WorkerContext) -> Output: ...\nrun = Callable()",
        "def run(context: WorkerContext, again: bool = False) -> WorkerOutput: ...",
        "import functools\ndef wrapped(f):\n    @functools.wraps(f)\n    def inner(*args): return f(*args)\n"
        "    return inner\n@wrapped\ndef run(context: WorkerContext) -> Output: ...",
    ],
    ids=["an object", "further parameters with defaults", "decorated"],
)
def test_whatever_can_be_called_with_a_context_will_do(bench: Bench, code: str) -> None:
    assert load(bench.worker(code), bench.project).settings_model is None


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = 1", "the module has no 'run'"),
        ("run = 42", "it is a int, which can't be called"),
        ("def run() -> Output: ...", "exactly one argument"),
        ("def run(context, other) -> Output: ...", "exactly one argument"),
        ("def run(*, context) -> Output: ...", "exactly one argument"),
        ("def run(context: WorkerContext): ...", "no return annotation"),
        ("def run(context: WorkerContext) -> dict: ...", "it returns dict, which isn't a WorkerOutput"),
        ("def run(context: WorkerContext) -> None: ...", "it returns NoneType"),
        ("def run(context: WorkerContext) -> Output | None: ...", "which isn't a WorkerOutput"),
        ("def run(context: WorkerContext) -> 'Nowhere': ...", "name 'Nowhere' is not defined"),
        (
            "def run(context: WorkerContext[int]) -> Output: ...",
            "its settings, int, aren't a pydantic BaseModel",
        ),
        ("def run(context: int) -> Output: ...", "it takes int, which isn't a WorkerContext"),
        ("def run(context: WorkerContext) -> Output:\n    yield 1", "it yields"),
        ("async def run(context: WorkerContext) -> Output:\n    yield 1", "it yields"),
    ],
)
def test_a_function_that_cannot_be_used_is_refused_with_the_reason_and_the_way_out(
    bench: Bench, code: str, says: str
) -> None:
    worker = bench.worker(code)
    error = refused(bench, worker)
    assert says in str(error)
    assert f"entrypoint '{worker.entrypoint}'" in str(error)
    assert "write `def run(context: WorkerContext[Settings]) -> Output`" in str(error)
    assert error.error.where is not None
    assert error.error.where.startswith(worker.entrypoint.partition(":")[0] + ".py:")
    if "def run" in code:
        assert error.error.where == bench.line(worker, "def run")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import no_such_module_here", "No module named 'no_such_module_here'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("raise GeneratorExit", "GeneratorExit"),
    ],
)
def test_whatever_an_import_raises_is_an_error_with_its_place(bench: Bench, code: str, says: str) -> None:
    worker = bench.worker(code)
    error = refused(bench, worker)
    assert "can't be imported" in str(error)
    assert says in str(error)
    assert error.error.where == bench.line(worker, code)


def test_a_module_that_is_not_there_is_named(bench: Bench) -> None:
    worker = bench.worker("", entrypoint="nowhere_at_all.module:run")
    assert "nowhere_at_all.module can't be imported: ModuleNotFoundError" in str(refused(bench, worker))


def test_a_module_written_a_moment_ago_is_found(bench: Bench) -> None:
    load(bench.worker("def run(context) -> Output: ..."), bench.project)
    before = bench.project.stat()
    written = bench.worker("def run(context) -> Output: ...")
    # As on a file system whose times are coarse: the folder doesn't show that something was added.
    os.utime(bench.project, ns=(before.st_atime_ns, before.st_mtime_ns))
    load(written, bench.project)


def test_what_another_thread_imports_meanwhile_keeps_no_worker_from_being_imported(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python goes through a list that grows meanwhile: seen once in thousands of runs, four at a time."""
    asked = []

    class Unlucky:
        def find_spec(self, *_: object) -> None: ...

        def invalidate_caches(self) -> None:
            asked.append(1)
            if len(asked) < 3:
                raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Unlucky()])
    load(bench.worker("def run(context: WorkerContext) -> Output: ..."), bench.project)
    assert len(asked) == 3


def test_a_broken_module_that_was_mended_can_be_loaded(bench: Bench) -> None:
    worker = bench.worker("raise ValueError")
    refused(bench, worker)
    path = bench.project / (worker.entrypoint.partition(":")[0] + ".py")
    path.write_text("from loom.worker import *\ndef run(context) -> WorkerOutput: ...\n", encoding="utf-8")
    assert load(worker, bench.project).output_model.__name__ == "WorkerOutput"


def test_the_project_comes_first_on_the_path_and_only_once(bench: Bench) -> None:
    sys.path.append(str(bench.project))
    for _ in range(3):
        load(bench.worker("def run(context) -> Output: ..."), bench.project)
    assert sys.path[0] == str(bench.project)
    assert sys.path.count(str(bench.project)) == 1


def test_what_another_worker_is_just_importing_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_done.py").write_text("import sys\nforget()\nhere = __name__ in sys.modules\n")
    (tmp_path / "done.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    importlib.import_module("done")
    monkeypatch.setattr("builtins.forget", lambda: forget(known, tmp_path), raising=False)
    assert importlib.import_module("half_done").here
    assert "done" not in sys.modules
    del sys.modules["half_done"]
