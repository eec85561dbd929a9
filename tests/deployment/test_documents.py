"""What the operator reads is what there is."""

import re

from django.core.management import get_commands

from tests.deployment.test_docker import ROOT

VARIABLE = re.compile(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]+)"')


def test_every_variable_is_documented() -> None:
    named = set(VARIABLE.findall((ROOT / "marketplace" / "settings.py").read_text()))
    assert len(named) > 30
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert sorted(name for name in named if f"`{name}`" not in page) == []


def test_every_command_that_operators_are_told_to_type_exists() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    told = set(re.findall(r"manage\.py ([a-z_]+)", page)) - {"and"}
    assert {"run", "prepare", "backup", "restore", "worker_alive"} <= told
    assert told <= set(get_commands()), told - set(get_commands())


def test_the_index_of_decisions_lists_each_with_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    listed = dict(re.findall(r"^\| \[\d{4}\]\(([^)]+)\) \| (.+?) \| ", index, re.MULTILINE))
    titles = {
        path.name: path.read_text().splitlines()[0].partition(" · ")[2]
        for path in folder.glob("0*.md")
    }
    assert listed == titles
