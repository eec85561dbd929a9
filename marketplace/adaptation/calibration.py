"""Calibrations of the adaptation page, with gains from docs/benchmarks/calibration.md."""

from typing import NamedTuple

RECOMMENDED = (
    "ridge regression on the pictures and their mirror images; with five pictures per class it was "
    "0.7 to 4.3 percentage points more accurate on each of six data sets, with one picture up to "
    "0.9 points and on none measurably less"
)


class Calibration(NamedTuple):
    """A choice on the page. Its scripts use `value`."""

    value: str
    name: str
    help: str


CALIBRATIONS = (
    Calibration("recommended", "Ridge (recommended)", f"Ridge: {RECOMMENDED}."),
    Calibration(
        "statistics",
        "Ridge and statistics",
        "Statistics: batch-norm also adapts to the statistics of your pictures. A small network "
        "gained another 1.2 points on traffic signs; a deep one lost 8 on groceries and clothes.",
    ),
    Calibration(
        "icfil",
        "ICFIL",
        "ICFIL: inverts the adapted classifier and pulls real and pseudo pictures of a class "
        "together, as PURER's authors do; slower, and without a measurable gain.",
    ),
)
