"""A module's tests are where one would look.

`marketplace/pools/services.py` is tested by `tests/marketplace/pools/test_services.py`; the modules
of a small folder, such as `marketplace/accounts/views/`, may share
`tests/marketplace/accounts/test_views.py`.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("contract", "marketplace", "metalearn", "worker")
AT_LEAST = 0.8


def _has_functions(module: Path) -> bool:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def _modules() -> list[Path]:
    """Every module that has behaviour: tables of constants, routes and settings have none."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    kept = [path for path in found if path.name != "__init__.py" and "migrations" not in path.parts]
    return sorted(path.relative_to(ROOT) for path in kept if _has_functions(path))


def _is_mirrored(module: Path) -> bool:
    folder, name = ROOT / "tests" / module.parent, module.stem.strip("_")
    own, shared = folder / f"test_{name}.py", folder.with_name(f"test_{folder.name}.py")
    return own.exists() or (len(module.parts) > 2 and shared.exists())


def test_most_modules_have_their_test_where_one_would_look() -> None:
    modules = _modules()
    missing = [str(module) for module in modules if not _is_mirrored(module)]
    share = 1 - len(missing) / len(modules)
    assert share >= AT_LEAST, f"{share:.0%} of {len(modules)}; without: {', '.join(missing)}"
