"""Forms for checkpoints."""

import re
from typing import Any

from django import forms

from marketplace.accounts.models import Team, User, Visibility
from marketplace.accounts.selectors import Person, teams_of
from marketplace.algorithms.selectors import architectures_published
from marketplace.checkpoints.drafts import ABOUT, CheckpointDraft
from marketplace.checkpoints.models import Checkpoint, Licence, WeightsKind
from marketplace.checkpoints.search import (
    INPUTS,
    SIZES,
    SORTS,
    architectures_listed,
    datasets_listed,
    families_listed,
)
from marketplace.core.forms import PlainSelect, SuggestingInput

_SEPARATORS = re.compile(r"[\s,;]+")
CONSENT_RECOVERY_HELP = (
    "A job may then reconstruct images from this model and make a meta-learner from them. Such "
    "images can resemble the training data. Without consent, the model is listed and can be "
    "downloaded as you share it, but cannot enter a pool."
)
CONSENT_PREVIEW_HELP = (
    "People who run a job can then see small grids of recovered images while it runs. The grids "
    "stay in memory for at most an hour. Without this consent, no one sees any."
)


def _architecture_names() -> list[str]:
    return list(architectures_published().values_list("name", flat=True))


class CheckpointFilterForm(forms.Form):
    """Filters of the catalogue. Invalid values do not filter."""

    text = forms.CharField(required=False, max_length=200, label="Search")
    knows = forms.CharField(
        required=False,
        max_length=200,
        label="Knows the class",
        widget=forms.TextInput(attrs={"placeholder": "stomatocyte", "autocomplete": "off"}),
    )
    family = forms.ChoiceField(required=False, widget=PlainSelect)
    architecture = forms.ChoiceField(required=False, widget=PlainSelect)
    dataset = forms.ChoiceField(required=False, widget=PlainSelect, label="Data set")
    licence = forms.ChoiceField(
        required=False, widget=PlainSelect, choices=[("", "Any"), *Licence.choices]
    )
    channels = forms.TypedChoiceField(
        required=False,
        widget=PlainSelect,
        coerce=int,
        empty_value=None,
        choices=[("", "Any"), ("3", "Colour"), ("1", "Grey")],
        label="Images",
    )
    input = forms.ChoiceField(
        required=False,
        widget=PlainSelect,
        choices=[("", "Any"), *((name, title) for name, (title, _) in INPUTS.items())],
        label="Input size",
    )
    size = forms.ChoiceField(
        required=False,
        widget=PlainSelect,
        choices=[("", "Any"), *((name, title) for name, (title, _) in SIZES.items())],
        label="Model size",
    )
    consent = forms.ChoiceField(
        required=False,
        widget=PlainSelect,
        choices=[("", "Any"), ("recovery", "Can enter a pool"), ("preview", "…and be previewed")],
        label="Consent",
    )
    checked = forms.ChoiceField(
        required=False,
        widget=PlainSelect,
        choices=[("", "Any"), ("yes", "Yes"), ("no", "No")],
        label="Checked with pictures",
    )
    mine = forms.BooleanField(required=False, label="Only mine")
    sort = forms.ChoiceField(
        required=False,
        widget=PlainSelect,
        choices=[(name, title) for name, (title, _) in SORTS.items()],
    )

    def __init__(self, *args: Any, user: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._set_choices("family", [("", "Any"), *families_listed(user)])
        self._set_choices("architecture", [("", "Any"), *architectures_listed(user)])
        self._set_choices("dataset", [("", "Any"), *((d, d) for d in datasets_listed(user))])

    def _set_choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def filters(self) -> dict[str, Any]:
        """Return the valid filters."""
        self.is_valid()
        return self.cleaned_data


class NumbersField(forms.CharField):
    """One to three numbers, separated by commas or spaces."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        parts = [part for part in _SEPARATORS.split(str(value or "").strip()) if part]
        try:
            return [float(part) for part in parts]
        except ValueError:
            raise forms.ValidationError("Give numbers, separated by commas.") from None

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value


class ClassNamesField(forms.CharField):
    """Class names, one per line. A comma-separated or JSON list can be pasted as well."""

    widget = forms.Textarea

    def clean(self, value: Any) -> Any:
        """Return the list of names. A disabled field already has one."""
        return value if isinstance(value, list) else split_class_names(super().clean(value))

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare by lines, because browsers normalise line endings."""
        return str(self.prepare_value(initial) or "").splitlines() != str(data or "").splitlines()


class SharingForm(forms.Form):
    visibility = forms.ChoiceField(
        choices=Visibility.choices, initial=Visibility.PRIVATE, label="Who may see it"
    )
    team = forms.ModelChoiceField(
        queryset=Team.objects.none(), required=False, empty_label="No team"
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        team = self.fields["team"]
        assert isinstance(team, forms.ModelChoiceField)
        team.queryset = teams_of(user)


class AboutForm(SharingForm):
    """Fields of a checkpoint that do not affect how its file is read."""

    dataset = forms.CharField(
        required=False,
        max_length=80,
        label="Trained on",
        help_text="The data set in a word or two, such as “CIFAR-100”. It determines the "
        "scenario of a pool.",
    )
    licence = forms.ChoiceField(choices=Licence.choices, initial=Licence.UNSTATED)
    description = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    consent_recovery = forms.BooleanField(
        required=False, label="I consent to recovery", help_text=CONSENT_RECOVERY_HELP
    )
    consent_preview = forms.BooleanField(
        required=False, label="I also consent to previews", help_text=CONSENT_PREVIEW_HELP
    )


class ReadForm(forms.Form):
    """The model's name, and what determines how its file is read."""

    name = forms.CharField(max_length=120, label="Name")
    architecture = forms.CharField(
        required=False,
        max_length=120,
        widget=SuggestingInput(
            _architecture_names, attrs={"placeholder": "Recognise it for me", "autocomplete": "off"}
        ),
        help_text="Such as resnet18, torchvision/resnet50 or timm/vit_tiny_patch16_224. Width and "
        "number of outputs are read from the tensors.",
    )
    weights = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Averaged, if there are any"),
            (WeightsKind.RAW, "Raw"),
            (WeightsKind.EMA, "Averaged (EMA)"),
        ],
        label="Weights",
        help_text="For a file with both raw and averaged weights.",
    )
    class_names = ClassNamesField(
        label="Class names",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": "bear\nlion\nmountain"}),
        help_text="One per line, in the order of the model’s outputs; a comma-separated or JSON "
        "list can be pasted. Leave it empty if the file has them, or has ImageNet’s 1,000 classes.",
    )
    image_size = forms.IntegerField(
        label="Input size",
        required=False,
        min_value=0,
        help_text="Height of the input in pixels. Empty: as the file says, or the usual one of its "
        "architecture.",
    )
    channels = forms.TypedChoiceField(
        required=False,
        coerce=int,
        choices=[("", "As the file says"), ("3", "3, colour"), ("1", "1, grey")],
        label="Channels",
    )
    mean = NumbersField(label="Mean", required=False)
    std = NumbersField(label="Standard deviation", required=False)


class UploadForm(ReadForm, AboutForm):
    """Form for a file and its owner's description."""

    file = forms.FileField(
        label="Checkpoint file",
        help_text="A state dict, a training checkpoint or a whole model, as safetensors or as "
        "PyTorch saves it, or a zip of the folder with its config.json. Nothing in it is executed, "
        "and only our own re-serialisation is kept; a file that can be read differently is kept "
        "for a day.",
        widget=forms.FileInput(attrs={"accept": ".safetensors,.pt,.pth,.pt2,.bin,.ckpt,.zip"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        licence, description = self.fields["licence"], self.fields["description"]
        assert isinstance(licence, forms.ChoiceField)
        rest = [(value, title) for value, title in Licence.choices if value != Licence.UNSTATED]
        licence.choices = [(Licence.UNSTATED, "As its files say"), *rest]
        licence.help_text = "A README.md or config.json next to the weights can state it."
        description.help_text = "Empty: the first paragraph of the README.md, if there is one."

    def draft(self) -> CheckpointDraft:
        values = {name: value for name, value in self.cleaned_data.items() if name != "file"}
        return CheckpointDraft(**values)


def initial_like(row: Checkpoint) -> dict[str, Any]:
    """Return initial values for uploading another model that is shared like this one."""
    same = ("dataset", "licence", "description", "consent_recovery", "consent_preview")
    # Values read from the last model's files do not apply to another model.
    from_files = row.reading.get("filled", {})
    said = {
        name: ABOUT[name] if name in from_files and name in ABOUT else getattr(row, name)
        for name in same
    }
    sharing = row.sharing_kept(row.owner, row.visibility, row.team)
    team = sharing["team"]
    return {**said, "visibility": str(sharing["visibility"]), "team": str(team.pk) if team else ""}


def split_class_names(text: str) -> list[str]:
    """Split names by lines, or a single line by commas. Quotes and brackets are removed."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    lines = text.splitlines()
    parts = lines if len(lines) > 1 else text.split(",")
    names = (part.strip().rstrip(",").strip().strip("\"'").strip() for part in parts)
    return [name for name in names if name]
