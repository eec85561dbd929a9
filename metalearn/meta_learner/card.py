"""The model card of a learner directory: Markdown with YAML front matter."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

RECOVERS_IMAGES = "recovers_images"
"""Entry of `made_by`: whether images were recovered; if absent, they may have been."""
OPERATOR_PICTURES = "operator_pictures"
"""Entry of `made_by`: how many of the operator's own pictures the learner has seen, if any."""


def model_card(
    config: Mapping[str, Any],
    teachers: Sequence[Mapping[str, object]],
    *,
    names_teachers: bool = True,
) -> str:
    """Return README.md from the content of config.json and provenance.json.

    Without `names_teachers` it depends on the teachers only for the list of their licences.
    """
    made_from = ["## Made from", "", *_teacher_lines(teachers), ""] if names_teachers else []
    return "\n".join([*_front_matter(config, teachers), "", *_body(config, made_from), ""])


def _front_matter(config: Mapping[str, Any], teachers: Sequence[Mapping[str, object]]) -> list[str]:
    made_by = config["made_by"]
    licences = sorted({str(t["licence"]) for t in teachers if t["licence"]})
    # JSON strings are valid YAML, so json does the quoting.
    return [
        "---",
        "library_name: freehold",
        "pipeline_tag: image-classification",
        "tags: [few-shot-learning, meta-learning, data-free]",
        f"architecture: {_quoted(config['architecture']['architecture'])}",
        f"algorithm: {_quoted(made_by.get('algorithm', 'unknown'))}",
        f"teacher_licences: {json.dumps(licences, ensure_ascii=False)}",
        "---",
    ]


def _body(config: Mapping[str, Any], made_from: Sequence[str]) -> list[str]:
    spec, made_by = config["architecture"], config["made_by"]
    name = str(made_by.get("name") or "Meta-learner")
    return [
        f"# {_text(name)}",
        "",
        *_opening(made_by),
        "labelled pictures of 2 to 20 classes of your own, and it becomes a classifier for them.",
        "",
        "## Input",
        "",
        f"Pictures with {spec['channels']} colour channels, resized to "
        f"{spec['image_size']} x {spec['image_size']} pixels, values from 0 to 1, then normalised "
        f"with mean {config['normalisation']['mean']} and standard deviation "
        f"{config['normalisation']['std']}.",
        "",
        "## Adaptation by default",
        "",
        *_table(("Setting", "Value"), list(config["adaptation"].items())),
        "",
        "## How it was made",
        "",
        *_making(made_by),
        "",
        *made_from,
        "## Limits",
        "",
        *_limits(recovered=made_by.get(RECOVERS_IMAGES, True) is not False),
    ]


def _opening(made_by: Mapping[str, Any]) -> list[str]:
    if n_pictures := made_by.get(OPERATOR_PICTURES):
        return [
            f"A few-shot learner made from trained models, without their data, and {n_pictures}",
            "unlabelled pictures of its operator's own, which are not part of it. Give it a few",
        ]
    return ["A few-shot learner made from trained models alone, without their data. Give it a few"]


def _making(made_by: Mapping[str, Any]) -> list[str]:
    """Return a table of the run's facts, and one for each nested mapping."""
    whole = {key: value for key, value in made_by.items() if not isinstance(value, Mapping)}
    lines = _table(("What", "Value"), _plain_rows(whole))
    for key, parts in made_by.items():
        if isinstance(parts, Mapping) and parts:
            title = _text(key.capitalize())
            lines += ["", f"### {title}", "", *_table(("Name", "Value"), _plain_rows(parts))]
    return lines


def _plain_rows(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key, _plain(value)) for key, value in values.items()]


def _limits(*, recovered: bool) -> list[str]:
    if recovered:
        return [
            "Data-free does not mean private: images that resemble the teachers' training data",
            "were recovered to make this learner, with their owners' consent.",
        ]
    return [
        "No images were recovered to make this learner, so no consent to that was needed.",
        "Data-free still does not mean private: what the teachers' weights tell about their",
        "training data, this learner's may tell as well.",
    ]


def _teacher_lines(teachers: Sequence[Mapping[str, object]]) -> list[str]:
    if not teachers:
        return ["No teacher was recorded."]
    keys = ("name", "owner", "licence", "sha256", "consent")
    rows = [tuple(_plain(teacher[key]) for key in keys) for teacher in teachers]
    table = _table(("Teacher", "Owner", "Licence", "SHA-256", "Consent to recovery"), rows)
    return [*table, *_copy_lines(teachers)]


def _copy_lines(teachers: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the licence warning for copied weights; it names teachers, so it belongs here."""
    copied = [_text(str(teacher["name"])) for teacher in teachers if teacher.get("copied")]
    if not copied:
        return []
    return [
        "",
        f"Its weights are copies of, or computed from, those of: {', '.join(copied)}.",
        "Share it no more widely than they are shared.",
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [_row(head), _row(["---"] * len(head))]
    return lines + [_row([_text(str(cell)) for cell in row]) for row in rows]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _quoted(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def _text(value: str) -> str:
    """Escape a user-supplied name, so that it cannot become Markdown, HTML or a table cell."""
    for char in "\\`*_{}[]<>()#|!~":
        value = value.replace(char, f"\\{char}")
    return " ".join(value.split())
