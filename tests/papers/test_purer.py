"""PURER against its publication: its hyper-parameters, as a preset and in the suite."""

import pytest

from metalearn.algorithms.purer import PurerConfig
from metalearn.bench import find_suite, read_suite
from metalearn.settings import build

PUBLISHED = {
    "outer_steps": 60_000,
    "images_per_class": 20,
    "teachers_per_step": 0,
    "image_lr": 0.25,
    "batchnorm_weight": 0.01,
    "variation_weight": 1e-4,
    "norm_weight": 1e-5,
    "max_shift": 2,
    "curriculum_weight": 10.0,
    "curriculum_start": 4_000,
    "patience": 6,
    "meta_learner": "maml",
    "initialisation": "average",
    "outer_lr": 1e-3,
    "episodes_per_step": 4,
    "augmentation": 0.0,
    "inner_steps": 1,
    "inner_lr": 0.01,
    "calibrate": "icfil",
}
"""algorithms.md 2.1, the paper's column."""


@pytest.mark.parametrize("teacher_weights", ["equal", "as_released"])
def test_the_published_hyper_parameters_can_be_set(teacher_weights: str) -> None:
    config = build(PurerConfig, {**PUBLISHED, "teacher_weights": teacher_weights})
    assert config.outer_steps * config.episodes_per_step == 240_000


def test_what_was_not_chosen_anew_is_as_published_by_default() -> None:
    anew = {
        "outer_steps",
        "teachers_per_step",
        "batchnorm_weight",
        "curriculum_start",
        "augmentation",
        "meta_learner",
        "initialisation",
        "calibrate",
    }
    config = PurerConfig()
    changed = {name for name, value in PUBLISHED.items() if getattr(config, name) != value}
    assert changed == anew


def test_the_suite_of_published_settings_has_just_these() -> None:
    suite = read_suite(find_suite("published"))
    (entry,) = [entry for entry in suite.algorithms if entry.name == "purer"]
    config = build(PurerConfig, entry.settings)
    assert {name: getattr(config, name) for name in PUBLISHED} == PUBLISHED


def test_the_preset_published_scales_the_steps_and_changes_nothing_else_of_the_paper() -> None:
    config = build(PurerConfig, {"preset": "published"})
    found = {name: getattr(config, name) for name in PUBLISHED}
    changed = {name for name in PUBLISHED if found[name] != PUBLISHED[name]}
    # The paper's 13 models all take part; its average is taken where there is one.
    assert changed == {"outer_steps", "curriculum_start", "teachers_per_step", "initialisation"}
    assert (config.teachers_per_step, config.initialisation) == (13, "where_possible")
    scale = PUBLISHED["outer_steps"] / config.outer_steps
    assert config.curriculum_start == round(PUBLISHED["curriculum_start"] / scale)
