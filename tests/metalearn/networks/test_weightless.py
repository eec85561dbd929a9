"""A network that waits for weights takes no memory for them, and has all other numbers."""

from metalearn.networks import build_bare
from tests.metalearn.networks.library_specs import spec_of


def test_a_network_that_waits_for_weights_takes_no_memory_for_them() -> None:
    network = build_bare(spec_of("timm/vit_tiny_patch16_224"))
    assert all(parameter.is_meta for parameter in network.parameters())


def test_buffers_outside_the_state_dict_hold_their_numbers() -> None:
    """Swin's windows: no checkpoint brings them."""
    network = build_bare(spec_of("timm/swin_tiny_patch4_window7_224"))
    own, state = dict(network.named_buffers()), network.state_dict()
    outside = {name: buffer for name, buffer in own.items() if name not in state}
    assert outside and not any(buffer.is_meta for buffer in outside.values())
    assert any(buffer.abs().sum() > 0 for buffer in outside.values())
