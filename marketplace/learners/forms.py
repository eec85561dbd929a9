"""Shape of what comes in about meta-learners."""

from django import forms

from marketplace.checkpoints.forms import SharingForm


class LearnerForm(SharingForm):
    """Its name and who may see it."""

    name = forms.CharField(max_length=160)

    field_order = ["name", "visibility", "team"]
