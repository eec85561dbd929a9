"""Calibrations of the adaptation page, with gains from docs/benchmarks/calibration.md."""

from typing import NamedTuple

RECOMMENDED = (
    "ridge regression on the pictures and their mirror images; with five pictures of each class it "
    "named 0.7 to 4.3 in a hundred more correctly on each of six data sets, with one picture "
    "up to 0.9 more and on none measurably fewer"
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
        "Statistics: batch-norm also takes the look of your pictures into account. On traffic "
        "signs a small network gained 1.2 more; on groceries and clothes a deep one lost 8.",
    ),
    Calibration(
        "icfil",
        "ICFIL",
        "ICFIL: inverts the adapted classifier and pulls real and pseudo pictures of a class "
        "together, as PURER's authors do; slower, and without a measurable gain.",
    ),
)
