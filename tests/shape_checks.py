"""Checks the shapes of `metalearn.shapes` at every call, as a plugin of pytest.

Only in the packages that compute: a check costs more than a call that parses a few bytes.
"""

from jaxtyping import install_import_hook

COMPUTING = ["algorithms", "checkpoint.behaviour", "datasets", "evaluation", "learning"]
COMPUTING += ["needs", "networks", "numerics", "pool", "procedural", "recovery"]

install_import_hook(
    [f"metalearn.{name}" for name in COMPUTING],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)
