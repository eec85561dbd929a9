"""Licence and description in a README.md; its untrusted YAML is read as flat keys, line by line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contract.limits import MAX_DESCRIPTION

_MAX_LICENCE = 60
_MAX_README = 200_000
_MAX_PARAGRAPH = 10_000
_LICENCE_KEYS = ("license", "licence")
_NAME_KEYS = ("license_name", "licence_name")
_UNSAID = {"", "unknown", "none", "null", "~"}
_KEY = re.compile(r"([A-Za-z_]{1,40})[ \t]*:(?:[ \t]+(.*))?$")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.+)$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\[\]]*\]\([^()]*\)")
_LINK = re.compile(r"\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_MARKS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=[\w.,;:!?)])[*_](?!\w)")
# Headings, lists, quotes, tables, rules and underlines of titles are not prose.
_NO_PROSE = re.compile(r"#|[-*+>|]\s|\d+[.)]\s|\||[=\-*_]{3,}\s*$")
_UNDERLINE = re.compile(r"(=+|-{2,})\s*$")
_PLACEHOLDER = "more information needed"


@dataclass(frozen=True)
class Readme:
    licence: str | None = None
    """In lower case: an SPDX identifier or a custom name."""
    description: str | None = None


def read_readme(text: str) -> Readme:
    """Return the licence and the first paragraph of prose as bounded plain text."""
    text = text[:_MAX_README].lstrip("\ufeff").replace("\r\n", "\n")
    front, body = _parted(text)
    entries = _flat(front)
    return Readme(_licence(entries), _description(body))


def _parted(text: str) -> tuple[str, str]:
    if not text.startswith("---\n"):
        return "", text
    front, mark, body = text[4:].partition("\n---")
    return (front, body.partition("\n")[2]) if mark else ("", "")


def _flat(front: str) -> dict[str, list[str]]:
    entries: dict[str, list[str]] = {}
    key = ""
    for line in front.splitlines():
        if found := _KEY.match(line):
            key = found[1].lower()
            entries[key] = _values(found[2] or "")
        elif key and (item := _ITEM.match(line)):
            entries[key] += _values(item[1])
        elif line[:1].strip(" \t#"):
            key = ""
    return entries


def _values(text: str) -> list[str]:
    text = text.strip()
    listed = text.startswith("[") and text.endswith("]")
    parts = text[1:-1].split(",") if listed else [text]
    return [value for part in parts if (value := _scalar(part.strip()))]


def _scalar(text: str) -> str:
    quoted = text[:1] in {'"', "'"}
    return (text[1:].partition(text[0]) if quoted else text.partition(" #"))[0].strip()


def _licence(entries: dict[str, list[str]]) -> str | None:
    said = " and ".join(_first(entries, _LICENCE_KEYS)).lower()
    if said == "other":
        said = " and ".join(_first(entries, _NAME_KEYS)).lower() or said
    good = said not in _UNSAID and len(said) <= _MAX_LICENCE and said.isprintable()
    return said if good else None


def _first(entries: dict[str, list[str]], keys: tuple[str, ...]) -> list[str]:
    return next((entries[key] for key in keys if key in entries), [])


def _description(body: str) -> str | None:
    for paragraph in _paragraphs(_COMMENT.sub("", body)):
        text = _plain(paragraph[:_MAX_PARAGRAPH])
        if any(letter.isalpha() for letter in text) and _PLACEHOLDER not in text.lower():
            return _bounded(text)
    return None


def _paragraphs(body: str) -> Iterator[str]:
    lines: list[str] = []
    fence = ""
    for line in [*body.splitlines(), ""]:
        bare = line.strip()
        mark = bare[:3] if bare[:3] in {"```", "~~~"} else ""
        if mark and fence in {"", mark}:
            fence = "" if fence else mark
        elif lines and _UNDERLINE.match(bare):
            lines.clear()
            continue
        elif not fence and bare and not _NO_PROSE.match(bare) and not line.startswith("    "):
            lines.append(bare)
            continue
        if lines:
            yield " ".join(lines)
        lines.clear()


def _plain(paragraph: str) -> str:
    text = _IMAGE.sub("", paragraph)
    # Images go first: badges are images inside links.
    for pattern, kept in ((_LINK, r"\1"), (_TAG, ""), (_MARKS, "")):
        text = pattern.sub(kept, text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _bounded(text: str) -> str:
    if len(text) <= MAX_DESCRIPTION:
        return text
    return text[: MAX_DESCRIPTION - 1].rpartition(" ")[0].rstrip(",;:–- ") + "…"
