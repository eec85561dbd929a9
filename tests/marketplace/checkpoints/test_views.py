"""Pages of the catalogue: Alice owns, Bob is on her team, Charlie is a stranger."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.checkpoints.checked import checkpoint_checked, read_as_now
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.uploads.models import Upload

FIELDS = {
    "name": "Birds",
    "architecture": "",
    "class_names": "wren\nrobin\nowl",
    "image_size": "32",
    "channels": "3",
    "mean": "0.5, 0.5, 0.5",
    "std": "0.25 0.25 0.25",
    "licence": "mit",
    "visibility": "private",
    "consent_recovery": "on",
}


def url(name: str, row: Checkpoint) -> str:
    return reverse(f"checkpoint_{name}", args=[row.pk])


def upload(client: Client, headers: dict[str, str] | None = None, **changes: Any) -> Any:
    said = {**FIELDS, "file": SimpleUploadedFile("birds.pt", b"bytes of a model"), **changes}
    return client.post(reverse("checkpoint_upload"), said, headers=headers or {})


@pytest.mark.parametrize("page", ["detail", "status", "download", "classes", "class_names"])
def test_the_owner_and_the_team_see_a_shared_model_and_a_stranger_gets_404(
    client: Client,
    alice: User,
    bob: User,
    charlie: User,
    shared: Any,
    make_checkpoint: Callable[..., Any],
    page: str,
) -> None:
    row = make_checkpoint(**shared.team)
    answers = []
    for person in (alice, bob, charlie):
        client.force_login(person)
        answers.append(client.get(url(page, row)).status_code)
    assert answers == [200, 200, 404]


@pytest.mark.parametrize("page", ["edit", "delete"])
def test_only_the_owner_can_change_or_delete_a_model(
    client: Client,
    bob: User,
    charlie: User,
    shared: Any,
    make_checkpoint: Callable[..., Any],
    page: str,
) -> None:
    row = make_checkpoint(**shared.team)
    for person in (bob, charlie):
        client.force_login(person)
        assert client.post(url(page, row), {}).status_code == 404
    assert Checkpoint.objects.filter(pk=row.pk).exists()


def test_an_upload_leads_to_the_page_of_the_new_model(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = upload(client)
    row = Checkpoint.objects.get()
    assert answer.status_code == 302
    assert answer.url == url("detail", row)
    assert row.class_names == ["wren", "robin", "owl"]
    assert row.mean == [0.5, 0.5, 0.5]
    assert row.consent_recovery and not row.consent_preview


def test_a_script_that_uploads_is_told_where_the_model_is(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = upload(client, {"Accept": "application/json"})
    assert answer.status_code == 201
    assert answer.json() == {"url": url("detail", Checkpoint.objects.get())}


def test_a_script_that_uploads_is_told_what_is_wrong_in_each_field(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    answer = upload(client, {"Accept": "application/json"}, class_names="wren\nwren", mean="a, b")
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert errors["mean"] == ["Give numbers, separated by commas."]
    assert not Checkpoint.objects.exists()


def test_a_refusal_of_the_service_stands_beside_its_field(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = upload(client, class_names="wren\nwren")
    assert answer.status_code == 422
    assert "“wren” is listed twice" in answer.content.decode()


@pytest.mark.parametrize("text", ["wren\nowl", "wren, owl", '["wren", "owl"]', " wren ,\n owl,\n"])
def test_class_names_can_be_pasted_in_several_ways(client: Client, alice: User, text: str) -> None:
    client.force_login(alice)
    upload(client, class_names=text)
    assert Checkpoint.objects.get().class_names == ["wren", "owl"]


def test_a_rejected_model_says_why(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(state=CheckpointState.REJECTED, reason="It has 5 outputs; name 5.")
    client.force_login(alice)
    assert "It has 5 outputs; name 5." in client.get(url("detail", row)).content.decode()


def test_consent_can_be_withdrawn_and_takes_previews_with_it(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(consent_preview=True)
    client.force_login(alice)
    answer = client.post(url("edit", row), {"licence": "mit", "visibility": "public"})
    row.refresh_from_db()
    assert answer.status_code == 302
    assert (row.consent_recovery, row.consent_preview) == (False, False)
    assert row.visibility == "public"


def test_a_download_is_the_stored_file(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(content=b"weights")
    client.force_login(alice)
    answer: Any = client.get(url("download", row))
    assert b"".join(answer.streaming_content) == b"weights"
    assert answer["Content-Disposition"] == 'attachment; filename="birds.safetensors"'


def test_a_model_that_is_not_valid_has_no_download(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(state=CheckpointState.REJECTED)
    client.force_login(alice)
    assert client.get(url("download", row)).status_code == 404


def test_the_catalogue_shows_what_matches_and_says_so_when_nothing_does(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("birds")
    make_checkpoint("fish")
    client.force_login(alice)
    page = client.get(reverse("checkpoint_list"), {"text": "fish"}).content.decode()
    assert "fish 0" in page
    assert "birds 0" not in page
    nothing = client.get(reverse("checkpoint_list"), {"text": "stone"}).content.decode()
    assert "No model matches" in nothing


def test_the_number_of_queries_of_the_catalogue_does_not_grow_with_its_rows(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    client.force_login(alice)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(reverse("checkpoint_list")).status_code == 200
        return len(seen)

    make_checkpoint("model")
    queries()
    few = queries()
    for index in range(20):
        make_checkpoint(f"model {index}")
    assert queries() == few <= 10


def test_a_name_with_markup_is_shown_as_text(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint("<script>alert(1)</script>")
    client.force_login(alice)
    for page in (url("detail", row), reverse("checkpoint_list")):
        assert "<script>alert" not in client.get(page).content.decode()


def begin_in_pieces(client: Client, length: str, **changes: Any) -> Any:
    headers = {"Upload-Length": length, "Accept": "application/json"}
    return client.post(reverse("checkpoint_upload"), {**FIELDS, **changes}, headers=headers)


def test_a_script_that_sends_pieces_is_told_where_they_go_and_what_comes_of_them(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    answer = begin_in_pieces(client, "10", file_name="birds.pt", weights="ema")
    row = Upload.objects.get()
    assert (row.fields["file_name"], row.fields["weights"]) == ("birds.pt", "ema")
    assert answer.status_code == 201 and (row.owner, row.length) == (alice, 10)
    assert answer.json() == {
        "upload": f"/api/v1/uploads/{row.pk}/",
        "url": reverse("checkpoint_detail", args=[row.pk]),
    }


@pytest.mark.parametrize("length", ["0", "-1", "many", "\u0663", "9" * 5_000, ""])
def test_pieces_of_no_sensible_length_are_not_begun(
    client: Client, alice: User, length: str
) -> None:
    client.force_login(alice)
    answer = begin_in_pieces(client, length)
    assert answer.status_code == 422 and answer.json()["errors"] == {"__all__": ["Empty file."]}
    assert not Upload.objects.exists()


def test_what_is_wrong_is_said_before_the_first_piece(client: Client, alice: User) -> None:
    client.force_login(alice)
    for changes, field in (({"name": ""}, "name"), ({"class_names": "one"}, "class_names")):
        answer = begin_in_pieces(client, "10", **changes)
        assert answer.status_code == 422 and field in answer.json()["errors"]
    assert not Upload.objects.exists()


def test_a_model_in_quarantine_keeps_what_is_said_about_it(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(description="as it was", quarantine_reason="Asked for.")
    Checkpoint.objects.update(quarantined_at=timezone.now())
    client.force_login(alice)
    said = {name: FIELDS[name] for name in ("licence", "visibility")}
    answer = client.post(url("edit", row), {**said, "description": "another"})
    assert answer.status_code == 200 and "in quarantine (Asked for.)" in answer.content.decode()
    assert Checkpoint.objects.get().description == "as it was"


def test_the_status_of_a_refused_model_says_why(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    refused = make_checkpoint(state=CheckpointState.REJECTED, reason="It has 5 outputs; name 5.")
    valid = make_checkpoint(reason="A change was refused.")
    client.force_login(alice)
    said = [client.get(url("status", row)).json() for row in (refused, valid)]
    assert [one["reason"] for one in said] == ["It has 5 outputs; name 5.", ""]
    assert [one["state"] for one in said] == ["rejected", "valid"]


ALIKE = {
    "dataset": "CIFAR-100",
    "licence": "cc0-1.0",
    "description": "Trained on “small” pictures.",
    "consent_recovery": True,
    "consent_preview": True,
}


def like(client: Client, pk: str | UUID) -> Any:
    return client.get(reverse("checkpoint_upload"), {"like": str(pk)})


def test_an_upload_can_begin_like_another_model_of_ones_own(
    client: Client, alice: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(**ALIKE, **shared.team)
    client.force_login(alice)
    answer = like(client, row.pk)
    form = answer.context["form"]
    assert "are copied from “birds”." in answer.content.decode()
    assert {name: form[name].value() for name in ALIKE} == ALIKE
    assert (form["visibility"].value(), form["team"].value()) == ("team", str(row.team.pk))
    assert form["name"].value() is None and not form["class_names"].value()


def test_a_team_that_was_left_is_not_chosen_again(
    client: Client, alice: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(**shared.team)
    alice.teams.clear()
    client.force_login(alice)
    form = like(client, row.pk).context["form"]
    assert (form["visibility"].value(), form["team"].value()) == ("private", "")


@pytest.mark.parametrize("pk", ["one", "00000000-0000-0000-0000-000000000000"])
def test_an_upload_like_no_model_is_404(client: Client, alice: User, pk: str) -> None:
    client.force_login(alice)
    assert like(client, pk).status_code == 404


def test_an_upload_like_the_model_of_another_person_is_404(
    client: Client, bob: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(**shared.team)
    client.force_login(bob)
    assert like(client, row.pk).status_code == 404


def test_the_page_offers_what_was_said_of_the_last_model(
    client: Client, alice: User, bob: User, make_checkpoint: Callable[..., Any]
) -> None:
    client.force_login(alice)
    page = reverse("checkpoint_upload")
    assert "Like my last one" not in client.get(page).content.decode()
    make_checkpoint("first")
    make_checkpoint("second", **ALIKE)
    answer = client.get(page)
    assert json.loads(answer.context["last_said"]).items() >= ALIKE.items()
    assert "second 0" not in answer.context["last_said"]
    assert answer.context["last"].name == "second"
    client.force_login(bob)
    assert "Like my last one" not in client.get(page).content.decode()


def checked(row: Checkpoint, right: int, pictures: int = 10) -> Checkpoint:
    """The model, of which so many pictures were right."""
    checkpoint_checked(checkpoint=row, read_as=read_as_now(row), right=right, pictures=pictures)
    return row


def test_a_page_says_how_many_pictures_were_right_or_that_none_were_given(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    client.force_login(alice)
    row = make_checkpoint()
    page = client.get(url("detail", row)).content.decode()
    assert "Not checked with pictures" in page and "no better than guessing" not in page
    page = client.get(url("detail", checked(row, 9))).content.decode()
    assert "Checked: 9 of 10 pictures right" in page and "badge--good" in page
    page = client.get(url("detail", checked(row, 1))).content.decode()
    assert "Checked: 1 of 10 pictures right" in page and "no better than guessing" in page
    assert "Change how it is read" in page


def test_a_teammate_may_check_and_reads_that_only_the_owners_checks_count(
    client: Client, bob: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    client.force_login(bob)
    page = client.get(url("detail", checked(make_checkpoint(**shared.team), 1))).content.decode()
    assert "data-check-run" in page and "Only checks by its owner" in page
    assert "no better than guessing" in page and "Change how it is read" not in page


@pytest.mark.parametrize("state", ["uploaded", "validating", "rejected"])
def test_a_model_that_is_not_valid_offers_no_check(
    client: Client, alice: User, make_checkpoint: Callable[..., Any], state: str
) -> None:
    client.force_login(alice)
    page = client.get(url("detail", make_checkpoint(state=state))).content.decode()
    assert "data-check" not in page and "ecked with pictures" not in page


def test_the_catalogue_tells_and_filters_what_is_checked(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    client.force_login(alice)
    checked(make_checkpoint("robins"), 9)
    make_checkpoint("fish")
    listed = client.get(reverse("checkpoint_list")).content.decode()
    assert "Checked: 9 of 10 pictures right" in listed
    assert listed.count("Not checked with pictures") == 1
    for wanted, there, gone in (("yes", ">robins<", ">fish<"), ("no", ">fish<", ">robins<")):
        page = client.get(reverse("checkpoint_list"), {"checked": wanted}).content.decode()
        assert there in page and gone not in page


@pytest.mark.parametrize(("n", "inline"), [(1_000, True), (1_001, False)])
def test_thousands_of_names_are_no_part_of_the_page_but_come_when_a_check_needs_them(
    client: Client, alice: User, make_checkpoint: Callable[..., Any], n: int, inline: bool
) -> None:
    names = [f"kind {number}" for number in range(n)]
    row = make_checkpoint(class_names=names)
    client.force_login(alice)
    facts = client.get(url("detail", row)).context["check"]
    assert facts["classNames"] == (names if inline else [])
    assert client.get(facts["classNamesUrl"]).json() == names
