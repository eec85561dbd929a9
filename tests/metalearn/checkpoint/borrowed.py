"""Classes of libraries that need not be installed: only their names and attributes are pickled."""

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def borrowed(*paths: str, base: type = object) -> Iterator[list[type[Any]]]:
    """Empty classes that pickle as these, such as "omegaconf.dictconfig.DictConfig"."""
    before = dict(sys.modules)
    try:
        yield [_class(path, base) for path in paths]
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]
        sys.modules.update(before)


def filled(kind: type[Any], /, **attributes: Any) -> Any:
    """An object of the class with these attributes."""
    result: Any = object.__new__(kind)
    result.__dict__.update(attributes)
    return result


def _class(path: str, base: type) -> type[Any]:
    module_name, _, name = path.rpartition(".")
    parts = module_name.split(".")
    for length in range(1, len(parts) + 1):
        full = ".".join(parts[:length])
        if full not in sys.modules:
            sys.modules[full] = types.ModuleType(full)
    kind = type(name, (base,), {"__module__": module_name})
    setattr(sys.modules[module_name], name, kind)
    return kind
