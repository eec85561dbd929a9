"""How many pictures were right, and whether that is reason for doubt."""

import pytest

from marketplace.checkpoints.score import Score


@pytest.mark.parametrize(
    ("score", "advice"),
    [
        (Score(5, 10, 2), ""),
        (Score(10, 10, 1000), ""),
        (Score(4, 10, 2), "no better than guessing"),
        (Score(0, 1, 1000), "no better than guessing"),
        (Score(1, 10, 5), "no better than guessing"),
        (Score(4, 10, 1000), "fewer than half"),
        (Score(20, 50, 5), "fewer than half"),
    ],
)
def test_a_model_that_does_badly_is_told_what_to_look_at(score: Score, advice: str) -> None:
    assert advice in score.advice
    assert bool(score.advice) == score.is_doubtful == bool(advice)
    if advice:
        for what in ("architecture", "size", "mean and standard deviation", "order"):
            assert what in score.advice


def test_one_picture_is_one() -> None:
    assert str(Score(1, 1, 2)) == "1 of 1 picture right"
