"""An adaptation request: pictures in, predictions out, and a reason for every refusal."""

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from metalearn.errors import InvalidCheckpoint, InvalidData, InvalidSetting, MetaLearnError
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import NetworkSpec, build_network
from tests.foreign import foreign_files, readable_files
from worker.adaptation import load_learner, run_adaptation

CPU = torch.device("cpu")
COLOURS = {"red": (220, 30, 30), "green": (30, 220, 30), "blue": (30, 30, 220)}


def _save_learner(path: Path, *, channels: int = 3, seed: int = 0) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(NetworkSpec("conv4", 4, channels, 16, 5))
        with torch.no_grad():
            for _ in range(5):
                network.train()(torch.randn(64, channels, 16, 16))
    MetaLearner(
        network,
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
        defaults=AdaptationSettings(temperature=0.3),
    ).save(path)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("learners") / "learner"
    _save_learner(path)
    return path


def _picture(colour: tuple[int, int, int], *, kind: str = "PNG", size: int = 20) -> str:
    file = io.BytesIO()
    Image.new("RGB", (size, size + 3), colour).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def _payload(**changes: Any) -> dict[str, Any]:
    support = [
        {"label": name, "image": _picture(colour, kind=kind)}
        for name, colour in COLOURS.items()
        for kind in ("PNG", "JPEG")
    ]
    query = [_picture(colour, size=40) for colour in COLOURS.values()]
    return {"support": support, "query": query, "calibrate": False, **changes}


@pytest.mark.parametrize("calibrate", [True, False])
@pytest.mark.parametrize("head", ["prototypes", "sgd"])
def test_pictures_of_a_colour_get_the_label_of_that_colour(
    directory: Path, calibrate: bool, head: str
) -> None:
    payload = _payload(calibrate=calibrate, settings={"head": head, "head_init": "prototypes"})
    answer = run_adaptation(directory, payload, CPU)
    assert answer["labels"] == ["red", "green", "blue"]
    assert [p["label"] for p in answer["predictions"]] == ["red", "green", "blue"]
    for prediction in answer["predictions"]:
        assert list(prediction["probabilities"]) == answer["labels"]
        assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert set(answer["timings"]) == {"load_s", "decode_s", "adapt_s", "predict_s"}
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_the_same_request_gets_the_same_answer_and_calibration_another(directory: Path) -> None:
    first, again, calibrated = (
        run_adaptation(directory, _payload(calibrate=c), CPU)["predictions"]
        for c in (False, False, True)
    )
    assert first == again != calibrated


def test_a_query_alone_gets_the_answer_it_gets_among_others(directory: Path) -> None:
    payload = _payload()
    together = run_adaptation(directory, payload, CPU)["predictions"]
    alone = run_adaptation(directory, {**payload, "query": payload["query"][1:2]}, CPU)
    assert alone["predictions"][0]["probabilities"] == pytest.approx(
        together[1]["probabilities"], abs=2e-6
    )


def test_a_request_without_queries_is_answered(directory: Path) -> None:
    assert run_adaptation(directory, _payload(query=[]), CPU)["predictions"] == []


def test_a_grey_learner_takes_colour_pictures(tmp_path: Path) -> None:
    _save_learner(tmp_path / "grey", channels=1)
    answer = run_adaptation(tmp_path / "grey", _payload(), CPU)
    assert len(answer["predictions"]) == 3


def test_classes_are_listed_in_the_order_of_their_first_picture_without_outer_spaces(
    directory: Path,
) -> None:
    payload = _payload()
    payload["support"] = [
        {"label": " green ", "image": _picture(COLOURS["green"])},
        *payload["support"],
    ]
    assert run_adaptation(directory, payload, CPU)["labels"] == ["green", "red", "blue"]


def _with_support_image(image: Any) -> dict[str, Any]:
    payload = _payload()
    payload["support"][3]["image"] = image
    return payload


TEXT = base64.b64encode(b"not a picture").decode()
HEIC = base64.b64encode(foreign_files()["an HEIC picture"][0]).decode()
CUT = base64.b64encode(base64.b64decode(_picture((1, 2, 3), size=64))[:60]).decode()


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (_with_support_image(TEXT), "^Support picture 2 of “green” cannot be read; use"),
        (_with_support_image(CUT), "^Support picture 2 of “green” cannot be read; use"),
        (_with_support_image(HEIC), "^Support picture 2 of “green” is an HEIC picture, which Free"),
        (_payload(query=[HEIC]), "^Query picture 1 is an HEIC picture, which .* export it as JPEG"),
        (_with_support_image("%%%"), "^Support picture 2 of “green” is not base64"),
        (_with_support_image("é"), "^Support picture 2 of “green” is not base64"),
        (_with_support_image(None), "must be base64 text"),
        (_payload(query=[_picture((1, 2, 3)), TEXT]), "^Query picture 2 cannot be read; use"),
        (_payload(query=["AAAA\n"]), "^Query picture 1 is not base64"),
        (_payload(query="AAAA"), "“query” must be a list"),
        (_payload(query=[TEXT] * 201), "at most 200"),
        (_payload(query=[3]), "must be base64 text"),
        (_payload(support=[]), "2 to 20 classes with pictures; there are 0"),
        (_payload(support=None), "“support” must be a list"),
        (_payload(support=["x"]), "“support” must be a list"),
        (_payload(support=[{"label": "a", "image": TEXT}]), "there are 1"),
        (_payload(support=[{"label": str(i), "image": TEXT} for i in range(21)]), "there are 21"),
        (
            _payload(support=[{"label": "a" if i else "b", "image": TEXT} for i in range(52)]),
            "“a” has 51 pictures; give at most 50",
        ),
        (_payload(support=[{"label": " ", "image": TEXT}]), "needs a name"),
        (_payload(support=[{"label": "x" * 101, "image": TEXT}]), "needs a name"),
        (_payload(support=[{"label": 3, "image": TEXT}]), "needs a name"),
        (_payload(calibrate="yes"), "“calibrate” must be true or false"),
        (_payload(settings=[1]), "“settings” must be an object"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_with_a_reason(
    directory: Path, payload: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidData, match=sentence):
        run_adaptation(directory, payload, CPU)


def test_every_format_that_is_read_is_taken(directory: Path) -> None:
    query = [base64.b64encode(file).decode() for file in readable_files().values()]
    answer = run_adaptation(directory, _payload(query=query), CPU)
    assert len(answer["predictions"]) == len(query)
    assert answer["warnings"] == []


def test_pictures_that_are_nearly_black_are_named_in_the_warnings(directory: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((9, 9), 4095, np.uint16)).save(file, "PNG")
    dark = base64.b64encode(file.getvalue()).decode()
    payload = {**_with_support_image(dark), "query": [dark]}
    (warning,) = run_adaptation(directory, payload, CPU)["warnings"]
    assert warning.startswith("Support picture 2 of “green” and 1 other look nearly black: ")
    assert "multiply them by 16, or save with 8 bits" in warning


@pytest.mark.parametrize("changes", [{"inner_steps": 10**6}, {"wild": 1}, {"head": "svm"}])
def test_settings_out_of_range_are_refused(directory: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting, match=next(iter(changes))):
        run_adaptation(directory, _payload(settings=changes), CPU)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["label", "image", "head", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["support", "query", "calibrate", "settings"]), JSON)
def test_no_json_body_fails_in_any_other_way(directory: Path, key: str, value: object) -> None:
    payload = {
        "support": [{"label": name, "image": _picture(c)} for name, c in COLOURS.items()],
        "query": [],
        key: value,
    }
    try:
        run_adaptation(directory, payload, CPU)
    except MetaLearnError as error:
        assert len(str(error)) < 400


def test_a_learner_stays_loaded_until_its_files_change(tmp_path: Path) -> None:
    path = tmp_path / "learner"
    _save_learner(path)
    first = load_learner(path, CPU)
    assert load_learner(path, CPU) is first
    _save_learner(path, seed=1)
    os.utime(path / "model.safetensors", ns=(1, 1))
    second = load_learner(path, CPU)
    assert not torch.equal(
        first.network.state_dict()["head.weight"], second.network.state_dict()["head.weight"]
    )


def test_a_learner_whose_files_are_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="are missing"):
        run_adaptation(tmp_path / "nothing", _payload(), CPU)
