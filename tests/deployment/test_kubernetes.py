"""The manifests, as kustomize puts them together."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection

from marketplace.instance.health import CHECKS
from marketplace.instance.process_set import NAMES
from marketplace.jobs.models import Job
from tests.deployment.test_docker import ROOT

KUBERNETES = ROOT / "kubernetes"


def built(folder: str) -> list[dict[str, Any]]:
    """What kubectl would apply, or, without kubectl, the files themselves."""
    if shutil.which("kubectl"):
        command = ["kubectl", "kustomize", str(KUBERNETES / folder)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    else:
        files = [*(KUBERNETES / "base").glob("*.yaml"), *(KUBERNETES / folder).glob("*.yaml")]
        wanted = [path for path in files if path.name not in {"kustomization.yaml"}]
        text = "\n---\n".join(path.read_text() for path in sorted(set(wanted)))
    return [entry for entry in yaml.safe_load_all(text) if entry and entry["kind"] != "Secret"]


@pytest.fixture(scope="module")
def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    """Everything, by kind and name."""
    return {(entry["kind"], entry["metadata"]["name"]): entry for entry in built("keda")}


def pods(manifests: dict[tuple[str, str], dict[str, Any]]) -> list[tuple[Any, ...]]:
    """[(name, pod spec)] of everything that runs."""
    return [
        (name, entry["spec"]["template"]["spec"])
        for (kind, name), entry in manifests.items()
        if kind in {"Deployment", "Job"}
    ]


def test_every_process_of_an_instance_runs_somewhere(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    found = [container["args"] for _, pod in pods(manifests) for container in pod["containers"]]
    assert {args[1] for args in found if args[0] == "run"} == set(NAMES)
    assert ["prepare"] in found


def test_every_container_is_confined(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    for name, pod in pods(manifests):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"requests", "limits"} <= set(container["resources"]), name


def test_a_gpu_worker_has_one_gpu_and_scales_with_the_queue(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    (container,) = manifests["Deployment", "worker-gpu"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    scaling = manifests["ScaledObject", "worker-gpu"]["spec"]
    assert scaling["scaleTargetRef"]["name"] == "worker-gpu"
    (trigger,) = scaling["triggers"]
    reference = manifests["TriggerAuthentication", trigger["authenticationRef"]["name"]]
    (parameter,) = reference["spec"]["secretTargetRef"]
    example = yaml.safe_load((KUBERNETES / "base" / "secret.example.yaml").read_text())
    assert parameter["key"] in example["stringData"]


@pytest.mark.django_db
def test_the_query_that_scales_runs_on_our_schema_and_counts_waiting_jobs(
    manifests: dict[tuple[str, str], dict[str, Any]],
    own_files: Path,
    sent: list[Any],
    catalogue: None,
    launch: Callable[..., Job],
) -> None:
    (trigger,) = manifests["ScaledObject", "worker-gpu"]["spec"]["triggers"]

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute(trigger["metadata"]["query"])
            return cursor.fetchone()[0]

    assert count() == 0
    launch()
    assert count() == 1


def test_there_is_exactly_one_clock_also_during_a_rollout(
    manifests: dict[tuple[str, str], dict[str, Any]],
) -> None:
    spec = manifests["Deployment", "clock"]["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


def test_probes_ask_for_what_exists(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    (web,) = manifests["Deployment", "web"]["spec"]["template"]["spec"]["containers"]
    path = web["readinessProbe"]["httpGet"]["path"]
    asked = path.partition("?only=")[2].split(",")
    assert set(asked) == set(CHECKS) - {"worker"}
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    for queue in ("gpu", "quick"):
        spec = manifests["Deployment", f"worker-{queue}"]["spec"]["template"]["spec"]
        probe = spec["containers"][0]["livenessProbe"]["exec"]["command"]
        assert probe[:4] == ["python", "manage.py", "worker_alive", queue]


def test_every_way_is_closed_but_three(manifests: dict[tuple[str, str], dict[str, Any]]) -> None:
    policies = {
        name: entry["spec"] for (kind, name), entry in manifests.items() if kind == "NetworkPolicy"
    }
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    open_to = [name for name, spec in policies.items() if spec.get("ingress")]
    assert open_to == ["to-the-web"]
    ports = {
        port["port"]
        for spec in policies.values()
        for rule in spec.get("egress", [])
        for port in rule["ports"]
    }
    assert ports == {53, 5432, 6379, 8333}
    assert "0.0.0.0/0" not in json.dumps(policies)


def test_what_the_settings_name_is_in_the_secret() -> None:
    settings = dict(
        line.split("=", 1) for line in (KUBERNETES / "base" / "settings.env").read_text().split()
    )
    example = yaml.safe_load((KUBERNETES / "base" / "secret.example.yaml").read_text())
    files = [value for name, value in settings.items() if name.endswith("_FILE")]
    assert {Path(path).name for path in files} <= set(example["stringData"])
