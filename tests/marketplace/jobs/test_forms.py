"""The launch form shows settings in groups, and only a few of them at once."""

import pytest

from marketplace.algorithms.models import AlgorithmSpec
from marketplace.jobs.forms import MAX_OPEN, LaunchForm


def steps(name: str, group: str | None) -> dict[str, object]:
    described = {
        "name": name, "kind": "int", "default": 3, "help": name, "low": 1, "high": 9,
        "choices": None, "others": "",
    }  # fmt: skip
    return described if group is None else described | {"group": group}


def form_of(groups: dict[str | None, int], data: dict[str, str] | None = None) -> LaunchForm:
    settings = [
        steps(f"{group or 'bare'}_{number}".lower(), group)
        for group, n in groups.items()
        for number in range(n)
    ]
    return LaunchForm(data, spec=AlgorithmSpec(name="a", title="A", settings=settings))


def test_the_first_groups_are_open_until_there_would_be_more_than_ten_fields_with_the_seed() -> (
    None
):
    form = form_of({"Learner": 3, "Steps": 6, "Recovery": 1, "Replay": 2})
    assert [(group.title, group.is_open) for group in form.groups] == [
        ("Learner", True), ("Steps", True), ("Recovery", False), ("Replay", False),
    ]  # fmt: skip
    assert sum(len(group.fields) for group in form.groups if group.is_open) == MAX_OPEN - 1


def test_settings_without_a_group_are_in_no_form_and_keep_what_the_preset_says() -> None:
    form = form_of({"Steps": 1, "": 2}, {"seed": "0", "setting_steps_0": "4"})
    assert [field.name for group in form.groups for field in group.fields] == ["setting_steps_0"]
    assert form.is_valid()
    assert form.settings() == {"steps_0": 4}


def test_what_workers_of_an_earlier_release_published_is_one_group() -> None:
    (group,) = form_of({None: 2}).groups
    assert (group.title, len(group.fields), group.is_open) == ("Settings", 2, True)


@pytest.mark.parametrize(("value", "is_open"), [("3", False), ("77", True)])
def test_a_group_with_an_error_is_open(value: str, is_open: bool) -> None:
    names = [*(f"setting_learner_{n}" for n in range(9)), "setting_replay_0"]
    form = form_of({"Learner": 9, "Replay": 1}, {"seed": "0", **dict.fromkeys(names, "3")})
    form.data["setting_replay_0"] = value
    assert form.groups[1].is_open is is_open
