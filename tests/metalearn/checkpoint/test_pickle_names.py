"""Names that mean something make weights or plain data, and none can run anything."""

from metalearn.checkpoint.pickle_names import KNOWN_GLOBALS
from metalearn.checkpoint.pickle_values import KINDS, MEANINGS


def test_names_that_make_weights_are_torchs_and_no_other_name_can_make_a_tensor() -> None:
    assert len(set(MEANINGS) | KINDS) < 60
    assert all(n.startswith("torch.") or n == "collections.OrderedDict" for n in MEANINGS | {})
    assert all(n.startswith("torch.") for n in KINDS)
    beside = KNOWN_GLOBALS - set(MEANINGS) - KINDS
    for path in beside - {"torch.torch_version.TorchVersion"}:
        assert not path.startswith("torch.")


def test_no_name_that_can_run_something_is_allowed() -> None:
    modules = {"os", "posix", "subprocess", "sys", "runpy", "importlib", "pickle", "operator"}
    for path in KNOWN_GLOBALS:
        module, _, attribute = path.rpartition(".")
        assert module.split(".")[0] not in modules
        if module in {"builtins", "__builtin__"}:
            assert attribute in {"int", "float", "list", "dict", "set", "frozenset", "bytes"}
