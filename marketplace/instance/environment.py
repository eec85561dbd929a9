"""The environment, from which all settings come; any variable's value may lie in a file.

`NAME_FILE=/run/secrets/name` stands for `NAME` with the file's content, so that secrets need not
be part of a process's environment, which shows in inspections and is passed on to children.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import environ
from django.core.exceptions import ImproperlyConfigured


class FilesFirst(Mapping[str, str]):
    """The variables, with `NAME_FILE` read where it is set, less its last line break."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        path = self._variables.get(f"{name}_FILE")
        return _content(name, path) if path else self._variables[name]

    def __iter__(self) -> Iterator[str]:
        names = set(self._variables)
        names |= {name.removesuffix("_FILE") for name in names if name.endswith("_FILE")}
        return iter(names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"{name}_FILE names {path}, which cannot be read ({error}); mount the secret there, "
            f"readable for this user, or unset {name}_FILE."
        ) from error


def read_environment(variables: Mapping[str, str]) -> environ.Env:
    """A reader of these variables."""
    env = environ.Env()
    env.ENVIRON = FilesFirst(variables)
    return env


def with_password(url: str, password: str) -> str:
    """The URL with this password, which so can lie in a file of its own; unchanged without one."""
    if not password:
        return url
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
