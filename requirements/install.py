"""Installation of one group of the lock files into the running Python's environment.

    python requirements/install.py {web,run,dev} [--editable] [--torch-index URL]

pip checks the hash of every file it downloads. An installed torch of the locked version is kept,
whichever build it is. Otherwise the build comes from this machine if pip's `find-links` has it,
then from `--torch-index`, and finally from PyPI, which on Linux brings several gigabytes of CUDA
libraries.
"""

import argparse
import subprocess
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Install PyTorch, its CUDA libraries if the build needs them, then the group."""
    parser = argparse.ArgumentParser()
    parser.add_argument("group", choices=("web", "run", "dev"))
    parser.add_argument("--editable", action="store_true", help="also install Freehold, editable")
    parser.add_argument("--torch-index", default="", help="URL of an index with CPU builds")
    options = parser.parse_args()
    index = ["--extra-index-url", options.torch_index] if options.torch_index else []
    if options.group != "web":
        # pip prefers files whose hash an index lists, so try local files first.
        if _pip(*_locked("torch"), "--no-index", quiet=True):
            _install("torch", *index)
        if _torch_needs_cuda():
            _install("cuda")
    _install(options.group, *index)
    if options.editable:
        sys.exit(_pip("--no-build-isolation", "--no-deps", "--editable", str(HERE.parent)))


def _install(group: str, *options: str) -> None:
    if status := _pip(*_locked(group), *options):
        sys.exit(status)


def _locked(group: str) -> list[str]:
    return ["--require-hashes", "--no-deps", "--requirement", str(HERE / f"{group}.txt")]


def _pip(*words: str, quiet: bool = False) -> int:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*pip, *words], capture_output=quiet, check=False).returncode


def _torch_needs_cuda() -> bool:
    wanted = metadata.requires("torch") or []
    return any(line.startswith(("nvidia-", "cuda-")) for line in wanted)


if __name__ == "__main__":
    main()
