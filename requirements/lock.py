"""Update of the lock files: every package that Freehold installs, with version and SHA-256.

    make lock              update everything to the newest release that pyproject.toml allows
    make lock KEEP=1       keep locked versions; only follow additions and removals

uv resolves for all platforms and Python versions at once. It reads UV_DEFAULT_INDEX and similar
variables, not pip's configuration.

PyTorch and torchvision are locked in two builds: PyPI's, which on Linux needs the CUDA libraries of
`cuda.txt`, and the much smaller CPU build of PyTorch's own index. A machine that has access to the
CPU build installs it, checked against its hash, without CUDA.
"""

import argparse
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

HERE = Path(__file__).resolve().parent
GROUPS = {"web": ("web",), "run": ("web", "worker"), "dev": ("web", "worker", "dev")}
CPU_BUILT = re.compile(r"(torch|torchvision)==([^\s;]+)")
CUDA = re.compile(r"(nvidia-|cuda-|triton==)")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CPU_BUILDS = HERE / "cpu-builds.json"
OLDEST_PYTHON = "3.11"
_HEAD = "# Written by `make lock`; change pyproject.toml and run it again.\n"
_HASH_LINE = re.compile(r"^ +--hash=")


def main() -> None:
    """Resolve the largest group, then the smaller ones within it, and write all files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true", help="keep the locked versions")
    pins = _pins(_locked()) if parser.parse_args().keep else []
    largest = _resolve("dev", pins)
    resolved = {"dev": largest, **{name: _resolve(name, _pins(largest)) for name in ("web", "run")}}
    cpu = _cpu_builds(dict(found.groups() for b in largest if (found := CPU_BUILT.match(b))))
    CPU_BUILDS.write_text(json.dumps(cpu, indent=2) + "\n")
    for group, blocks in resolved.items():
        rest = (b for b in blocks if not b.startswith("torch==") and not CUDA.match(b))
        _write(group, (_with_cpu_builds(block, cpu) for block in rest))
    _write("cuda", (block for block in largest if CUDA.match(block)))
    _write("torch", (_with_cpu_builds(b, cpu) for b in largest if b.startswith("torch==")))


def _locked() -> list[str]:
    files = [HERE / f"{name}.txt" for name in ("dev", "torch", "cuda")]
    return [block for file in files if file.exists() for block in _blocks(file.read_text())]


def _resolve(group: str, pins: Iterable[str]) -> list[str]:
    """Return one block per package: its line, its hashes, and what requires it."""
    extras = [word for extra in GROUPS[group] for word in ("--extra", extra)]
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "pip", "compile", "pyproject.toml", *extras, "--universal", "--quiet"]
    command += ["--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header"]
    done = subprocess.run(
        [*command, "--constraint", "-"],
        cwd=HERE.parent,
        input="\n".join(pins),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"uv could not resolve “{group}”:\n{done.stderr}")
    return _blocks(done.stdout)


def _blocks(text: str) -> list[str]:
    parts = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    return [part for part in parts if re.match(r"[a-z0-9._-]+==", part)]


def _pins(blocks: Iterable[str]) -> list[str]:
    return [block.splitlines()[0].removesuffix(" \\") for block in blocks]


def _cpu_builds(versions: dict[str, str]) -> dict[str, str]:
    """Map file names to SHA-256 of the CPU builds; uses known ones if the index is down."""
    try:
        return {
            file: digest
            for name, version in versions.items()
            for file, digest in _listed(name, version)
        }
    except OSError as error:
        known: dict[str, str] = json.loads(CPU_BUILDS.read_text()) if CPU_BUILDS.exists() else {}
        if not all(any(f.startswith(f"{n}-{v}+cpu") for f in known) for n, v in versions.items()):
            sys.exit(
                f"{CPU_INDEX} did not answer ({error}), and the hashes of its builds of "
                f"{versions} are unknown; run this on a machine that can reach it."
            )
        print(f"{CPU_INDEX} did not answer ({error}); keeping the hashes of its builds.")
        return known


def _listed(name: str, version: str) -> list[tuple[str, str]]:
    with urllib.request.urlopen(f"{CPU_INDEX}/{name}/", timeout=30) as answer:
        page = answer.read().decode()
    links = re.findall(rf"({name}-[^\"/]*?\.whl)#sha256=([0-9a-f]{{64}})", page)
    files = ((unquote(file), digest) for file, digest in links)
    return sorted({(f, digest) for f, digest in files if f.startswith(f"{name}-{version}+cpu-")})


def _with_cpu_builds(block: str, builds: dict[str, str]) -> str:
    """Append the hashes of the package's CPU builds, if any, to the block."""
    name = block.partition("==")[0]
    digests = [digest for file, digest in builds.items() if file.startswith(f"{name}-")]
    lines = block.splitlines()
    last = max(index for index, line in enumerate(lines) if _HASH_LINE.match(line))
    lines[last : last + 1] = " \\\n".join(
        [lines[last], *(f"    --hash=sha256:{digest}" for digest in digests)]
    ).split("\n")
    return "\n".join(lines) + "\n"


def _write(group: str, blocks: Iterable[str]) -> None:
    (HERE / f"{group}.txt").write_text(_HEAD + "".join(blocks))


if __name__ == "__main__":
    main()
