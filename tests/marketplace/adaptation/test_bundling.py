"""Our own modules as one script."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from marketplace.adaptation.bundling import CannotBundle, bundle


def test_modules_become_one_script_that_runs_in_the_order_of_their_imports(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(
        'import { two as zwei } from "./sub/b.js";\nconsole.log(zwei() + 1);\n'
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.js").write_text(
        'import { ONE } from "../c.js";\nexport function two() {\n  return ONE + 1;\n}\n'
    )
    (tmp_path / "c.js").write_text("export const ONE = 1;\n")
    script = bundle(tmp_path / "a.js")
    assert "import " not in script
    if shutil.which("node"):
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
        assert done.stdout == "3\n"


@pytest.mark.parametrize(
    "line", ['import other from "./c.js";', "export default 1;", 'export * from "./c.js";']
)
def test_a_line_that_is_not_understood_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.js").write_text(f"{line}\n")
    with pytest.raises(CannotBundle, match=re.escape(f"a.js: {line}")):
        bundle(tmp_path / "a.js")
