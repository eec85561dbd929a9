import torch

from metalearn.checkpoint import fingerprint
from tests.metalearn.checkpoint.honest import State


def test_the_fingerprint_is_of_the_content_not_of_order_or_layout(state: State) -> None:
    shuffled = {name: state[name] for name in sorted(state, reverse=True)}
    shuffled = {
        name: t.to(memory_format=torch.channels_last) if t.ndim == 4 else t
        for name, t in shuffled.items()
    }
    assert fingerprint(shuffled) == fingerprint(state)
    assert len(fingerprint(state)) == 64


def test_any_change_of_name_kind_shape_or_value_changes_it() -> None:
    base = {"w": torch.zeros(4)}
    others = [
        {"v": torch.zeros(4)},
        {"w": torch.zeros(4, dtype=torch.float64)},
        {"w": torch.zeros(4, dtype=torch.int32)},
        {"w": torch.zeros(2, 2)},
        {"w": torch.tensor([0.0, 0.0, 0.0, -0.0])},
        {"w": torch.zeros(4), "x": torch.zeros(0)},
    ]
    prints = {fingerprint(tensors) for tensors in [base, *others]}
    assert len(prints) == len(others) + 1
