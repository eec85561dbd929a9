"""`python -m tests.faults --faults 200 --seed 0 --deployment embedded`."""

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter

from tests.faults.play import choices, deployed, embedded, let_loose
from tests.faults.stage import BREATH_S, Stage, Verdict, as_json

LOG_LENGTH = 200_000


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def play_through(
    stage: Stage, options: argparse.Namespace, began: float
) -> tuple[Counter[str], Verdict]:
    """What struck, and what became of the jobs."""
    stage.prepare()
    say(f"ready after {time.monotonic() - began:.0f} s; {stage.step_s():.3f} s a step")
    chosen = choices(stage, options.deployment)
    if options.only:
        chosen = {fault: 1 for fault in chosen if fault.__name__ == options.only}
    seconds = 60 * options.minutes
    struck = let_loose(stage, chosen, options.faults, seconds=seconds, say=say)
    stage.finish()
    return struck, stage.judge()


def main() -> int:
    """Set the stage, let the faults loose, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=60.0, help="strike no longer than this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=150, help="steps of each job")
    parser.add_argument(
        "--deployment", choices=["embedded", "redis", "rabbitmq"], default="embedded"
    )
    parser.add_argument("--only", help="one fault alone, by its name")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    dice, began = random.Random(options.seed), time.monotonic()
    if options.deployment == "embedded":
        setting = embedded(dice, steps=options.steps)
    else:
        setting = deployed(dice, broker=options.deployment, steps=options.steps)
    with setting as stage:
        try:
            struck, verdict = play_through(stage, options, began)
        except BaseException:
            say(stage.instance.tail(LOG_LENGTH))
            raise
        log = stage.instance.tail(LOG_LENGTH)
    say(json.dumps(dict(struck.most_common()), indent=2))
    say(as_json(verdict))
    if stage.proxy is not None:
        say(f"{stage.proxy.faults} of {stage.proxy.requests} requests to the store failed")
    say(f"{stage.breaths} pauses, because nothing had moved for {BREATH_S:.0f} s")
    say(f"{struck.total()} faults, {verdict.jobs} jobs, {time.monotonic() - began:.0f} s")
    if verdict.complaints:
        say(log)
    return bool(verdict.complaints)


if __name__ == "__main__":
    sys.exit(main())
