"""Training of many small teachers: sequentially, or in one batched call?

`python -m benchmarks.pretraining` prints a table: milliseconds of processor time for one training
step of one Conv4-32 (128 images of 32 x 32), alone, through `torch.func.vmap` over stacked weights,
and as grouped convolutions, in fp32 and bf16.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from metalearn.networks import Network, NetworkSpec, build_network
from metalearn.numerics.precision import autocast, on_device, uses_bf16

CPU = torch.device("cpu")
BATCH, WAY, WIDTH = 128, 5, 32
Step = Callable[[], None]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Milliseconds of a pre-training step.")
    parser.add_argument("--models", type=int, default=8, help="in one batched call")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print(f"{options.models} models in a batched call, torch {torch.__version__}\n")
    print("| how | fp32 | bf16 |\n|---|---:|---:|")
    for title, (make, shared) in _WAYS.items():
        cells = []
        for precision in ("fp32", "bf16"):
            if precision == "bf16" and not uses_bf16("auto", CPU):
                cells.append("not in this processor")
                continue
            torch.manual_seed(0)
            seconds = _median(make(precision, options.models), options.repeat)
            cells.append(f"{1000 * seconds / (options.models if shared else 1):.0f}")
        print(f"| {title} | {' | '.join(cells)} |")


def _median(step: Step, repeat: int) -> float:
    step()
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        step()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def _network() -> Network:
    return build_network(NetworkSpec("conv4", WIDTH, 3, 32, WAY)).train()


def _learn(precision: str, weights: list[nn.Parameter], logits: Callable[[], Tensor]) -> Step:
    """Return an Adam step on random labels; `logits` has a row for each image of each model."""
    optimiser = torch.optim.Adam(weights, lr=0.01, fused=True)

    def step() -> None:
        with autocast(precision, CPU):
            rows = logits().float()
        loss = F.cross_entropy(rows, torch.arange(len(rows)) % WAY) * (len(rows) / BATCH)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 50.0)
        optimiser.step()

    return step


def _alone(precision: str, _models: int) -> Step:
    network = on_device(_network(), CPU)
    images = torch.rand(BATCH, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    return _learn(precision, list(network.parameters()), lambda: network(images))


def _stacked(precision: str, models: int) -> Step:
    networks = [_network() for _ in range(models)]
    weights, buffers = stack_module_state(networks)
    weights = {name: nn.Parameter(weight.detach()) for name, weight in weights.items()}
    images = torch.rand(models, BATCH, 3, 32, 32)

    def one(own: dict[str, Tensor], own_buffers: dict[str, Tensor], batch: Tensor) -> Tensor:
        result: Tensor = functional_call(networks[0], (own, own_buffers), (batch,))
        return result

    def logits() -> Tensor:
        return vmap(one)(weights, buffers, images).flatten(0, 1)

    return _learn(precision, list(weights.values()), logits)


def _grouped(precision: str, models: int) -> Step:
    layers = nn.ModuleList(
        nn.Sequential(
            nn.Conv2d(models * n_in, models * WIDTH, 3, padding=1, groups=models),
            nn.BatchNorm2d(models * WIDTH),
            nn.MaxPool2d(2),
            nn.ReLU(),
        )
        for n_in in (3, WIDTH, WIDTH, WIDTH)
    )
    on_device(layers, CPU)
    heads = nn.Parameter(torch.randn(models, WIDTH * 4, WAY) / 10)
    images = torch.rand(BATCH, models * 3, 32, 32).contiguous(memory_format=torch.channels_last)

    def logits() -> Tensor:
        x = images
        for layer in layers:
            x = layer(x)
        return torch.bmm(x.reshape(BATCH, models, -1).transpose(0, 1), heads).flatten(0, 1)

    return _learn(precision, [*layers.parameters(), heads], logits)


_WAYS: dict[str, tuple[Callable[[str, int], Step], bool]] = {
    "one model alone": (_alone, False),
    "stacked weights, `vmap`": (_stacked, True),
    "grouped convolutions": (_grouped, True),
}


if __name__ == "__main__":
    main()
