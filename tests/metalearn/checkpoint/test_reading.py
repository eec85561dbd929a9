"""Honest files are accepted, and what comes out is what went in."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.declared import DeclaredFile
from metalearn.checkpoint import fingerprint, make_teacher, read_tensors
from metalearn.checkpoint.recognition import AmbiguousCheckpoint
from metalearn.networks import NetworkSpec
from tests.metalearn.checkpoint.honest import LARGE_SPECS, SPECS, WRITERS, State, state_of
from tests.metalearn.checkpoint.honest_training import WRAPPERS, without_counters

CONV4 = SPECS[0]


def assert_equal(ours: State, theirs: State) -> None:
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype
        assert ours[name].is_contiguous()
        assert torch.equal(ours[name], tensor), name


def declared(spec: NetworkSpec) -> DeclaredFile:
    return DeclaredFile(
        image_size=spec.image_size,
        mean=(0.5,) * spec.channels,
        std=(0.5,) * spec.channels,
        class_names=tuple(f"class {index}" for index in range(spec.n_classes)),
    )


@pytest.mark.parametrize("writer", WRITERS)
def test_every_way_of_saving_comes_back_bit_for_bit(writer: str, tmp_path: Path) -> None:
    state, path = state_of(CONV4), tmp_path / "upload"
    WRITERS[writer](state, path)
    ours = read_tensors(path)
    assert_equal(ours, state)
    assert make_teacher(ours, declared(CONV4)).network.spec == CONV4


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("layout", ["zip", "legacy"])
def test_training_checkpoints_come_back_bit_for_bit(
    wrapper: str, protocol: int, layout: str, tmp_path: Path
) -> None:
    state, path = state_of(CONV4), tmp_path / "checkpoint.pt"
    torch.save(
        WRAPPERS[wrapper](state),
        path,
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=layout == "zip",
    )
    ours = read_tensors(path)
    assert_equal(ours, state)
    assert make_teacher(ours, declared(CONV4)).network.spec == CONV4


def test_files_without_counters_become_networks_whose_counters_are_zero(tmp_path: Path) -> None:
    torch.save(without_counters(state_of(CONV4)), tmp_path / "old.pt")
    teacher = make_teacher(read_tensors(tmp_path / "old.pt"), declared(CONV4))
    counters = [t for n, t in teacher.network.state_dict().items() if n.endswith("tracked")]
    assert len(counters) == 4 and not any(counters)


@pytest.mark.parametrize("file", ["model (1).pt", "über größe.pt", "模型.ckpt", "a.b.c.bin", "x"])
def test_torch_names_the_folder_in_the_zip_after_the_file(file: str, tmp_path: Path) -> None:
    state = state_of(CONV4)
    torch.save(state, tmp_path / file)
    assert_equal(read_tensors(tmp_path / file), state)


@pytest.mark.parametrize("layout", ["zip", "legacy"])
def test_tied_and_overlapping_tensors_are_written_out_each_for_itself(
    layout: str, tmp_path: Path
) -> None:
    table = torch.arange(12.0).view(3, 4)
    truths = torch.tensor([[True, False], [False, True]])
    state = {
        "encoder": table,
        "decoder": table,
        "transposed": table.T,
        "row": table[1],
        "column": table[:, 2],
        "window": table.reshape(-1).unfold(0, 4, 4)[:2],
        "truths": truths.T[1],
        "scalar": torch.tensor(7),
        "half": table.half(),
        "brain": table.bfloat16(),
        "rest": torch.zeros(100),
    }
    WRITERS[layout](state, tmp_path / "tied.pt")
    ours = read_tensors(tmp_path / "tied.pt")
    assert_equal(ours, {name: tensor.contiguous() for name, tensor in state.items()})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("writer", ["zip", "legacy", "safetensors", "one flat buffer"])
def test_other_precisions_keep_their_bits(writer: str, dtype: torch.dtype, tmp_path: Path) -> None:
    state = {n: t.to(dtype) if t.is_floating_point() else t for n, t in state_of(CONV4).items()}
    WRITERS[writer](state, tmp_path / "upload")
    ours = read_tensors(tmp_path / "upload")
    assert_equal(ours, state)
    teacher = make_teacher(ours, declared(CONV4))
    assert all(p.dtype == torch.float32 for p in teacher.network.parameters())


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("writer", ["zip", "legacy"])
def test_every_small_architecture_is_recognised(
    spec: NetworkSpec, writer: str, tmp_path: Path
) -> None:
    state = state_of(spec)
    WRITERS[writer](state, tmp_path / "upload")
    ours = read_tensors(tmp_path / "upload")
    assert_equal(ours, state)
    teacher = make_teacher(ours, declared(spec))
    assert teacher.network.spec == spec
    assert teacher.sha256 == fingerprint(state)


@pytest.mark.slow
@pytest.mark.parametrize("spec", LARGE_SPECS, ids=str)
@pytest.mark.parametrize("writer", ["zip", "legacy in a training checkpoint", "safetensors"])
def test_torchvisions_own_layouts_are_recognised_or_asked_about_where_they_have_a_twin(
    spec: NetworkSpec, writer: str, tmp_path: Path
) -> None:
    state = state_of(spec)
    WRITERS[writer](state, tmp_path / "upload")
    ours = read_tensors(tmp_path / "upload")
    assert_equal(ours, state)
    answer = declared(spec)
    if "/resnet" in spec.architecture:
        # timm's twins with blurred pools have the same tensors and compute something else.
        with pytest.raises(AmbiguousCheckpoint) as question:
            make_teacher(ours, answer)
        assert spec.architecture in question.value.candidates
        answer = replace(answer, architecture=spec.architecture)
    assert make_teacher(ours, answer).network.spec == spec


def test_a_zip_without_alignment_and_descriptors_is_read_too(tmp_path: Path) -> None:
    import zipfile

    WRITERS["zip"](state_of(CONV4), tmp_path / "upload")
    with (
        zipfile.ZipFile(tmp_path / "upload") as theirs,
        zipfile.ZipFile(tmp_path / "again", "w") as ours,
    ):
        for index, name in enumerate(theirs.namelist()):
            with ours.open(zipfile.ZipInfo(name), "w", force_zip64=index % 2 == 0) as entry:
                entry.write(theirs.read(name))
    assert_equal(read_tensors(tmp_path / "again"), state_of(CONV4))


def test_a_file_that_cannot_be_sought_while_written_is_read_too(tmp_path: Path) -> None:
    import io
    import zipfile

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    WRITERS["zip"](state_of(CONV4), tmp_path / "upload")
    pipe = Pipe()
    with zipfile.ZipFile(tmp_path / "upload") as theirs, zipfile.ZipFile(pipe, "w") as ours:
        for name in theirs.namelist():
            ours.writestr(zipfile.ZipInfo(name), theirs.read(name))
    (tmp_path / "again").write_bytes(pipe.getvalue())
    assert_equal(read_tensors(tmp_path / "again"), state_of(CONV4))


@settings(max_examples=60, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), data=st.data())
def test_a_changed_byte_is_refused_or_changes_only_what_it_says(
    where: float, value: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No damage may end in anything but tensors or a sentence."""
    from metalearn.errors import InvalidCheckpoint

    writer = data.draw(st.sampled_from(["zip", "legacy", "safetensors"]))
    path = tmp_path_factory.mktemp("damaged") / "upload"
    WRITERS[writer]({"w": torch.arange(6.0).view(2, 3), "b": torch.ones(3)}, path)
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] = value
    path.write_bytes(content)
    try:
        tensors = read_tensors(path)
    except InvalidCheckpoint:
        return
    assert sum(tensor.numel() for tensor in tensors.values()) <= 9
