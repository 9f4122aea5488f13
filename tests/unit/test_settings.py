"""Which folder is the project."""

from pathlib import Path

import pytest

from loom.errors import SettingsError
from loom.settings import read_settings


def found(cwd: Path, named: str | None = None) -> Path:
    return read_settings({}, cwd=cwd, project=None if named is None else Path(named)).project


def registry(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "worker-registry.yaml").touch()
    return folder


def ledger(folder: Path) -> Path:
    (folder / ".loom").mkdir(parents=True, exist_ok=True)
    (folder / ".loom" / "ledger.db").touch()
    return folder


def test_the_nearest_folder_upwards_with_a_registry_is_the_project(tmp_path: Path) -> None:
    outer = registry(tmp_path / "outer")
    inner = registry(outer / "a" / "inner")
    deep = inner / "b" / "c"
    deep.mkdir(parents=True)
    assert found(deep) == inner
    assert found(outer / "a") == outer


def test_without_a_registry_anywhere_upwards_the_nearest_ledger_tells_the_project(tmp_path: Path) -> None:
    outer = ledger(tmp_path / "outer")
    inner = ledger(outer / "a" / "inner")
    deep = inner / "b" / "c"
    deep.mkdir(parents=True)
    assert found(deep) == inner
    assert found(outer / "a") == outer
    registry(outer)
    assert found(deep) == outer


def test_a_registry_that_is_no_file_still_marks_its_folder(tmp_path: Path) -> None:
    for name in ("folder", "link"):
        (tmp_path / name).mkdir()
    (tmp_path / "folder" / "worker-registry.yaml").mkdir()
    (tmp_path / "link" / "worker-registry.yaml").symlink_to("nowhere.yaml")
    for name in ("folder", "link"):
        assert found(tmp_path / name) == tmp_path / name
        assert found(tmp_path, name) == tmp_path / name


def test_the_named_folder_is_the_project_if_it_holds_either_and_its_parents_never_are(tmp_path: Path) -> None:
    outer = registry(ledger(tmp_path / "outer"))
    assert found(tmp_path, "outer") == outer
    assert found(tmp_path, str(ledger(outer / "inner"))) == outer / "inner"
    (outer / "plain").mkdir()
    with pytest.raises(SettingsError, match=r"no worker-registry\.yaml in .*/outer/plain: name the folder"):
        found(tmp_path, "outer/plain")
    with pytest.raises(SettingsError, match="nowhere"):
        found(tmp_path, "nowhere")


def test_a_folder_with_neither_is_no_project(tmp_path: Path) -> None:
    (tmp_path / ".loom").mkdir()
    with pytest.raises(SettingsError, match="or any folder above it: go to your project"):
        found(tmp_path)
