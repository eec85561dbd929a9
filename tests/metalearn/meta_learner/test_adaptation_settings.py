"""Settings of an adaptation keep their bounds, and what we recommend changes three of them."""

from dataclasses import asdict

import pytest

from metalearn.errors import InvalidSetting
from metalearn.meta_learner import AdaptationSettings, calibrated
from metalearn.settings import build, describe


def test_what_we_recommend_is_ridge_with_mirror_images_and_leaves_the_rest() -> None:
    asked = AdaptationSettings(
        head="sgd", mirror_support=False, calibrate="icfil", temperature=0.7, inner_steps=3
    )
    found = calibrated(asked)
    assert (found.head, found.mirror_support, found.calibrate) == ("ridge", True, "none")
    changed = {key for key, value in asdict(found).items() if getattr(asked, key) != value}
    assert changed == {"head", "mirror_support", "calibrate"}


def test_the_defaults_are_within_their_own_bounds() -> None:
    assert build(AdaptationSettings, asdict(AdaptationSettings())) == AdaptationSettings()
    assert len(describe(AdaptationSettings)) == len(asdict(AdaptationSettings()))


@pytest.mark.parametrize(
    ("name", "value"),
    [("head", "svm"), ("batch_size", 19), ("temperature", 0), ("statistics_share", 1.1)],
)
def test_a_value_out_of_bounds_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InvalidSetting, match=name):
        build(AdaptationSettings, {name: value})
