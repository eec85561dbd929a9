"""Parts of a file with the names of known architectures are found under prefixes, beside others."""

import pytest

from metalearn.checkpoint.bodies import Body, flat, known_bodies, prefixes
from metalearn.networks import NetworkSpec, expected_shapes
from metalearn.networks.base import Shapes
from metalearn.networks.index import is_counter

CONV4 = {
    name: shape
    for name, shape in expected_shapes(NetworkSpec("conv4", 4, 3, 32, 5)).items()
    if not is_counter(name)
}


def bodies(shapes: Shapes, prefix: str = "") -> list[Body]:
    """Those with a head in them; each is also found as one whose head is elsewhere."""
    found = known_bodies(shapes, shapes, prefix)
    return [body for body, kinds in found if "conv4" in kinds and body.heads]


def under(prefix: str) -> dict[str, tuple[int, ...]]:
    return {prefix + name: shape for name, shape in CONV4.items()}


def test_a_network_is_found_with_its_head() -> None:
    (found,) = bodies(CONV4)
    assert (found.prefix, found.heads) == ("", ("head",))
    assert set(found.names) == {name for name in CONV4 if not name.startswith("head.")}


@pytest.mark.parametrize("prefix", ["model.", "a.b."])
def test_it_is_found_under_a_prefix_beside_other_parts(prefix: str) -> None:
    shapes = {**under(prefix), "loss.weight": (3,)}
    assert prefix in prefixes(shapes)
    (found,) = bodies(shapes, prefix)
    assert found.heads == (f"{prefix}head",)


def test_a_head_of_another_name_and_up_to_two_other_groups_do_not_hide_it() -> None:
    shapes = {name.replace("head.", "classifier.1."): shape for name, shape in CONV4.items()}
    shapes |= {"temperature": (), "criterion.margin": (1,)}
    (found,) = bodies(shapes)
    assert found.heads == ("classifier.1",)
    assert not {"temperature", "criterion.margin"} & set(found.names)


def test_without_one_of_its_tensors_it_is_not_found() -> None:
    assert bodies({name: s for name, s in CONV4.items() if name != "blocks.2.conv.bias"}) == []
    assert bodies({"head.weight": (5, 16)}) == []


def test_the_fullest_prefix_comes_first_after_none() -> None:
    shapes = under("b.") | {f"a.layer{i}": (1,) for i in range(12)} | {"c.few": (1,)}
    assert prefixes(shapes)[:3] == ["", "b.", "b.blocks."]
    assert "c." not in prefixes(shapes)


def test_a_convolution_of_one_pixel_is_a_linear_layer() -> None:
    assert flat((4, 512, 1, 1)) == (4, 512)
    assert flat((4, 512, 3, 3)) == (4, 512, 3, 3)
