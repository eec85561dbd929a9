"""A suite small enough to run for real: three tiny teachers, one pack of two colours of noise."""

from pathlib import Path

import numpy as np
import torch

from contract.declared import DeclaredFile
from metalearn.checkpoint import make_teacher, write_pool_entry
from metalearn.networks import NetworkSpec, build_network

SUITE = """
title = "Tiny"
seeds = [0]
shots = [1]
way = 2
query = 3
episodes = 4
curve_points = 2
curve_episodes = 2

[packs]
noise = "noise.npz"

[[pools]]
name = "tiny"
directories = ["pool"]
packs = ["noise"]

[[algorithms]]
label = "nothing learned"
name = "random_init"
settings = { n_way = 2 }

[[algorithms]]
label = "FREE"
name = "free"
quick = { outer_steps = 1 }
[algorithms.settings]
warm_up_steps = 1
outer_steps = 2
replay_steps = 0
n_way = 2
teachers_per_step = 2
images_per_class = 4
generator_steps = 2
generator_width = 8
latent_dim = 8
k_shot = 1
n_query = 2
replay_batches = 1
replay_episodes = 1
replay_learner = "protonet"
agreement_every = 1
"""


def write_suite(folder: Path) -> Path:
    """The suite's file, with its pool and its pack beside it."""
    for index in range(3):
        declared = DeclaredFile(
            name=f"model_{index}",
            image_size=16,
            mean=(0.5,) * 3,
            std=(0.5,) * 3,
            class_names=("day", "night"),
        )
        with torch.random.fork_rng():
            torch.manual_seed(index)
            state = build_network(NetworkSpec("conv4", 4, 3, 16, 2)).state_dict()
        facts = {"dataset": "noise"}
        write_pool_entry(folder / "pool", make_teacher(state, declared), facts)
    images = np.random.default_rng(0).integers(0, 100, (40, 16, 16, 3), dtype=np.uint8)
    images[20:] += 150
    np.savez(
        folder / "noise.npz",
        images=images,
        labels=np.repeat([0, 1], 20),
        class_names=np.array(["dark", "bright"]),
    )
    (folder / "tiny.toml").write_text(SUITE)
    return folder / "tiny.toml"
