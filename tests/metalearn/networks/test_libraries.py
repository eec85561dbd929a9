"""Networks of timm and torchvision are their own, tensor by tensor and number by number."""

import socket
from typing import Any

import pytest
import torch

from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, build_bare, build_network, get_architecture
from metalearn.networks.index import the_index
from metalearn.networks.libraries import timm, torchvision_models
from tests.metalearn.networks.library_specs import size_of, spec_of

# One of each way to be odd: plain, buffers outside the state dict, tokens at the root, sizes that
# matter, many heads' names, tensors that do not build on meta, a token behind the head.
SAMPLE = [
    "torchvision/resnet18",
    "torchvision/mobilenet_v3_small",
    "torchvision/efficientnet_b0",
    "torchvision/densenet121",
    "torchvision/regnet_y_400mf",
    "torchvision/swin_t",
    "torchvision/shufflenet_v2_x0_5",
    "torchvision/inception_v3",
    "timm/resnet18",
    "timm/resnetblur18",
    "timm/vit_tiny_patch16_224",
    "timm/swin_tiny_patch4_window7_224",
    "timm/swinv2_cr_tiny_224",
    "timm/convnext_atto",
    "timm/mobilenetv3_small_100",
    "timm/tf_efficientnet_lite0",
    "timm/mixer_s32_224",
    "timm/xcit_nano_12_p16_224",
    "timm/resnet50_clip",
]


def reference(name: str, size: int) -> Any:
    library, _, builder = name.partition("/")
    if library == "timm":
        fixed = the_index().by_name[name].facts.fixed_size
        sized = {"img_size": size} if fixed else {}
        return timm().create_model(builder, pretrained=False, num_classes=4, **sized)
    more = {"aux_logits": False, "init_weights": False} if builder == "inception_v3" else {}
    return torchvision_models().get_model(builder, num_classes=4, **more)


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", SAMPLE)
def test_the_same_weights_give_the_librarys_own_logits(name: str) -> None:
    spec = spec_of(name)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = reference(name, spec.image_size).eval()
        head = theirs.get_submodule(the_index().by_name[name].facts.head_name)
        # Some begin with a head of zeros, which would hide everything before it.
        torch.nn.init.normal_(head.weight)
    network = build_bare(spec).eval()
    assert list(network.state_dict()) == list(theirs.state_dict())
    network.load_state_dict(theirs.state_dict(), assign=True)
    size = spec.image_size
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = network(images), theirs(images)
        features = network.embed(images)
        from_features = network.output_layer(features)
    largest = expected.abs().max()
    torch.testing.assert_close(found / largest, expected / largest, rtol=0, atol=1e-4)
    torch.testing.assert_close(from_features / largest, found / largest, rtol=0, atol=1e-4)
    assert features.shape == (2, network.feature_dim)


@pytest.mark.parametrize("name", ["torchvision/resnet18", "timm/vit_tiny_patch16_224"])
def test_grey_images_get_a_first_layer_of_one_channel(name: str) -> None:
    spec = NetworkSpec(name, get_architecture(name).default_width, 1, size_of(name), 4)
    network = build_network(spec).eval()
    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    assert get_architecture(name).read_spec(shapes, spec.image_size) == spec
    assert network(torch.rand(1, 1, spec.image_size, spec.image_size)).shape == (1, 4)


def test_the_old_names_of_torchvisions_networks_still_work() -> None:
    assert get_architecture("tv_resnet18") is get_architecture("torchvision/resnet18")
    assert NetworkSpec("tv_resnet50", 64, 3, 32, 2).architecture == "torchvision/resnet50"


@pytest.mark.parametrize("name", ["timm/no_such_net", "nowhere/resnet18", "os.system", "timm/../x"])
def test_a_name_that_no_library_has_is_refused(name: str) -> None:
    with pytest.raises(InvalidCheckpoint, match="no architecture"):
        get_architecture(name)
