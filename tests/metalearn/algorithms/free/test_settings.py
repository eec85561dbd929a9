"""The settings of FREE's parts are those of the run."""

from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.settings import FreeSettings
from metalearn.algorithms.free_plus import FreePlusConfig
from metalearn.settings import build, describe


def test_an_inversion_and_a_replay_have_the_numbers_of_the_run() -> None:
    values = {"generator_steps": 7, "teacher_mb": 32, "replay_learner": "anil", "inner_steps": 4}
    config = build(FreeConfig, values | {"precision": "fp32"})
    assert (config.inversion.steps, config.inversion.precision) == (7, "fp32")
    assert config.inversion.limits.max_bytes == 32 * 2**20
    assert (config.replay.learner, config.replay.inner_steps) == ("anil", 4)


def test_only_free_itself_has_switches_of_the_released_code() -> None:
    released = build(FreeConfig, {"preset": "released"})
    assert released.switches.remembered == "last"
    assert released.inversion.adversarial == "as_released"
    assert build(FreePlusConfig, {}).switches == FreeSettings().switches


def test_groups_come_in_the_order_of_the_stages() -> None:
    groups = list(dict.fromkeys(setting["group"] for setting in describe(FreeSettings)))
    assert groups[:2] == ["Learner", "Steps"] and groups[-1] == "Memory and speed"
