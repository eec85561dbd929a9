"""What Prometheus reads."""

from typing import Any

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families


def numbers(**headers: Any) -> dict[tuple[Any, ...], float]:
    """Every sample: {(name, labels): value}."""
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }
