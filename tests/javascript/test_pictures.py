"""Kinds of files and our own reader of TIFF in Node, against what Python and Pillow say."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from metalearn.datasets import decode_image
from metalearn.datasets.kinds import FOREIGN, foreign_kind
from tests.foreign import foreign_files, other_files, readable_files
from tests.javascript.node import needs_node
from tests.tiffs import cut_tiffs, tiff_files, unusual_tiffs, written

HERE = Path(__file__).parent
SMALL = Image.effect_noise((37, 23), 60).convert("RGB")
pytestmark = needs_node


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def kinds() -> Iterator[dict[str, str]]:
    files = [file for some in foreign_files().values() for file in some]
    files += [*other_files(), *readable_files().values()]
    cut = [file[:length] for file in files for length in range(0, min(len(file), 40), 3)]
    for file in (*files, *cut):
        found = foreign_kind(file)
        yield {"file": text(file), "what": found.what if found else ""}


def tiffs() -> Iterator[dict[str, str]]:
    for size in ((90, 70), (141, 200)):
        photo = Image.effect_noise(size, 80).convert("RGB")
        photo.paste((200, 30, 90), (5, 9, 40, 50))
        for name, file in tiff_files(photo).items():
            square = decode_image(file, channels=3, image_size=32)
            yield {"name": name, "file": text(file), "square": text(square.numpy().tobytes())}


def damaged() -> list[str]:
    """Files with a few bytes changed, added or gone."""
    rng = np.random.default_rng(0)
    found = []
    for whole in tiff_files(SMALL).values():
        for _ in range(25):
            one = bytearray(whole)
            # The directory most of all: it lies at the end, or right behind the head.
            near = [0, len(one) - min(len(one), 260)][int(rng.integers(2))]
            for _ in range(int(rng.integers(1, 5))):
                where = (
                    near + int(rng.integers(260)) if rng.random() < 0.8 else rng.integers(len(one))
                )
                one[int(where) % len(one)] = int(rng.choice([0, 1, 2, 255, int(rng.integers(256))]))
            found.append(text(bytes(one)))
    return found


def large() -> list[bytes]:
    two = np.zeros((2, 2), np.uint8)
    return [
        written(two, tags={256: [65535], 257: [65535]}),
        # Few enough pixels, of a file that cannot hold them.
        *(
            written(two, tags={256: [7000], 257: [7000], 278: [7000], 259: [compression]})
            for compression in (1, 5, 8, 32773)
        ),
    ]


def in_node(tmp_path: Path, expected: dict) -> None:
    (tmp_path / "expected.json").write_text(json.dumps(expected))
    environment = {**os.environ, "FREEHOLD_EXPECTED": str(tmp_path / "expected.json")}
    command = ["node", "--test", str(HERE / "pictures.test.mjs")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def everything() -> dict:
    return {
        "kinds": list(kinds()),
        "sentences": [foreign._asdict() for foreign in FOREIGN.values()],
        "readable": {kind: text(file) for kind, file in readable_files().items()},
        "tiffs": list(tiffs()),
        "unusual": [
            {"what": what, "file": text(file)} for what, file in unusual_tiffs(SMALL).items()
        ],
        "large": [text(file) for file in large()],
        "damaged": damaged(),
        "cut": [text(file) for file in cut_tiffs(SMALL)],
    }


def test_the_pages_reader_agrees_with_python(tmp_path: Path) -> None:
    in_node(tmp_path, everything())


@pytest.mark.long
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(tiff_files(SMALL))), st.binary(max_size=40), st.integers(0, 9000)
        ),
        min_size=200,
        max_size=400,
    )
)
def test_bytes_that_are_no_tiff_are_refused_and_not_crashed_on(
    tmp_path: Path, changes: list[tuple[str, bytes, int]]
) -> None:
    files = tiff_files(SMALL)
    found = []
    for name, noise, where in changes:
        whole = files[name]
        at = where % len(whole)
        found += [text(whole[:at] + noise + whole[at + len(noise) :]), text(whole[:at] + noise)]
    nothing: dict[str, list[Any]] = {
        key: [] for key in ("kinds", "sentences", "tiffs", "unusual", "large", "cut")
    }
    in_node(tmp_path, {**nothing, "readable": {}, "damaged": found})
