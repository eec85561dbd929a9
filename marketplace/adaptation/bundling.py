"""Bundles our JavaScript modules into one script, for the page that is a single file.

A page opened from disk cannot import other files. Tests enforce the modules' style, so that only
two kinds of lines need parsing: `import { … } from "./x.js";` and `export
function|function*|class|const …`.
"""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


class CannotBundle(Exception):
    """A module has an unsupported line."""


def bundle(entry: Path) -> str:
    """Return the module and everything that it imports, in an order that can run."""
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
