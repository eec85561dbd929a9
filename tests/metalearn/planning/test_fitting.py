"""A run that needs too much is refused with one sentence, and what that proposes fits."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from metalearn.errors import InvalidSetting
from metalearn.planning.fitting import Allowance, check_memory
from metalearn.planning.forecast import Plan
from metalearn.pool import Pool
from metalearn.pool.network_cache import NetworkCache
from metalearn.registry import algorithm_named

CPU = torch.device("cpu")
SMALL = {"learner_width": 4, "outer_steps": 2}


def plan_of(name: str, pool: Pool, **settings: object) -> Plan:
    kind = algorithm_named(name)
    # As if the process itself had nothing, so that only the run counts.
    return replace(Plan.of(kind, pool, kind.Config(**settings), CPU), libraries_mb=0)


def refused(plan: Plan, memory_mb: int) -> str:
    with pytest.raises(InvalidSetting) as error:
        check_memory(plan, Allowance(memory_mb, "--memory-mb", "--pool-mb"))
    text = str(error.value)
    assert text.endswith(".") and text.count(". ") == 0
    return text


def test_nothing_is_refused_without_a_limit_or_within_it(tiny_pool: Pool) -> None:
    plan = plan_of("chorus", tiny_pool, **SMALL)
    for limit in (0, plan.memory_mb()):
        check_memory(plan, Allowance(limit, "--memory-mb", "--pool-mb"))


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("chorus", SMALL | {"batch_size": 4_096}),
        ("purer", SMALL | {"n_way": 3, "episodes_per_step": 64, "learner_width": 32}),
        ("free", SMALL | {"n_way": 3, "images_per_class": 100, "generator_width": 64}),
    ],
)
def test_the_setting_that_is_proposed_fits_and_so_does_the_limit(
    tiny_pool: Pool, name: str, settings: dict[str, int]
) -> None:
    plan = plan_of(name, tiny_pool, **settings)
    limit = plan.memory_mb() * 3 // 4
    text = refused(plan, limit)
    assert f"about {plan.memory_mb():,} MB" in text and f"the {limit:,} of --memory-mb" in text
    values = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}
    assert values
    config = replace(plan.config, **values)
    assert replace(plan, config=config).memory_mb() <= limit
    # The algorithm itself takes them.
    plan.kind(tiny_pool, config, device=CPU, seed=0)
    enough = int(re.search(r"raise --memory-mb to (\d+)", text)[1])
    check_memory(plan, Allowance(enough, "--memory-mb", "--pool-mb"))


def large_pool(make_teacher: Callable[..., Any], *, cache: NetworkCache | None = None) -> Pool:
    teachers = [make_teacher(name, width=96, class_names=tuple("abcd")) for name in "abcdefgh"]
    return Pool(tuple(one.cached_in(cache) for one in teachers) if cache else tuple(teachers))


def test_where_models_are_what_is_large_fewer_of_them_at_once_are_proposed(
    make_teacher: Callable[..., Any],
) -> None:
    cache = NetworkCache(2**30)
    plan = plan_of("random_init", large_pool(make_teacher, cache=cache), learner_width=4)
    text = refused(plan, plan.memory_mb() // 2)
    pool_mb = int(re.search(r"lower --pool-mb to (\d+)", text)[1])
    assert cache.max_bytes == 2**30
    cache.max_bytes = pool_mb * 2**20
    assert plan.memory_mb() <= 4


def test_where_all_models_are_needed_at_once_a_smaller_pool_is_proposed(
    make_teacher: Callable[..., Any],
) -> None:
    plan = plan_of("average", large_pool(make_teacher), statistics="merged")
    text = refused(plan, plan.memory_mb() * 2 // 3)
    n_models = int(re.search(r"take only the first (\d+) models", text)[1])
    assert 2 <= n_models < 8
    assert replace(plan, pool=plan.pool.part(range(n_models))).memory_mb() < plan.memory_mb()


def test_where_nothing_fits_the_limit_that_would_do_is_named(tiny_pool: Pool) -> None:
    plan = replace(plan_of("random_init", tiny_pool, learner_width=4), libraries_mb=500)
    assert re.search(r"of --memory-mb; raise --memory-mb to 50\d\.", refused(plan, 100))
