from typing import Any

import pytest

from metalearn.bench.plots import recovery_cost
from metalearn.bench.table import BEST_TITLE, accuracy_figure, over_seeds, tables


def training(label: str, seed: int, **changes: Any) -> dict[str, object]:
    costs = dict.fromkeys(
        (
            "wall_s", "cpu_s", "teacher_calls", "teacher_images", "teacher_backward_images",
            "generator_calls", "generator_images", "generator_backward_images",
        ),
        10 + seed,
    )  # fmt: skip
    row = {
        "key": f"{label}{seed}", "kind": "training", "pool": "pool", "scenario": "SS",
        "teachers": 3, "label": label, "seed": seed, "steps": 9, "selected_step": 9,
        "costs": costs, "images_recovered": 5, "curve": [], "metrics": {}, "projection": None,
    }  # fmt: skip
    return row | changes


def judged(label: str, seed: int, accuracy: float, **changes: Any) -> dict[str, object]:
    row = {
        "key": f"{label}{seed}{changes}", "kind": "evaluation", "training": f"{label}{seed}",
        "pool": "pool", "label": label, "seed": seed, "pack": "p", "shot": 5, "way": 5,
        "episodes": 600, "head_asked": "default", "calibrate": "none", "batchnorm": "inductive",
        "accuracy": accuracy, "interval95": 0.5, "wall_s": 12.0,
    }  # fmt: skip
    return row | changes


def both(label: str, seed: int, accuracy: float, **changes: Any) -> list[dict[str, object]]:
    kinds = {"inductive": accuracy, "transductive": accuracy + 1}
    return [judged(label, seed, a, batchnorm=kind, **changes) for kind, a in kinds.items()]


def test_the_interval_over_seeds_is_students() -> None:
    figure = over_seeds([50.0, 52.0, 54.0])
    assert figure.mean == 52
    assert figure.interval95 == pytest.approx(4.302653 * 2 / 3**0.5)
    assert over_seeds([0.0, 2.0] * 20).interval95 == pytest.approx(
        2.022691 * (40 / 39) ** 0.5 / 40**0.5
    )
    assert str(over_seeds([50.0], 0.7)) == "50.00 ± 0.70"
    assert str(over_seeds([50.0])) == "50.00"


def test_several_packs_are_averaged_within_a_seed() -> None:
    rows = [judged("a", 0, 40.0, pack="p"), judged("a", 0, 60.0, pack="q")]
    figure = accuracy_figure(rows, shot=5, batchnorm="inductive")
    assert figure.mean == 50
    assert figure.interval95 == pytest.approx((0.5**2 + 0.5**2) ** 0.5 / 2)


def test_what_was_not_asked_for_is_a_dash() -> None:
    rows = [training("a", 0), judged("a", 0, 50.0)]
    assert "| a | 1 | last of 9 steps | 50.00 ± 0.50 | – |" in "\n".join(tables(rows))


def test_an_episode_costs_what_its_own_adaptation_took() -> None:
    rows = [training("a", 0), judged("a", 0, 50.0, episode_s=0.005)]
    assert "\n".join(tables(rows)).rstrip().endswith("| 5 | 5.0 |")


def test_a_learner_judged_together_alone_has_dashes_and_can_be_drawn() -> None:
    rows = [training("a", 0), judged("a", 0, 30.0, batchnorm="transductive")]
    rows += [training("b", 0), *both("b", 0, 40.0)]
    text = "\n".join(tables(rows))
    assert "| – | 30.00" in text
    assert recovery_cost(rows) is not None


def test_inductive_stands_before_transductive_and_costs_below() -> None:
    rows = [training("a", 0), *both("a", 0, 50.0), training("b", 0), *both("b", 0, 60.0)]
    text = "\n".join(tables(rows))
    assert "## pool: SS, 3 models" in text
    assert "| 5-shot inductive | 5-shot transductive |" in text
    assert "| a | 1 | last of 9 steps | 50.00 ± 0.50 | 51.00 ± 0.50 |" in text
    assert "| b | 1 | last of 9 steps | 60.00 ± 0.50 | 61.00 ± 0.50 |" in text
    assert "| a | 10 | 10 |" in text and text.rstrip().endswith("| 5 | 20.0 |")
    assert BEST_TITLE not in text


def test_a_learner_chosen_on_pseudo_tasks_is_said_to_be_so() -> None:
    rows = [training("a", 0, selected_step=3), *both("a", 0, 50.0)]
    assert "step 3 of 9, chosen on pseudo-tasks" in "\n".join(tables(rows))


def test_the_best_of_the_run_has_a_column_that_says_what_it_is() -> None:
    curve = [
        {
            "step": step,
            "accuracies": [
                {"pack": "p", "shot": 5, "batchnorm": kind, "accuracy": accuracy}
                for kind in ("inductive", "transductive")
            ],
        }
        for step, accuracy in ((1, 70.0), (9, 50.0))
    ]
    text = "\n".join(tables([training("a", 0, curve=curve), *both("a", 0, 50.0)]))
    assert f"5-shot transductive, {BEST_TITLE}" in text
    assert "| 70.00 |" in text


def test_references_stand_beside_the_algorithms_and_cost_nothing() -> None:
    oracle = judged("oracle", 0, 70.0, kind="reference", learner="model_7")
    oracle |= {"scenario": "SS", "teachers": 3}
    text = "\n".join(tables([oracle, training("a", 0), *both("a", 0, 50.0)]))
    assert "| oracle | 1 | model_7 | 70.00 ± 0.50 | – |" in text
    assert text.count("| oracle |") == 1 and text.count("| a |") == 2


def test_a_page_of_references_alone_has_no_costs() -> None:
    oracle = judged("oracle", 0, 70.0, kind="reference", learner="model_7")
    text = "\n".join(tables([oracle | {"scenario": "SS", "teachers": 3}]))
    assert "## pool: SS, 3 models" in text and "Costs" not in text


def test_what_could_not_be_run_is_listed_with_its_reason() -> None:
    refused = {"kind": "refused", "pool": "pool", "label": "b", "reason": "No such thing."}
    text = "\n".join(tables([training("a", 0), *both("a", 0, 50.0), refused, refused]))
    assert text.count("* b on pool: No such thing.") == 1


def test_images_that_nobody_counted_are_not_called_zero() -> None:
    rows = [training("a", 0, images_recovered=None), *both("a", 0, 50.0)]
    assert "| not counted |" in "\n".join(tables(rows))


@pytest.mark.parametrize(
    ("label", "ran", "shown"),
    [
        (
            "mine",
            "FREE (standard, 2 settings changed)",
            "mine: FREE (standard, 2 settings changed)",
        ),
        ("FREE (published), again", "FREE (published)", "FREE (published), again"),
        ("ours", "FREE+", "ours"),
    ],
)
def test_a_row_names_the_preset_that_ran_if_its_label_does_not(
    label: str, ran: str, shown: str
) -> None:
    rows = [training(label, 0, ran=ran), judged(label, 0, 50.0)]
    lines = tables(rows)
    assert sum(line.startswith(f"| {shown} |") for line in lines) == 2
