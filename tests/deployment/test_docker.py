"""The images and the compose file, as far as they can be tried without an engine.

Linters and the schema say that they are well-formed; the rest of this file says that they keep
what we promise. `tests/journeys` starts the same processes on real servers.
"""

import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketplace.instance.process_set import NAMES
from marketplace.queue import Queue

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
OURS = ("web", "worker-gpu", "worker-quick", "clock", "prepare", "backup")
THEIRS = ("database", "redis", "store")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file."""
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())


def beside_python(program: str) -> str:
    """A program of the development group."""
    path = Path(sys.executable).parent / program
    if not path.exists():
        pytest.skip(f"{program} is not installed")
    return str(path)


@pytest.mark.parametrize("image", ["web", "worker", "store"])
def test_the_linter_finds_nothing_in_the_images(image: str) -> None:
    command = [beside_python("hadolint"), str(DOCKER / f"{image}.Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cpu.yaml"])
def test_the_compose_files_follow_the_schema(name: str) -> None:
    text = (DOCKER / name).read_text().replace("!reset []", "[]")
    schema = ["--builtin-schema", "vendor.compose-spec", "--default-filetype", "yaml"]
    command = [beside_python("check-jsonschema"), *schema, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_process_of_an_instance_has_its_service(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert set(services) == {*OURS, *THEIRS}
    commands = {name: services[name]["command"] for name in OURS}
    started = {command[1] for command in commands.values() if command[0] == "run"}
    assert started == set(NAMES)
    assert {str(queue) for queue in Queue} < started
    assert services["clock"]["deploy"]["replicas"] == 1
    assert commands["prepare"] == ["prepare"]


@pytest.mark.parametrize("name", [*OURS, *THEIRS])
def test_every_service_is_confined(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(entry.startswith("/tmp:size=") for entry in service["tmpfs"])
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= set(limits)
    assert "privileged" not in service and service.get("network_mode") is None


def test_no_image_runs_as_root(compose: dict[str, Any]) -> None:
    for name in ("web", "worker", "store"):
        lines = (DOCKER / f"{name}.Dockerfile").read_text().splitlines()
        users = [line.split()[1] for line in lines if line.startswith("USER ")]
        assert users and users[-1] == "10001:10001"
    for name in ("database", "redis"):
        assert compose["services"][name]["user"] not in {"root", "0"}


def test_only_the_web_is_reached_from_outside_and_from_this_machine_alone(
    compose: dict[str, Any],
) -> None:
    published = {name for name, service in compose["services"].items() if "ports" in service}
    assert published == {"web"}
    assert compose["services"]["web"]["ports"] == ["${FREEHOLD_PUBLISH:-127.0.0.1:8000}:8000"]
    assert compose["networks"]["back"]["internal"] is True
    for name, service in compose["services"].items():
        expected = ["front", "back"] if name == "web" else ["back"]
        assert service["networks"] == expected


def test_no_secret_stands_in_the_file_and_each_is_made(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    secrets = compose["secrets"]
    for name in OURS:
        environment = compose["services"][name]["environment"]
        told = {key: value for key, value in environment.items() if key.endswith("_FILE")}
        assert {Path(path).name for path in told.values()} <= set(secrets)
        assert not [
            key
            for key in environment
            if ("SECRET" in key or "PASSWORD" in key or "TOKEN" in key) and key not in told
        ]
    shutil.copy(DOCKER / "make-secrets", tmp_path)
    for _ in range(2):
        subprocess.run([tmp_path / "make-secrets"], check=True, capture_output=True)
        made = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(secrets)
    ours = {name: content for name, content in made.items() if name != "email-password"}
    assert all(len(content) >= 64 for content in ours.values()) and not made["email-password"]
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert made["s3-secret-key"] in made["store-config"]
    subprocess.run([tmp_path / "make-secrets"], check=True, capture_output=True)
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}


def test_only_the_gpu_worker_gets_a_gpu(
    compose: dict[str, Any],
) -> None:
    """Also where NVIDIA's runtime is the default, and gives what the variable names."""
    image = (DOCKER / "worker.Dockerfile").read_text()
    assert "NVIDIA_VISIBLE_DEVICES=void" in image and "NVIDIA_VISIBLE_DEVICES=all" not in image
    for name, service in compose["services"].items():
        reserved = service["deploy"]["resources"].get("reservations", {}).get("devices", [])
        assert bool(reserved) is (name == "worker-gpu")
        assert "NVIDIA_VISIBLE_DEVICES" not in service.get("environment", {})


def test_everything_waits_for_the_migrations_and_they_for_the_servers(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    for name in ("web", "worker-gpu", "worker-quick", "clock"):
        wait = services[name]["depends_on"]["prepare"]["condition"]
        assert wait == "service_completed_successfully"
    assert set(services["prepare"]["depends_on"]) == set(THEIRS)
    for name in (*THEIRS, "web", "worker-gpu", "worker-quick"):
        assert services[name]["healthcheck"]["test"]


def test_no_temporary_file_system_names_a_user(
    compose: dict[str, Any],
) -> None:
    """podman refuses `uid=` and `gid=` there; a volume has the owner that the image gives it."""
    for name, service in compose["services"].items():
        mounted = " ".join(service.get("tmpfs", []))
        assert "uid=" not in mounted and "gid=" not in mounted
        if name in OURS:
            volumes = [entry.rpartition(":")[2] for entry in service["volumes"]]
            assert "/data" in volumes and "/data" not in mounted


def test_the_images_install_what_is_locked_and_the_webs_has_no_torch() -> None:
    web = (DOCKER / "web.Dockerfile").read_text()
    worker = (DOCKER / "worker.Dockerfile").read_text()
    assert "requirements/install.py web\n" in web
    assert "requirements/install.py run " in worker
    assert "pip install" not in web + worker
    assert "torch" not in (ROOT / "requirements" / "web.txt").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert allowed == {
        *("manage.py", "LICENSE", "requirements"),
        *("contract", "marketplace", "metalearn", "worker", "templates", "static"),
    }
    assert all((ROOT / name).exists() for name in allowed)
