"""Names of the efficientnet_pytorch package are translated into timm's."""

from metalearn.checkpoint.dialects import translate

SHAPES: dict[str, tuple[int, ...]] = {
    "_conv_stem.weight": (32, 3, 3, 3),
    "_bn0.weight": (32,),
    "_blocks.0._depthwise_conv.weight": (32, 1, 3, 3),
    "_blocks.0._bn1.bias": (32,),
    "_blocks.0._project_conv.weight": (16, 32, 1, 1),
    "_blocks.1._expand_conv.weight": (96, 16, 1, 1),
    "_blocks.1._bn1.bias": (96,),
    "_blocks.1._project_conv.weight": (24, 96, 1, 1),
    "_blocks.2._expand_conv.weight": (144, 24, 1, 1),
    "_blocks.2._project_conv.weight": (24, 144, 1, 1),
    "_fc.weight": (5, 1280),
}


def test_stages_begin_where_the_width_changes_and_blocks_that_expand_have_other_names() -> None:
    found = translate(SHAPES)
    assert found is not None and found.prefix == "timm/tf_efficientnet"
    assert found.names == {
        "conv_stem.weight": "_conv_stem.weight",
        "bn1.weight": "_bn0.weight",
        "blocks.0.0.conv_dw.weight": "_blocks.0._depthwise_conv.weight",
        "blocks.0.0.bn1.bias": "_blocks.0._bn1.bias",
        "blocks.0.0.conv_pw.weight": "_blocks.0._project_conv.weight",
        "blocks.1.0.conv_pw.weight": "_blocks.1._expand_conv.weight",
        "blocks.1.0.bn2.bias": "_blocks.1._bn1.bias",
        "blocks.1.0.conv_pwl.weight": "_blocks.1._project_conv.weight",
        "blocks.1.1.conv_pw.weight": "_blocks.2._expand_conv.weight",
        "blocks.1.1.conv_pwl.weight": "_blocks.2._project_conv.weight",
        "classifier.weight": "_fc.weight",
    }


def test_names_of_any_other_library_are_left_alone() -> None:
    assert translate({"conv_stem.weight": (32, 3, 3, 3)}) is None
    for name in ("extra.weight", "_blocks.0._attention.weight", "_blocks.9._bn1.weight"):
        assert translate({**SHAPES, name: (1,)}) is None
