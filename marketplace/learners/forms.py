from django import forms

from marketplace.checkpoints.forms import SharingForm


class LearnerForm(SharingForm):
    name = forms.CharField(max_length=160)

    field_order = ["name", "visibility", "team"]
