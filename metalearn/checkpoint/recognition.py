"""Which architecture do these tensors belong to, and how wide is it?"""

from collections.abc import Iterable, Mapping

from torch import Tensor

from metalearn.checkpoint.limits import MAX_IMAGE_SIZE
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, all_architectures, expected_shapes, get_architecture

USUAL_IMAGE_SIZES = (32, 28, 84, 64, 96, 128, 160, 224, 256)


def recognise(
    tensors: Mapping[str, Tensor], architecture: str | None, image_size: int
) -> NetworkSpec:
    """Width, channels and classes, read from the shapes; the architecture too when None or ''."""
    if not 1 <= image_size <= MAX_IMAGE_SIZE:
        raise InvalidCheckpoint(
            f"The image size must be from 1 to {MAX_IMAGE_SIZE} pixels, not {image_size}; "
            "give the size the model was trained with."
        )
    if architecture:
        return get_architecture(architecture).read_spec(_shapes(tensors), image_size)
    spec = detect(tensors, [image_size])
    if spec:
        return spec
    other = detect(tensors, USUAL_IMAGE_SIZES)
    if other:
        raise InvalidCheckpoint(
            f"The tensors are those of {other.architecture} for images of another size, such as "
            f"{other.image_size} pixels instead of {image_size}; correct the image size."
        )
    raise InvalidCheckpoint(
        f"The tensors fit none of the known architectures ({', '.join(all_architectures())}); "
        "choose the architecture to be told what differs."
    )


def detect(tensors: Mapping[str, Tensor], image_sizes: Iterable[int]) -> NetworkSpec | None:
    """The first architecture and image size whose tensors are exactly these, if there is one."""
    shapes = _shapes(tensors)
    for size in image_sizes:
        for name in all_architectures():
            spec = _fitting(shapes, name, size)
            if spec:
                return spec
    return None


def only_image_size(tensors: Mapping[str, Tensor], architecture: str) -> int | None:
    """The usual image size that fits when just one does; networks that pool take any (None)."""
    shapes = _shapes(tensors)
    fitting = (size for size in USUAL_IMAGE_SIZES if _fitting(shapes, architecture, size))
    first, second = next(fitting, None), next(fitting, None)
    return first if second is None else None


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _fitting(shapes: dict[str, tuple[int, ...]], name: str, size: int) -> NetworkSpec | None:
    try:
        spec = get_architecture(name).read_spec(shapes, size)
    except InvalidCheckpoint:
        return None
    expected = expected_shapes(spec)
    needed = {key for key in expected if not key.endswith("num_batches_tracked")}
    fits = needed <= set(shapes) and all(
        expected.get(key) == shape for key, shape in shapes.items()
    )
    return spec if fits else None
