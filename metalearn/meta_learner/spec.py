"""The network's spec and normalisation in config.json, with every number bounded."""

import json
import math
from collections.abc import Mapping
from typing import Any

from contract.limits import MAX_PARAMETERS
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import ENSEMBLE, EnsembleSpec, MemberSpec, NetworkSpec
from metalearn.networks.transformers_library import PREFIX, check_size, plain_config

CONFIG = "config.json"
LIMITS = {"width": 4_096, "channels": 16, "image_size": 1_024, "n_classes": 100_000}
MAX_MEMBERS = 1_000
MOST_SAY = 1_000
MAX_CONFIG_LETTERS = 100_000


def read_spec(values: Mapping[str, Any]) -> NetworkSpec:
    """Read the spec of a network or an ensemble. Raises InvalidCheckpoint if it is invalid."""
    if values.get("architecture") == ENSEMBLE:
        return _ensemble_spec(values)
    return _network_spec(values)


def read_normalisation(
    values: Mapping[str, Any], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Read mean and standard deviation per channel; raise InvalidCheckpoint if invalid."""
    mean, std = (_numbers(values.get(key), channels) for key in ("mean", "std"))
    if min(std) <= 0:
        raise InvalidCheckpoint(f"“std” in “{CONFIG}” must be above zero.")
    return mean, std


def _network_spec(values: Mapping[str, Any]) -> NetworkSpec:
    for key, limit in LIMITS.items():
        number = values.get(key)
        # bool is an int to Python.
        if type(number) is not int or not 1 <= number <= limit:
            raise InvalidCheckpoint(f"“{key}” in “{CONFIG}” must be a number from 1 to {limit}.")
    own = {key: value for key, value in values.items() if key != "config"}
    if set(own) != {"architecture", *LIMITS} or not isinstance(own["architecture"], str):
        raise InvalidCheckpoint(f"“architecture” in “{CONFIG}” is incomplete.")
    if "config" in values:
        _check_configuration(own["architecture"], values["config"])
    return NetworkSpec(**values)


def _check_configuration(architecture: str, config: object) -> None:
    """Refuse what `plain_config` would not have written, and networks that are too large."""
    kind = architecture.removeprefix(PREFIX)
    if kind == architecture or not _is_canonical(config):
        raise InvalidCheckpoint(
            f"“config” in “{CONFIG}” is not the configuration of a network; download the learner "
            "again."
        )
    check_size(kind, json.loads(str(config)), MAX_PARAMETERS)


def _is_canonical(config: object) -> bool:
    if not isinstance(config, str) or len(config) > MAX_CONFIG_LETTERS:
        return False
    try:
        values = json.loads(config)
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and plain_config(values) == config


def _ensemble_spec(values: Mapping[str, Any]) -> EnsembleSpec:
    own = {key: value for key, value in values.items() if key != "members"}
    _network_spec(own)
    members = values.get("members")
    if not isinstance(members, list) or not 1 <= len(members) <= MAX_MEMBERS:
        raise InvalidCheckpoint(f"“members” in “{CONFIG}” must list 1 to {MAX_MEMBERS} networks.")
    spec = EnsembleSpec.of([_member(value) for value in members], n_classes=own["n_classes"])
    channels = {member.network.channels for member in spec.members}
    if len(channels) > 1 or any(getattr(spec, key) != own[key] for key in own):
        raise InvalidCheckpoint(f"The members in “{CONFIG}” do not make the network they should.")
    return spec


def _member(value: object) -> MemberSpec:
    if not isinstance(value, dict) or value.get("architecture") == ENSEMBLE:
        raise InvalidCheckpoint(f"A member in “{CONFIG}” is not a network.")
    values = {key: item for key, item in value.items() if key not in ("mean", "std", "say")}
    network = _network_spec(values)
    mean, std = read_normalisation(value, network.channels)
    say = value.get("say", 1.0)  # earlier releases gave every member the same weight
    if not _is_number(say) or not 0 < say <= MOST_SAY:
        raise InvalidCheckpoint(
            f"“say” of a member in “{CONFIG}” must be a number above 0 and at most {MOST_SAY}."
        )
    return MemberSpec(network, mean, std, float(say))


def _numbers(values: object, n: int) -> tuple[float, ...]:
    if isinstance(values, list) and len(values) == n and all(map(_is_number, values)):
        return tuple(float(value) for value in values)
    raise InvalidCheckpoint(f"“normalisation” in “{CONFIG}” needs {n} numbers for mean and std.")


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
