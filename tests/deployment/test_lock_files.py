"""What is installed is what the lock files name, and they follow pyproject.toml."""

import importlib.util
import io
import json
import re
import subprocess
import sys
import tomllib
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
LINE = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)(?: ; ([^\\\n]+))?", re.MULTILINE)
GROUPS = {
    "web": ("web",),
    "run": ("web", "worker"),
    "dev": ("web", "worker", "dev", "bench", "transformers"),
}


def script(name: str) -> ModuleType:
    """One of the scripts beside the lock files, as a module."""
    spec = importlib.util.spec_from_file_location(f"requirements_{name}", LOCKS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def locked(*names: Any) -> dict[str, set[str]]:
    """Name to the versions that these files hold; one that depends on Python has several."""
    found: dict[str, set[str]] = {}
    for name in names:
        for match in LINE.finditer((LOCKS / f"{name}.txt").read_text()):
            found.setdefault(match[1], set()).add(match[2])
    return found


def wanted(group: str) -> list[Any]:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    lines = [line for extra in GROUPS[group] for line in extras[extra]]
    return [Requirement(line) for line in lines if not line.startswith("freehold")]


@pytest.mark.parametrize("group", list(GROUPS))
def test_the_lock_file_has_every_package_that_pyproject_asks_for(group: str) -> None:
    have = locked(group) if group == "web" else locked(group, "torch")
    for requirement in wanted(group):
        versions = have.get(canonicalize_name(requirement.name), set())
        assert versions, f"“{requirement}” is not locked; run “make lock KEEP=1”"
        for version in versions:
            assert requirement.specifier.contains(version), f"{requirement}: run “make lock KEEP=1”"


@pytest.mark.parametrize("name", ["web", "run", "dev", "torch", "cuda"])
def test_every_package_has_hashes_and_comes_from_no_named_place(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text()
    blocks = [part for part in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE) if "==" in part]
    assert blocks and all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text and "--index" not in text and "--find-links" not in text


def test_all_groups_hold_the_same_versions() -> None:
    everything = locked("dev")
    for group in ("web", "run"):
        assert {name: everything[name] for name in locked(group)} == locked(group)


def test_the_index_of_architectures_is_of_the_locked_libraries() -> None:
    """After an upgrade of one of them `make index` looks at all again."""
    index = json.loads((ROOT / "metalearn" / "networks" / "index.json").read_text())
    everything = locked("dev")
    for name, version in index["made_with"].items():
        assert everything[name] == {version}, "run “make index”"


def test_what_a_cpu_build_of_torch_does_without_stands_apart() -> None:
    for group in ("web", "run", "dev"):
        assert not [n for n in locked(group) if n.startswith(("nvidia", "cuda", "triton"))]
        assert "torch" not in locked(group)
    assert set(locked("torch")) == {"torch"}
    assert all(name.startswith(("nvidia-", "cuda-", "triton")) for name in locked("cuda"))


def test_the_cpu_builds_are_of_the_locked_versions_and_admitted() -> None:
    builds = json.loads((LOCKS / "cpu-builds.json").read_text())
    text = "".join((LOCKS / f"{name}.txt").read_text() for name in ("torch", "run"))
    versions = locked("torch", "run")
    assert any(file.startswith("torch-") for file in builds)
    for file, digest in builds.items():
        name, version = file.split("+")[0].rsplit("-", 1)
        assert versions[name] == {version} and f"sha256:{digest}" in text


@pytest.mark.parametrize(
    ("requires", "needs"),
    [
        (["filelock", "sympy"], False),
        (["filelock", "nvidia-cudnn-cu13==9.20; platform_system == 'Linux'"], True),
        (["cuda-bindings<14,>=13.0.3; platform_system == 'Linux'"], True),
        (None, False),
    ],
)
def test_only_a_build_that_names_cuda_gets_its_libraries(
    monkeypatch: pytest.MonkeyPatch, requires: list[str] | None, needs: bool
) -> None:
    install = script("install")
    monkeypatch.setattr(install.metadata, "requires", lambda _: requires)
    assert install._torch_needs_cuda() is needs


PAGE = """
<a href="torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256={a}">one</a>
<a href="/whl/torch-2.13.0%2Bcpu-cp312-cp312-win_amd64.whl#sha256={b}">another system</a>
<a href="torch-2.12.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256={c}">another version</a>
<a href="torch-2.13.0%2Bcu130-cp311-cp311-manylinux_2_28_x86_64.whl#sha256={c}">with CUDA</a>
<a href="torch-2.13.0.tar.gz#sha256={c}">source</a>
""".format(a="a" * 64, b="b" * 64, c="c" * 64)


def test_renewing_takes_the_cpu_builds_of_the_locked_version_from_pytorchs_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = script("lock")
    asked = []

    def urlopen(address: str, timeout: int) -> BytesIO:
        asked.append(address)
        return io.BytesIO(PAGE.encode())

    monkeypatch.setattr(lock.urllib.request, "urlopen", urlopen)
    found = lock._cpu_builds({"torch": "2.13.0"})
    assert asked == [f"{lock.CPU_INDEX}/torch/"]
    assert found == {
        "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl": "a" * 64,
        "torch-2.13.0+cpu-cp312-cp312-win_amd64.whl": "b" * 64,
    }


def test_renewing_without_pytorchs_index_keeps_what_is_known_and_never_guesses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = script("lock")

    def away(*_: Any, **__: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(lock.urllib.request, "urlopen", away)
    assert lock._cpu_builds({"torch": "2.13.0"}) == json.loads(lock.CPU_BUILDS.read_text())
    with pytest.raises(SystemExit, match="are unknown"):
        lock._cpu_builds({"torch": "99.0"})


def test_the_hashes_of_cpu_builds_stand_behind_those_of_pypi() -> None:
    block = "torch==2.13.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n    # via freehold\n"
    written = script("lock")._with_cpu_builds(block, {"torch-2.13.0+cpu.whl": "3", "x-1": "4"})
    assert written == (
        "torch==2.13.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2 \\\n"
        "    --hash=sha256:3\n    # via freehold\n"
    )


def test_pip_takes_the_lock_files_and_stops_at_a_wrong_hash(tmp_path: Path) -> None:
    line = "six==1.16.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    (tmp_path / "lock.txt").write_text(line)
    wheel = tmp_path / "six-1.16.0-py2.py3-none-any.whl"
    wheel.write_bytes(b"not the wheel that was locked")
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--require-hashes", "--no-deps"]
    pip += ["--no-index", "--find-links", str(tmp_path), "--ignore-installed"]
    done = subprocess.run(
        [*pip, "--requirement", str(tmp_path / "lock.txt")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode and "DO NOT MATCH THE HASHES" in done.stderr


def test_nothing_is_installed_past_the_lock_files() -> None:
    for path in ("Makefile", ".ci/run", "docker/web.Dockerfile", "docker/worker.Dockerfile"):
        assert "pip install" not in (ROOT / path).read_text(), path
