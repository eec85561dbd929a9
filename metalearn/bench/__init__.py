"""Benchmarks: pools x algorithms x seeds, trained and evaluated in the same way.

`read_suite` reads what to compare, `run_suite` does whatever is missing, and `write_report` makes
the tables and figures from the existing rows.
"""

from metalearn.bench.report import write_report
from metalearn.bench.run import run_suite
from metalearn.bench.suite import Suite, find_suite, read_suite

__all__ = ["Suite", "find_suite", "read_suite", "run_suite", "write_report"]
