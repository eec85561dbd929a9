"""The main job by REST, on every deployment: uploads, pool, FREE, learner, predictions."""

import base64
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.journeys.conftest import TINY
from tests.journeys.instance import Instance

pytestmark = pytest.mark.timeout(300)


def picture(colour: tuple[int, int, int], seed: int) -> str:
    """A noisy PNG of one colour, as base64."""
    noise = np.random.default_rng(seed).integers(-20, 20, (40, 48, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


RED, BLUE = (220, 40, 40), (30, 60, 220)


def test_from_upload_to_predictions(instance: Instance) -> None:
    checkpoints = instance.upload_demo_models(3)
    row = instance.call("GET", f"checkpoints/{checkpoints[0]}/")
    assert (row["architecture"], row["state"]) == ("conv4", "valid")

    job = instance.launch(checkpoints, TINY)
    done = instance.wait_for_job(job, ("succeeded",))
    assert done["steps_done"] == done["total_steps"] > 0
    curves = instance.call("GET", f"jobs/{job}/metrics/")
    assert curves and all(len(point) == 2 for points in curves.values() for point in points)

    learner = done["learner"]
    card = instance.call("GET", f"learners/{learner}/")
    assert len(card["provenance"]) == 3
    archive = zipfile.ZipFile(io.BytesIO(instance.call("GET", f"learners/{learner}/download/")))
    names = {name.rsplit("/", 1)[-1] for name in archive.namelist()}
    assert {"model.safetensors", "config.json", "README.md", "provenance.json"} <= names
    config = instance.session.get(f"{instance.url}/api/v1/learners/{learner}/files/config.json")
    assert config.status_code == 200 and config.headers["ETag"]
    again = instance.session.get(config.url, headers={"If-None-Match": config.headers["ETag"]})
    assert again.status_code == 304

    body = {
        "support": [
            *({"label": "red", "image": picture(RED, seed)} for seed in range(3)),
            *({"label": "blue", "image": picture(BLUE, seed)} for seed in range(3)),
        ],
        "query": [picture(RED, 10), picture(BLUE, 11)],
        "calibrate": True,
    }
    answer = instance.call("POST", f"learners/{learner}/adaptations/", json=body)
    assert [prediction["label"] for prediction in answer["predictions"]] == ["red", "blue"]
    for prediction in answer["predictions"]:
        assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_no_picture_and_no_original_upload_stays_behind(embedded: Instance) -> None:
    left = [path for path in (embedded.folder / "var" / "files").rglob("*") if path.is_file()]
    folders = {path.relative_to(embedded.folder / "var" / "files").parts[0] for path in left}
    assert folders <= {"checkpoints", "learners", "probe"}
    for path in [*left, *(embedded.folder / "var" / "broker").rglob("*")]:
        if path.is_file():
            assert b"\x89PNG" not in path.read_bytes()


def test_other_users_of_the_machine_read_nothing_of_it(embedded: Instance) -> None:
    """The database holds password hashes and session keys, the rest models and uploads."""
    data = embedded.folder / "var"
    open_to_others = {
        str(path.relative_to(data)): oct(path.lstat().st_mode & 0o777)
        for path in [data, *data.rglob("*")]
        if path.lstat().st_mode & 0o077
    }
    assert not open_to_others
    assert {"freehold.sqlite3", "files", "incoming"} <= {path.name for path in data.iterdir()}


def test_an_undecodable_picture_is_named(instance: Instance) -> None:
    learner = instance.call("GET", "learners/")["results"][0]["id"]
    good = picture(RED, 1)
    broken = base64.b64encode(b"no picture at all").decode()
    body = {
        "support": [
            {"label": "red", "image": good},
            {"label": "blue", "image": broken},
        ],
        "query": [good],
        "calibrate": False,
    }
    problem = instance.call("POST", f"learners/{learner}/adaptations/", 400, json=body)
    assert "blue" in problem["detail"]


def test_a_file_that_is_no_checkpoint_is_rejected_with_a_reason(
    instance: Instance, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"this is no checkpoint" * 10)
    line = {
        "file": "broken",
        "architecture": "conv4",
        "class_names": ["a", "b"],
        "image_size": 32,
        "channels": 3,
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
    }
    pk = instance.upload(line, path)
    row = instance.wait(lambda: instance._validated(pk), seconds=60, what="validation")
    assert row["state"] == "rejected"
    assert len(row["reason"]) > 20
