"""torchvision is imported also where its compiled operators do not fit the installed torch."""

import sys
from types import ModuleType

import pytest

from metalearn.networks import torchvision_import
from metalearn.networks.torchvision_import import torchvision_models


def test_a_healthy_torchvision_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = ModuleType("torchvision.models")
    monkeypatch.setitem(sys.modules, "torchvision.models", healthy)
    monkeypatch.setattr(torchvision_import.importlib, "import_module", lambda name: healthy)
    monkeypatch.setattr(
        torchvision_import, "_declare_missing_operators", lambda: pytest.fail("must not declare")
    )
    assert torchvision_models() is healthy


def test_another_failure_of_torchvision_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> ModuleType:
        raise RuntimeError("something else is wrong")

    monkeypatch.setattr(torchvision_import.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="something else"):
        torchvision_models()
