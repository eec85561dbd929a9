"""Teachers and pools, and the cache that holds their networks."""

from metalearn.pool.pool import Pool, Teacher

__all__ = ["Pool", "Teacher"]
