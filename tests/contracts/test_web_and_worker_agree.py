"""The web sends work by name: every name has a function, every launch form builds its Config."""

from typing import Any

import pytest

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec
from marketplace.algorithms.services import settings_check
from marketplace.queue import ROUTES, Task, app
from metalearn.networks.index import the_index
from metalearn.presets import run_title
from metalearn.registry import all_algorithms
from metalearn.settings import build
from worker import tasks
from worker.publishing import publish_catalogue


def test_every_task_has_a_function_and_a_queue() -> None:
    ours = {name for name in app.tasks if name.startswith("worker.")}
    assert ours == {str(task) for task in Task}
    assert set(ROUTES) == set(Task)
    assert tasks.run_job.name == Task.RUN_JOB


@pytest.mark.django_db
def test_every_algorithm_can_be_launched_with_what_its_form_shows() -> None:
    publish_catalogue()
    specs = {spec.name: spec for spec in AlgorithmSpec.objects.all()}
    assert set(specs) == set(all_algorithms())
    for name, spec in specs.items():
        shown = settings_check(spec=spec, values={})
        assert build(all_algorithms()[name].Config, shown) == all_algorithms()[name].Config()


@pytest.mark.django_db
def test_both_call_a_run_with_any_preset_the_same_and_understand_the_same_by_it() -> None:
    publish_catalogue()
    seen = set()
    for spec in AlgorithmSpec.objects.all():
        config: Any = all_algorithms()[spec.name].Config
        for preset in spec.presets or [None]:
            said = {"preset": preset["name"]} if preset else {}
            resnet: dict[str, Any] = {"learner": "resnet10", "learner_width": 3}
            for more in ({}, resnet):
                asked = {k: v for k, v in more.items() if k in config.__dataclass_fields__}
                settings = settings_check(spec=spec, values=said | asked)
                built = build(config, said | asked)
                assert build(config, settings) == built
                assert spec.run_title(settings) == run_title(spec.title, built)
                seen.add(spec.run_title(settings))
    assert {"FREE (released)", "FREE (published, 2 settings changed)", "FREE+"} <= seen


@pytest.mark.django_db
def test_every_architecture_is_published_our_own_first_then_torchvisions() -> None:
    publish_catalogue()
    names = list(ArchitectureSpec.objects.values_list("name", flat=True))
    assert names[:3] == ["conv4", "resnet10", "resnet18"]
    libraries = [name.partition("/")[0] for name in names[3:]]
    order = ["torchvision", "timm", "transformers"]
    assert libraries == sorted(libraries, key=order.index)
    assert set(names[3:]) == set(the_index().by_name)


@pytest.mark.django_db
def test_the_web_refuses_what_the_worker_would_refuse() -> None:
    publish_catalogue()
    for spec in AlgorithmSpec.objects.all():
        for setting in spec.settings:
            if setting["high"] is None:
                continue
            with pytest.raises(Exception, match="setting"):
                settings_check(spec=spec, values={setting["name"]: setting["high"] * 2 + 1})
