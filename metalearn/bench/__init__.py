"""The comparison harness: pools x algorithms x seeds, trained and judged in one and the same way.

`read_suite` reads what to compare, `run_suite` does what is not done yet, `write_report`
makes the table and the figures from the rows that are there.
"""

from metalearn.bench.report import write_report
from metalearn.bench.run import run_suite
from metalearn.bench.suite import Suite, find_suite, read_suite

__all__ = ["Suite", "find_suite", "read_suite", "run_suite", "write_report"]
