"""The output of `train --dry-run`: what a run needs."""

from metalearn.algorithm import Algorithm
from metalearn.cli.common import printable
from metalearn.planning.forecast import Forecast
from metalearn.pool import Pool

_MOST_NAMES = 8


def dry_run_lines(
    algorithm: Algorithm, pool: Pool, forecast: Forecast, notices: list[str]
) -> list[str]:
    return [
        f"{algorithm.run_title}; nothing is written",
        f"steps    {algorithm.total_steps:,}",
        f"models   {_models(algorithm, pool)}",
        f"memory   about {forecast.memory_mb:,} MB",
        f"disk     {forecast.shelved_mb:,} MB for models beyond --pool-mb; on an instance a "
        f"snapshot of {forecast.snapshot_mb:,} MB too",
        f"work     {forecast.multiply_adds:.1e} multiply-adds",
        f"time     {forecast.time}",
        *(f"notice   {notice}" for notice in notices),
    ]


def _models(algorithm: Algorithm, pool: Pool) -> str:
    names = [printable(pool.teachers[place].name) for place in algorithm.used_teachers()]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{len(names)} of {len(pool)}: {', '.join(names[:_MOST_NAMES])}{more}"
