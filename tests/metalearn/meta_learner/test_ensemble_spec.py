"""An ensemble's spec in config.json: how much each member counts."""

from typing import Any

import pytest

from metalearn.errors import InvalidCheckpoint
from metalearn.meta_learner.spec import read_spec
from metalearn.networks import EnsembleSpec, MemberSpec, NetworkSpec


def ensemble_config(**changes: Any) -> dict:
    member = MemberSpec(NetworkSpec("conv4", 4, 3, 16, 2), (0.5,) * 3, (0.25,) * 3, 2.0)
    values = EnsembleSpec.of([member], n_classes=2).as_dict()
    values["members"][0] |= changes
    return values


def say_of(config: dict[str, Any]) -> float:
    spec = read_spec(config)
    assert isinstance(spec, EnsembleSpec)
    return spec.members[0].say


def test_the_say_of_a_member_is_read_and_is_one_in_configurations_of_earlier_releases() -> None:
    assert say_of(ensemble_config()) == 2.0
    earlier = ensemble_config()
    del earlier["members"][0]["say"]
    assert say_of(earlier) == 1.0


@pytest.mark.parametrize("say", [0, -1.0, 1e9, float("nan"), "2", None, True])
def test_a_say_that_is_no_usable_number_is_refused(say: Any) -> None:
    with pytest.raises(InvalidCheckpoint, match="“say” of a member"):
        read_spec(ensemble_config(say=say))
