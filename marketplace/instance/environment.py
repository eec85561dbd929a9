"""Environment variables, from which all settings come. Any value may be in a file.

`NAME_FILE=/run/secrets/name` sets `NAME` to the file's content. Secrets then need not be in the
process's environment, which can be inspected and is inherited by child processes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import environ
from django.core.exceptions import ImproperlyConfigured


class FilesFirst(Mapping[str, str]):
    """The variables. If `NAME_FILE` is set, it is read without its last line break."""

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
    env = environ.Env()
    env.ENVIRON = FilesFirst(variables)
    return env


def with_password(url: str, password: str) -> str:
    """Return the URL with this password, which may come from its own file."""
    if not password:
        return url
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
