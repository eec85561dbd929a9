"""Licences as files write them."""

import pytest

from marketplace.checkpoints.licences import licence_named
from marketplace.checkpoints.models import Licence


@pytest.mark.parametrize("licence", Licence.values)
def test_every_identifier_is_known_in_any_letters(licence: str) -> None:
    assert licence_named(licence) == licence_named(licence.upper()) == licence


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Apache License, Version 2.0", "apache-2.0"),
        ("Apache 2.0", "apache-2.0"),
        ("MIT License", "mit"),
        ("BSD-3", "bsd-3-clause"),
        ("CC BY-SA 4.0", "cc-by-sa-4.0"),
        ("unknown", "unstated"),
        ("", "unstated"),
        ("gpl-3.0", "other"),
        ("cc-by", "other"),
        ("cc-by-nc-nd-4.0", "other"),
        ("mit and apache-2.0", "other"),
    ],
)
def test_usual_names_are_known_and_the_rest_is_other(text: str, licence: str) -> None:
    assert licence_named(text) == licence
