"""Cost of each step of a network in the browser's runtime: processor seconds, and its heap.

`python -m benchmarks.browser_steps tv_mobilenet_v3_small:16:32 tv_mobilenet_v3_small:16:224` makes
a learner of each (architecture:width:size of its images) and runs it in Node on one thread. The
networks are untrained; the learning rate is small, so that they remain stable.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import NetworkSpec, build_network
from metalearn.networks.batchnorm import reestimate_statistics

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "benchmarks" / "browser_steps.mjs"
SETTINGS = AdaptationSettings(head="sgd", calibrate="icfil", inner_lr=1e-4, calibration_lr=1e-4)
PICTURES_EACH = 5


def main() -> None:
    for wanted in sys.argv[1:]:
        architecture, width, size = wanted.split(":")
        spec = NetworkSpec(architecture, int(width), 3, int(size), 5)
        with tempfile.TemporaryDirectory() as folder:
            learner = _learner(spec)
            learner.save(Path(folder) / "learner", for_browsers=True)
            command = [
                "node",
                SCRIPT,
                ROOT / "static/vendor/onnxruntime-web",
                Path(folder) / "learner",
            ]
            done = subprocess.run(  # noqa: S603
                [*map(str, command), str(PICTURES_EACH)], capture_output=True, check=True
            )
        print(wanted, json.dumps(json.loads(done.stdout)), flush=True)


def _learner(spec: NetworkSpec) -> MetaLearner:
    torch.manual_seed(0)
    network = build_network(spec)
    # Without estimated statistics, deep untrained networks overflow.
    reestimate_statistics(network, [torch.randn(16, 3, spec.image_size, spec.image_size)])
    return MetaLearner(network.eval(), mean=(0.5,) * 3, std=(0.25,) * 3, defaults=SETTINGS)


if __name__ == "__main__":
    main()
