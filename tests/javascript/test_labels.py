"""Folders are named after a model's classes by the same rule on the page and in the shell."""

import json
from pathlib import Path

from metalearn.evaluation.picture_check import class_called
from tests.javascript.node import needs_node, run_node

pytestmark = needs_node
MODULE = Path(__file__).resolve().parents[2] / "static" / "js" / "check" / "labels.js"
CLASSES = ["tabby cat", "C", "c", "t-shirt", "t shirt", "Käfer", "n01440764"]
FOLDERS = [
    "tabby cat", "Tabby_Cat", " TABBY--cat ", "C", "c", "t-shirt", "T SHIRT", "KÄFER", "owl", "",
    "N01440764", "tabbycat",
]  # fmt: skip


def test_the_page_and_the_shell_find_the_same_class() -> None:
    program = (
        f"import {{ classCalled }} from {json.dumps(MODULE.as_uri())};"
        f"const names = {json.dumps(CLASSES)};"
        f"const found = {json.dumps(FOLDERS)}.map((name) => classCalled(name, names));"
        "console.log(JSON.stringify(found));"
    )
    page = json.loads(run_node("--input-type=module", "--eval", program))
    numbers = [class_called(name, CLASSES) for name in FOLDERS]
    shell = ["" if number is None else CLASSES[number] for number in numbers]
    assert page == shell
    assert shell[:3] == ["tabby cat"] * 3 and shell[6] == "" and shell[7] == "Käfer"
