"""Made-up objects stand in front of a ground."""

from tests.metalearn.procedural.drawing import drawn


def test_objects_stand_nearer_to_the_middle_than_to_the_edge() -> None:
    pictures = drawn(256, kind="objects")
    # Local contrast: where edges are.
    edges = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs().mean((0, 1))
    assert edges[12:20, 12:20].mean() > 1.2 * edges[:, :4].mean()
