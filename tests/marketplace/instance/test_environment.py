"""Values of variables from files, and passwords that are not part of an address."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from marketplace.instance.environment import read_environment, with_password


def test_every_kind_of_value_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("7\n")
    (tmp_path / "list").write_text("a,b")
    env = read_environment(
        {
            "NUMBER_FILE": str(tmp_path / "number"),
            "NAMES_FILE": str(tmp_path / "list"),
            "PLAIN": "yes",
        }
    )
    assert (env.int("NUMBER", 1), env.list("NAMES", default=[])) == (7, ["a", "b"])
    assert env.bool("PLAIN", False) is True
    assert env.str("NOWHERE", "default") == "default"


def test_a_secret_keeps_its_spaces_and_loses_only_the_line_break(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("  two words \n")
    assert read_environment({"S_FILE": str(tmp_path / "secret")}).str("S", "") == "  two words "


def test_the_file_wins_over_the_variable(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("file")
    env = read_environment({"S": "variable", "S_FILE": str(tmp_path / "secret")})
    assert env.str("S", "") == "file"


def test_a_secret_that_is_not_there_is_an_error_and_not_the_default(tmp_path: Path) -> None:
    env = read_environment({"S_FILE": str(tmp_path / "nowhere")})
    with pytest.raises(ImproperlyConfigured, match="S_FILE names .*nowhere, which cannot be read"):
        env.str("S", "default")


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("postgres://me@host:5432/name", "postgres://me:p%2Fw%40d@host:5432/name"),
        ("postgres://me:old@host/name", "postgres://me:p%2Fw%40d@host/name"),
        ("redis://host:6379/0", "redis://:p%2Fw%40d@host:6379/0"),
    ],
)
def test_a_password_is_put_into_an_address(url: str, whole: str) -> None:
    assert with_password(url, "p/w@d") == whole
    assert with_password(url, "") == url
