import argparse
from dataclasses import asdict

from metalearn.cli.train import parse_settings
from metalearn.meta_learner import AdaptationSettings
from metalearn.meta_learner.adaptation_settings import CALIBRATIONS, HEADS
from metalearn.settings import build


def add_adaptation_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--head", choices=HEADS, help="(default: the learner's)")
    parser.add_argument("--calibrate", choices=CALIBRATIONS, help="(default: the learner's)")
    parser.add_argument(
        "--batchnorm",
        choices=("inductive", "transductive"),
        help="transductive looks at all query images together (default: the learner's)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any other setting of the adaptation, such as inner_steps=5",
    )


def adaptation_settings(
    options: argparse.Namespace, defaults: AdaptationSettings
) -> AdaptationSettings:
    """Return the learner's defaults, overridden by the command line."""
    named = {
        name: value
        for name in ("head", "calibrate", "batchnorm")
        if (value := getattr(options, name)) is not None
    }
    return build(AdaptationSettings, asdict(defaults) | parse_settings(options.set) | named)
