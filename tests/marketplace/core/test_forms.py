"""What forms of several apps share."""

import pytest
from django import forms

from marketplace.core.errors import DomainError
from marketplace.core.forms import PlainSelect, SuggestingInput, show_refusal


class Form(forms.Form):
    """A form with two fields."""

    name = forms.CharField()
    size = forms.IntegerField()


def test_a_plain_select_marks_what_is_chosen_and_escapes_its_titles() -> None:
    select = PlainSelect(choices=[(1, "<one>"), (2, "two")], attrs={"class": "wide"})
    html = select.render("number", 2, {"id": "id_number", "required": False})
    assert html == (
        '<select class="wide" id="id_number" name="number">'
        '<option value="1">&lt;one&gt;</option><option value="2" selected>two</option></select>'
    )


def test_a_field_suggests_what_is_known_when_it_is_drawn() -> None:
    known = ["conv4"]
    field = SuggestingInput(lambda: known)
    known.append('resnet"10')
    html = field.render("architecture", "", {"id": "id_architecture"})
    assert 'list="id_architecture_list"' in html and '<datalist id="id_architecture_list">' in html
    assert '<option value="conv4"><option value="resnet&quot;10">' in html


def test_a_sentence_about_a_field_stands_beside_it() -> None:
    form = Form({"name": "x", "size": 1})
    show_refusal(form, DomainError("No.", fields={"name": "Taken.", "team": "Unknown."}))
    assert form.errors == {"name": ["Taken."]}


@pytest.mark.parametrize(
    ("fields", "said"), [({}, "No."), ({"team": "Unknown."}, "Unknown.")], ids=["none", "another"]
)
def test_a_refusal_about_no_field_of_the_form_stands_above_it(
    fields: dict[str, str], said: str
) -> None:
    form = Form({"name": "x", "size": 1})
    show_refusal(form, DomainError("No.", fields=fields))
    assert form.non_field_errors() == [said]
