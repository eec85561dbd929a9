"""Training checkpoints as scripts really write them, with all that lies beside the weights."""

import argparse
import datetime
import types
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

State = dict[str, Tensor]
Wrap = Callable[[State], object]


def _optimiser(
    kind: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW,
) -> torch.optim.Optimizer:
    """An optimiser that has taken a step, so that it has a state of its own."""
    weight = nn.Parameter(torch.ones(3))
    optimiser = kind([weight], lr=0.1)
    weight.grad = torch.ones(3)
    optimiser.step()
    return optimiser


def torchvision_reference(state: State) -> dict[str, object]:
    """`references/classification/train.py`, with the moving average and mixed precision."""
    optimiser = _optimiser(torch.optim.SGD)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones=[30, 60])
    average = {"n_averaged": torch.tensor(3)} | {f"module.{n}": t for n, t in state.items()}
    return {
        "model": state,
        "optimizer": optimiser.state_dict(),
        "lr_scheduler": scheduler.state_dict(),
        "epoch": 89,
        "args": argparse.Namespace(
            lr=0.1,
            device="cuda",
            data_path="/data/ü",
            workers=16,
            milestones=[30, 60],
            nothing=None,
        ),
        "model_ema": average,
        "scaler": {"scale": 65536.0, "growth_factor": 2.0, "_growth_tracker": 7},
    }


def lightning(state: State) -> dict[str, object]:
    """What `Trainer.save_checkpoint` writes for a LightningModule with `self.model`."""
    optimiser = _optimiser()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10)
    return {
        "epoch": 4,
        "global_step": 1_000,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": OrderedDict((f"model.{name}", tensor) for name, tensor in state.items()),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 5}}}},
        "callbacks": {
            "ModelCheckpoint{'monitor': 'val_acc', 'mode': 'max'}": {
                "best_model_score": torch.tensor(0.93),
                "best_model_path": "/runs/version_0/epoch=4.ckpt",
                "best_k_models": {"/runs/version_0/epoch=4.ckpt": torch.tensor(0.93)},
            }
        },
        "optimizer_states": [optimiser.state_dict()],
        "lr_schedulers": [scheduler.state_dict()],
        "MixedPrecision": {"scale": 1024.0},
        "hparams_name": "kwargs",
        "hyper_parameters": {
            "lr": 1e-3,
            "width": 8,
            "names": ["a", "b"],
            "size": torch.Size((3, 8)),
        },
    }


def timm(state: State) -> dict[str, object]:
    """timm's CheckpointSaver: the metric is a NumPy number."""
    return {
        "epoch": 299,
        "arch": "conv4",
        "state_dict": state,
        "state_dict_ema": {name: tensor.clone() for name, tensor in state.items()},
        "optimizer": _optimiser().state_dict(),
        "version": 2,
        "args": argparse.Namespace(opt="adamw", betas=(0.9, 0.999), log=Path("runs") / "one"),
        "amp_scaler": {"scale": 512.0},
        "metric": np.float64(81.3),
    }


def numpy_around(state: State) -> dict[str, object]:
    """Numbers, arrays and the random state that a script took from NumPy."""
    return {
        "state_dict": state,
        "best_acc": np.float32(0.5),
        "epoch": np.int64(7),
        "improved": np.bool_(True),
        "history": np.linspace(0.0, 1.0, 7),
        "confusion": np.arange(6, dtype=np.int32).reshape(2, 3),
        "numpy_rng": np.random.RandomState(0).get_state(),  # noqa: NPY002
        "torch_rng": torch.get_rng_state(),
    }


def python_around(state: State) -> dict[str, object]:
    """What else Python scripts keep beside their weights."""
    losses = defaultdict(list)
    losses["train"].append(0.5)
    return {
        "model_state_dict": state,
        "losses": losses,
        "seen": Counter({"cat": 3}),
        "config": types.SimpleNamespace(width=8, path=Path("/runs")),
        "when": datetime.datetime(2024, 5, 1, 12, 30),  # noqa: DTZ001
        "took": datetime.timedelta(hours=3),
        "torch": torch.__version__,
        "device": torch.device("cpu"),
        "dtype": torch.bfloat16,
        "shape": torch.Size((3, 32, 32)),
        "tags": {"a", "b"},
        "frozen": frozenset({"a"}),
        "bytes": b"\x00\xff\n",
        "nothing": None,
        "counts": {0: 1, 1: 2.5, -1: True},
        "lr": float("inf"),
    }


def averaged(state: State) -> dict[str, object]:
    """`torch.optim.swa_utils.AveragedModel(model).state_dict()`, saved by itself."""
    counted: dict[str, object] = {"n_averaged": torch.tensor(10)}
    return counted | {f"module.{name}": tensor for name, tensor in state.items()}


def ema_alone(state: State) -> dict[str, object]:
    """A moving average under a key of its own, beside the optimiser."""
    return {"ema": state, "optimizer": _optimiser().state_dict(), "updates": 10}


def three_wrappers(state: State) -> dict[str, object]:
    return {"model": {"net": {"state_dict": state}}, "args": {"a": 1}}


def attributed_parameters(state: State) -> dict[str, object]:
    """Parameters that carry attributes of their own, as some optimisers want them."""
    result: dict[str, object] = {}
    for name, tensor in state.items():
        result[name] = tensor
        if tensor.is_floating_point():
            parameter = nn.Parameter(tensor)
            parameter.no_weight_decay = True  # type: ignore[attr-defined]
            result[name] = parameter
    return result


def expanded_views(state: State) -> State:
    """Every tensor a strided piece out of the middle of something larger."""
    result = {}
    for name, tensor in state.items():
        wide = torch.zeros((tensor.numel() + 4, 2), dtype=tensor.dtype)
        wide[2:-2, 1] = tensor.reshape(-1)
        result[name] = wide[2:-2, 1].as_strided(
            tensor.shape, [2 * step for step in tensor.contiguous().stride()], 5
        )
    return result


def without_counters(state: State) -> State:
    """As files before torch 0.4.1 are."""
    return {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")}


WRAPPERS: dict[str, Wrap] = {
    "torchvision's training script": torchvision_reference,
    "Lightning": lightning,
    "timm": timm,
    "NumPy beside the weights": numpy_around,
    "Python beside the weights": python_around,
    "a moving average": averaged,
    "a moving average under its own key": ema_alone,
    "three wrappers": three_wrappers,
    "parameters with attributes": attributed_parameters,
    "views with steps": expanded_views,
}
