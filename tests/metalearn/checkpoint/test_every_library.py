"""Files of many architectures, as their libraries write them: read as themselves, or asked about.

None is read as something that computes other logits without a question.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.declared import DeclaredFile
from metalearn.checkpoint.model import read_model
from metalearn.checkpoint.recognition import AmbiguousCheckpoint
from metalearn.checkpoint.teacher import teacher_of
from metalearn.networks.index import the_index
from metalearn.networks.libraries import timm, torchvision_models

MAX_PARAMETERS = 60_000_000
NAMES = [
    name
    for name, entry in the_index().by_name.items()
    if entry.facts.n_parameters < MAX_PARAMETERS and not name.startswith("transformers/")
]
TORCHVISION = [name for name in NAMES if name.startswith("torchvision/")]
# One of each class whose logits are not one linear layer of the library's own.
SEVERAL_HEADS = [
    "timm/crossvit_tiny_240",
    "timm/deit_tiny_distilled_patch16_224",
    "timm/efficientformer_l1",
    "timm/efficientformerv2_s0",
    "timm/efficientvim_m1",
    "timm/efficientvim_m1_dist",
    "timm/iformer_m_distilled",
    "timm/levit_128s",
    "timm/levit_conv_128s",
    "timm/pit_ti_distilled_224",
    "timm/repvit_m0_9",
    "timm/resnet50_clip",
    "timm/swiftformer_xs",
    "timm/volo_d1_224",
]
TIMM = [name for name in NAMES if name.startswith("timm/") and name not in SEVERAL_HEADS][::12]


def build(name: Any) -> Any:
    library, _, builder = name.partition("/")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if library == "timm":
            return timm().create_model(builder, pretrained=False, num_classes=5).eval()
        more = {"init_weights": False} if builder in {"inception_v3", "googlenet"} else {}
        return torchvision_models().get_model(builder, num_classes=5, **more).eval()


def logits_of(model: Any, images: Any) -> Any:
    with torch.no_grad():
        output = model(images)
    return output if isinstance(output, torch.Tensor) else output[0]


def assert_same(found: Any, expected: Any, images: Any) -> None:
    ours, theirs = logits_of(found.network, images), logits_of(expected, images)
    largest = theirs.abs().max().clamp(min=1e-12)
    torch.testing.assert_close(ours / largest, theirs / largest, rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TORCHVISION, *TIMM, *SEVERAL_HEADS])
def test_a_file_with_its_name_is_read_as_itself_and_without_it_asked_about_or_right(
    name: Any, tmp_path: Path
) -> None:
    path, model = tmp_path / "model.pt", build(name)
    torch.save({"arch": name.partition("/")[2], "state_dict": model.state_dict()}, path)
    read = read_model(path, DeclaredFile())
    assert name in read.recognised.candidates and not read.recognised.guessed
    size = read.spec.image_size
    declared = DeclaredFile(size, (0.0,) * 3, (1.0,) * 3, tuple("abcde"))
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    assert_same(teacher_of(read, declared), model, images)

    torch.save(model.state_dict(), path)
    try:
        bare = read_model(path, DeclaredFile())
    except AmbiguousCheckpoint as question:
        assert len(question.candidates) > 1
        return
    assert bare.recognised.guessed
    if bare.spec.image_size == size:
        assert_same(teacher_of(bare, declared), model, images)
