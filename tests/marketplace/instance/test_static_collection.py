"""Static files are collected when they have changed, and only then."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from marketplace.instance import static_collection
from marketplace.instance.static_collection import static_collect


@pytest.fixture
def source(tmp_path: Path, settings: Settings) -> Path:
    """The folder of our static files, and another one for what is collected."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "page.css").write_text("body { margin: 0 }")
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [folder]
    settings.STATIC_ROOT = tmp_path / "served" / "static"
    return folder


def change(path: Path, text: str) -> None:
    """Some time later: Django compares whole seconds."""
    later = path.stat().st_mtime + 10
    path.write_text(text)
    os.utime(path, (later, later))


def served(settings: Settings) -> str:
    return (settings.STATIC_ROOT / "page.css").read_text()


def test_the_first_start_collects_and_the_next_does_not(source: Path, settings: Settings) -> None:
    assert static_collect() is True
    assert served(settings) == "body { margin: 0 }"
    assert static_collect() is False


@pytest.mark.parametrize("text", ["body { margin: 10px }", "body { margin: 9 }"])
def test_what_has_changed_is_collected_again(source: Path, settings: Settings, text: str) -> None:
    static_collect()
    change(source / "page.css", text)
    assert static_collect() is True
    assert served(settings) == text


@pytest.mark.parametrize("name", ["VERSION", "STATIC_URL"])
def test_another_release_collects_again(source: Path, settings: Settings, name: str) -> None:
    static_collect()
    setattr(settings, name, "other/")
    assert static_collect() is True


def test_a_folder_that_was_emptied_is_filled_again(source: Path, settings: Settings) -> None:
    static_collect()
    for path in settings.STATIC_ROOT.iterdir():
        path.unlink()
    assert static_collect() is True
    assert served(settings) == "body { margin: 0 }"


def test_after_a_collection_that_failed_what_was_there_before_is_not_trusted(
    source: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    static_collect()
    path = source / "page.css"
    before = path.stat().st_mtime_ns
    change(path, "body { margin: 2px }")

    def fail(*_: Any, **__: Any) -> None:
        raise CommandError("disk full")

    with monkeypatch.context() as patched, pytest.raises(CommandError):
        patched.setattr(static_collection, "call_command", fail)
        static_collect()
    path.write_text("body { margin: 0 }")
    os.utime(path, ns=(before, before))
    assert static_collect() is True
