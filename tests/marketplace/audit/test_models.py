"""The log only grows."""

import pytest

from marketplace.audit.models import AppendOnly, Record


def test_an_act_of_a_later_version_keeps_its_key(db: None) -> None:
    assert Record(act="later.act").act_name == "later.act"


def test_the_model_refuses_to_change_or_delete(three: list[Record]) -> None:
    row = Record.objects.first()
    for act in (
        row.save,
        row.delete,
        Record.objects.all().delete,
        lambda: Record.objects.update(person="mallory"),
    ):
        with pytest.raises(AppendOnly):
            act()
    assert Record.objects.count() == 3
