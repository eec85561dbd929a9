"""Our own JavaScript modules as one script, for the page that has everything in one file.

A page opened from a disk cannot import the files beside it. The modules have one style, which the
tests hold, so that two kinds of lines are all that must be read: `import { … } from "./x.js";`
and `export function|function*|class|const …`.
"""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


class CannotBundle(Exception):
    """A module has a line that is not understood."""


def bundle(entry: Path) -> str:
    """The module and all that it imports, in an order in which they can run."""
    done: dict[Path, str] = {}
    _add(entry.resolve(), done)
    return "".join(done.values())


def _add(path: Path, done: dict[Path, str]) -> None:
    if path in done:
        return
    source = path.read_text(encoding="utf-8")
    for match in _IMPORT.finditer(source):
        _add((path.parent / match[2]).resolve(), done)
    done[path] = _as_function(path, source, {name: f"m{n}" for n, name in enumerate(done)})


def _as_function(path: Path, source: str, names: dict[Path, str]) -> str:
    def taken(match: re.Match[str]) -> str:
        wanted = match[1].replace(" as ", ": ")
        return f"const {{{wanted}}} = {names[(path.parent / match[2]).resolve()]};"

    exported = _EXPORT.findall(source)
    body = _EXPORT.sub("", _IMPORT.sub(taken, source))
    if left := _LEFT.search(body):
        raise CannotBundle(f"{path.name}: {left[0]}")
    given = ", ".join(exported)
    return f"const m{len(names)} = (() => {{\n{body}\nreturn {{ {given} }};\n}})();\n"
