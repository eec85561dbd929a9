"""What `make check` holds, and what the tools that it runs are installed from."""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MOST_IN_A_LINE = 120


def test_no_line_of_a_template_is_too_long_to_review() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.is_file()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if len(line) > MOST_IN_A_LINE
    ]
    assert long == []


def test_the_hooks_before_a_commit_are_the_commands_of_make_check() -> None:
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert [hook["entry"] for hook in hooks] == commands
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in hooks)


def test_npm_installs_exact_versions_with_hashes_from_no_named_place() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: about for name, about in lock["packages"].items() if name}
    assert packages and all(about["integrity"] for about in packages.values())
    assert not [name for name, about in packages.items() if "resolved" in about]
    # What stays of addresses are those of people who take donations.
    without = re.sub(r'"url": "https://[^"]+"', "", (ROOT / "package-lock.json").read_text())
    assert "://" not in without
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text().split()


def test_the_types_are_of_the_versions_that_browsers_get() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    vendored = (ROOT / "static" / "vendor" / "README.md").read_text()
    assert f"onnxruntime-web {wanted['onnxruntime-common']} " in vendored
    assert f"uplot {wanted['uplot']} " in vendored
