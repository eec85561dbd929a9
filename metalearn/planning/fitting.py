"""Refusal of runs that exceed their memory limit, with suggestions of settings that fit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace

from metalearn.errors import InvalidSetting, MetaLearnError
from metalearn.planning.forecast import Plan
from metalearn.pool import Pool
from metalearn.pool.network_cache import CachedNetwork, NetworkCache

_MB = 2**20
_FEWEST_MODELS = 2


@dataclass(frozen=True)
class Allowance:
    """A run's memory limit in megabytes, and what users call this limit and the pool's."""

    memory_mb: int
    name: str
    pool_name: str


def check_memory(plan: Plan, allowed: Allowance) -> None:
    """Raise InvalidSetting, suggesting a setting that fits, if a run exceeds the allowance.

    An allowance of 0 means no limit.
    """
    if not allowed.memory_mb:
        return
    needed = plan.memory_mb()
    if needed <= allowed.memory_mb:
        return
    cures = [_cure(plan, allowed), f"raise {allowed.name} to {needed}"]
    raise InvalidSetting(
        f"This run needs about {needed:,} MB of memory, more than the {allowed.memory_mb:,} of "
        f"{allowed.name}; {' or '.join(cure for cure in cures if cure)}."
    )


def _fits(plan: Plan, room_mb: int) -> bool:
    try:
        return plan.memory_mb() <= room_mb
    except MetaLearnError:
        return False  # the algorithm cannot work with so little


def _cure(plan: Plan, allowed: Allowance) -> str:
    if values := _smaller_settings(plan, allowed.memory_mb):
        return "set " + " and ".join(f"{name}={value}" for name, value in values.items())
    if pool_mb := _smaller_shelf(plan, allowed.memory_mb):
        return f"lower {allowed.pool_name} to {pool_mb}"
    if n_models := _fewer_models(plan, allowed.memory_mb):
        return f"take only the first {n_models} models of the pool"
    return ""


def _smaller_settings(plan: Plan, room_mb: int) -> dict[str, int]:
    for name in plan.kind.smaller:
        for value in _halves(plan, name):
            if _fits(_with(plan, {name: value}), room_mb):
                return {name: value}
    chosen: dict[str, int] = {}
    for name in plan.kind.smaller:
        for value in _halves(plan, name):
            if _fits(_with(plan, {**chosen, name: value}), room_mb):
                return {**chosen, name: value}
            chosen[name] = value
    return {}


def _with(plan: Plan, values: Mapping[str, int]) -> Plan:
    return replace(plan, config=replace(plan.config, **values))


def _halves(plan: Plan, name: str) -> Iterator[int]:
    low = next(int(f.metadata["low"]) for f in fields(plan.config) if f.name == name)
    value = int(getattr(plan.config, name))
    while value > low:
        value = max(low, value // 2)
        yield value


def _smaller_shelf(plan: Plan, room_mb: int) -> int:
    caches = {id(cache): cache for cache in _caches(plan.pool)}
    for cache in caches.values():
        pool_mb = cache.max_bytes // _MB
        while pool_mb > 1:
            pool_mb //= 2
            with _holding(cache, pool_mb * _MB):
                if _fits(plan, room_mb):
                    return pool_mb
    return 0


def _caches(pool: Pool) -> Iterator[NetworkCache]:
    for teacher in pool.teachers:
        if isinstance(teacher.held, CachedNetwork):
            yield teacher.held.cache


@contextmanager
def _holding(cache: NetworkCache, max_bytes: int) -> Iterator[None]:
    before, cache.max_bytes = cache.max_bytes, max_bytes
    try:
        yield
    finally:
        cache.max_bytes = before


def _fewer_models(plan: Plan, room_mb: int) -> int:
    n_models = len(plan.pool)
    while n_models > _FEWEST_MODELS:
        n_models = max(_FEWEST_MODELS, n_models // 2)
        if _fits(replace(plan, pool=plan.pool.part(range(n_models))), room_mb):
            return n_models
    return 0
