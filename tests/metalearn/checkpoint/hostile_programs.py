"""TorchScript archives and exported programs that lie about what is in them."""

import json
import zipfile
from collections.abc import Iterator

from tests.metalearn.checkpoint.builders import (
    mapping,
    name,
    pickled,
    state_dict,
    tensor,
    text,
    zip_of,
    zipped,
)
from tests.metalearn.checkpoint.case import Hostile
from tests.metalearn.checkpoint.hostile_zips import Part, archive

SCRIPT = {"constants.pkl": b"\x80\x02).", "code/__torch__.py": b"class M(Module): pass"}
PROGRAM = name("__torch__", "M") + b")\x81"


def hostile_programs() -> Iterator[Hostile]:
    yield from _scripts()
    for label, changes in _entries().items():
        yield Hostile("exported lies", label, exported(weight=changes))
    yield from _exports()


def _scripts() -> Iterator[Hostile]:
    group = "script lies"
    good = pickled(PROGRAM + mapping({"w": tensor()}) + b"b")
    yield Hostile(group, "another member", zipped(good, members=SCRIPT | {"evil.py": b"x"}))
    yield Hostile(group, "no pickle", zip_of({f"a/{key}": data for key, data in SCRIPT.items()}))
    yield Hostile(group, "a dictionary as the program", zipped(state_dict(), members=SCRIPT))
    called = pickled(name("__torch__", "evil") + b")R")
    yield Hostile(group, "a function of the program", zipped(called, {}, members=SCRIPT))
    compressed = zipped(good, members=SCRIPT, method=zipfile.ZIP_DEFLATED)
    yield Hostile(group, "all of it compressed", compressed, "compressed")
    yield Hostile(group, "a stranger's code", zipped(good, {}, members=SCRIPT), "missing")
    parts = (
        Part(b"a/data.pkl", pickled(PROGRAM + b"}b")),
        Part(b"a/constants.pkl", b"\x80\x02)."),
        Part(b"a/code/x.py", b"\x03\x00", method=8, central_size=3),
    )
    yield Hostile(group, "code of another size", archive(*parts))
    many = pickled(PROGRAM + b"q\x08" + mapping({"a": b"h\x08"}) + b"b")
    yield Hostile(group, "a program in itself", zipped(many, {}, members=SCRIPT))


def exported(
    weight: object = None, *, config: bytes | None = None, more: dict[str, bytes] | None = None
) -> bytes:
    """An exported program with one weight of four numbers; what is None is as it should be."""
    entry = {
        "path_name": "weight_0",
        "use_pickle": False,
        "tensor_meta": {
            "dtype": 7,
            "sizes": [{"as_int": 4}],
            "strides": [{"as_int": 1}],
            "storage_offset": {"as_int": 0},
        },
    }
    if isinstance(weight, dict):
        meta = {**entry["tensor_meta"], **weight.pop("tensor_meta", {})}  # type: ignore[dict-item]
        entry |= {"tensor_meta": meta} | weight
    text_of = json.dumps({"config": {"w": weight if isinstance(weight, list) else entry}})
    files = {
        "archive_format": b"pt2",
        "data/weights/weight_0": bytes(16),
        "data/weights/model_weights_config.json": config or text_of.encode(),
        "models/model.json": b"{}",
    }
    return zip_of({f"p/{key}": data for key, data in (files | (more or {})).items()})


def _entries() -> dict[str, object]:
    def meta(**changes: object) -> dict[str, object]:
        return {"tensor_meta": changes}

    return {
        "larger than its bytes": meta(sizes=[{"as_int": 5}]),
        "strides of zero": meta(
            sizes=[{"as_int": 10**6}, {"as_int": 10**6}], strides=[{"as_int": 0}, {"as_int": 0}]
        ),
        "an offset outside": meta(storage_offset={"as_int": 1}),
        "a size below nothing": meta(sizes=[{"as_int": -4}]),
        "a size of 2**63": meta(sizes=[{"as_int": 2**63}]),
        "a size that is true": meta(sizes=[{"as_int": True}]),
        "a size that is a symbol": meta(sizes=[{"as_expr": "s0"}]),
        "a size that is a number": meta(sizes=[4]),
        "nine dimensions": meta(sizes=[{"as_int": 1}] * 9, strides=[{"as_int": 1}] * 9),
        "a stride too few": meta(strides=[]),
        "an unknown kind": meta(dtype=99),
        "a kind that is a text": meta(dtype="7"),
        "complex numbers": meta(dtype=10, sizes=[{"as_int": 2}]),
        "no shape": {"tensor_meta": {}, "path_name": "weight_1"},
        "a path that goes up": {"path_name": "../../archive_format"},
        "a path to the list": {"path_name": "model_weights_config.json"},
        "a path that is a list": {"path_name": ["weight_0"]},
        "a pickle inside": {"use_pickle": True},
        "a list as a weight": ["weight_0"],
    }


def _exports() -> Iterator[Hostile]:
    group = "exported lies"
    yield Hostile(group, "no JSON", exported(config=b"{"))
    yield Hostile(group, "a list", exported(config=b"[]"))
    yield Hostile(group, "no weights", exported(config=b'{"config": {}}'))
    yield Hostile(group, "no configuration", exported(config=b'{"config": []}'))
    yield Hostile(group, "a name twice", exported(config=b'{"config": {"w": 1, "w": 2}}'))
    yield Hostile(group, "nested 100,000 times", exported(config=b'{"config":' * 100_000))
    yield Hostile(group, "9 MB of spaces", exported(config=b" " * 9_000_000))
    yield Hostile(group, "a name of escapes", exported(config=b'{"config": {"\\u001b": []}}'))
    two = {"data/weights/other_weights_config.json": b"{}"}
    yield Hostile(group, "two models", exported(more=two), "2 models")
    yield Hostile(group, "only a format", zip_of({"p/archive_format": b"pt2"}), "without weights")
    yield Hostile(group, "two folders", zip_of({"p/archive_format": b"pt2", "q/a": b""}))
    old = zip_of({"a/serialized_exported_program.json": b"{}", "a/x": text("a")})
    yield Hostile(group, "an older program", old, "older torch")
