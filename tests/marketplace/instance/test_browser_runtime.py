"""The browsers' runtime: fetched once, known by its hash, unpacked whole or not at all."""

import base64
import hashlib
import io
import json
import tarfile

import pytest

from marketplace.instance import browser_runtime
from marketplace.instance.browser_runtime import FILES, FOLDER, RuntimeUnavailable, runtime_install


def archive(names=FILES) -> bytes:
    buffer = io.BytesIO()
    contents = {f"package/dist/{name}": name.encode() for name in names}
    contents["package/package.json"] = json.dumps({"license": "MIT"}).encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as files:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            files.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def served(monkeypatch):
    """Give this archive to whoever downloads, and know its hash."""

    def serve(content: bytes, *, known: bool = True) -> list[str]:
        asked: list[str] = []
        monkeypatch.setenv("FREEHOLD_NPM_REGISTRY", "https://npm.example/")
        monkeypatch.setattr(
            browser_runtime, "_download", lambda address: asked.append(address) or content
        )
        digest = base64.b64encode(hashlib.sha512(content if known else b"").digest()).decode()
        monkeypatch.setattr(browser_runtime, "INTEGRITY", f"sha512-{digest}")
        return asked

    return serve


def test_the_runtime_is_fetched_once_and_only_its_files_are_kept(tmp_path, served):
    asked = served(archive())
    assert runtime_install(tmp_path) is True
    assert runtime_install(tmp_path) is False
    # An image fetches it as root and serves it as another user.
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / FOLDER).rglob("*.mjs")}
    assert modes == {"0o644"}
    assert len(asked) == 1
    assert asked[0].startswith("https://npm.example/onnxruntime-web/-/")
    found = {path.name for path in (tmp_path / FOLDER).iterdir()}
    assert found == {*FILES, "LICENSE", "VERSION"}


def test_an_archive_with_another_hash_is_not_unpacked(tmp_path, served):
    served(archive(), known=False)
    with pytest.raises(RuntimeUnavailable, match="not the one"):
        runtime_install(tmp_path)
    assert not (tmp_path / FOLDER).exists()


def test_an_archive_that_lacks_a_file_leaves_nothing_behind(tmp_path, served):
    served(archive(FILES[:1]))
    with pytest.raises(RuntimeUnavailable, match="has no"):
        runtime_install(tmp_path)
    assert not (tmp_path / FOLDER).exists()


def test_without_a_network_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("FREEHOLD_NPM_REGISTRY", "http://127.0.0.1:9")
    with pytest.raises(RuntimeUnavailable, match="does not answer"):
        runtime_install(tmp_path)


def test_the_registry_comes_from_the_machines_own_npm_settings(tmp_path, monkeypatch):
    for name in ("FREEHOLD_NPM_REGISTRY", "npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(browser_runtime.Path, "home", lambda: tmp_path)
    (tmp_path / ".npmrc").write_text("yes=true\nregistry = https://npm.example/mirror/\n")
    assert browser_runtime.registry() == "https://npm.example/mirror"
    (tmp_path / ".npmrc").write_text("registry=file:///etc\n")
    with pytest.raises(RuntimeUnavailable):
        browser_runtime.registry()
