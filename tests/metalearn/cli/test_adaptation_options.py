"""Options change a learner's defaults of adaptation, and leave all others as they are."""

import argparse
from dataclasses import replace

import pytest

from metalearn.cli.adaptation_options import adaptation_settings, add_adaptation_options
from metalearn.errors import InvalidSetting
from metalearn.meta_learner import AdaptationSettings

DEFAULTS = AdaptationSettings(head="ridge", inner_steps=7, temperature=0.5)


def given(*arguments: str) -> AdaptationSettings:
    parser = argparse.ArgumentParser()
    add_adaptation_options(parser)
    return adaptation_settings(parser.parse_args(arguments), DEFAULTS)


def test_without_options_the_learners_own_settings_stand() -> None:
    assert given() == DEFAULTS


def test_what_is_given_replaces_them() -> None:
    found = given("--head", "sgd", "--batchnorm", "transductive", "--set", "inner_steps=2")
    assert found == replace(DEFAULTS, head="sgd", batchnorm="transductive", inner_steps=2)


def test_an_option_of_its_own_name_comes_before_set() -> None:
    assert given("--set", "head=prototypes", "--head", "sgd").head == "sgd"


@pytest.mark.parametrize(
    "text", ["inner_steps=many", "inner_steps=-1", "colour=red", "inner_steps"]
)
def test_a_setting_that_will_not_do_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        given("--set", text)
