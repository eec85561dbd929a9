"""Where something was measured, as plain data."""

import json
from pathlib import Path

import pytest
import torch

from metalearn.bench import machine


def test_the_processors_own_name_is_read_where_linux_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nmodel name\t: Abacus: 3000\nmodel name\t: other\n")
    monkeypatch.setattr(machine, "_CPUINFO", told)
    assert machine.processor() == "Abacus: 3000"
    found = machine.machine(torch.device("cpu"))
    assert found["device"] == "Abacus: 3000" and found["threads"] == torch.get_num_threads()
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("text", [None, "processor : 0\n"])
def test_without_that_python_names_it(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine.platform, "processor", lambda: "")
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    assert machine.processor() == "x86_64"
