"""Every route there is, asked by every role: the answers are those of `who_may_what.py`."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker

from marketplace.accounts.invitations import team_invite
from marketplace.accounts.models import Membership, Role, Team, User
from marketplace.accounts.services import token_create
from marketplace.algorithms.services import catalogue_publish
from marketplace.audit.models import Record
from marketplace.jobs.states import JobState
from tests.contracts.who_may_what import API, IN, OPERATOR, PAGES, ROLES, SHARINGS, SIGNING_IN, Rule
from tests.marketplace import conftest as builders

pytestmark = pytest.mark.django_db
TABLE = {**PAGES, **API, **SIGNING_IN, **OPERATOR}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HOW = "tests/contracts/who_may_what.py says at its top how to add a line"


def _routes(resolver: Any, prefix: str = "", namespace: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _routes(entry, route, inner)
        elif isinstance(entry, URLPattern):
            yield namespace + entry.name if entry.name else "/" + route


ROUTES = list(_routes(get_resolver()))


def test_every_route_has_its_line_in_the_table() -> None:
    missing = sorted(set(ROUTES) - set(TABLE))
    assert not missing, (
        "Nobody has said who may use these routes: "
        + ", ".join(missing)
        + f". Add a line for each of them; {HOW}."
    )


def test_the_table_speaks_of_routes_that_there_are() -> None:
    gone = sorted(set(TABLE) - set(ROUTES))
    assert not gone, f"Take these lines out of tests/contracts/who_may_what.py: {', '.join(gone)}."


@pytest.fixture
def _django_db_helper(world: "World") -> None:
    """One transaction holds the world for all tests here, instead of one for each test."""


@pytest.fixture(scope="module")
def world(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator["World"]:
    """People and rows of each kind, once for all tests; every test is rolled back."""
    folder = tmp_path_factory.mktemp("who-may-what")
    (folder / "incoming").mkdir()
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(folder / "files"), "base_url": None},
    }
    changed = override_settings(
        DATA_DIR=folder,
        FILE_UPLOAD_TEMP_DIR=str(folder / "incoming"),
        ADAPTATION_TIMEOUT_S=0.01,
        STORAGES={"default": storage, "staticfiles": settings.STORAGES["staticfiles"]},
    )
    with changed, django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


class World:
    """Alice owns, Bob is on her team, Charlie is a stranger, Sam is staff."""

    def __init__(self) -> None:
        cache.clear()
        catalogue_publish(
            algorithms=[builders.ALGORITHM],
            architectures=builders.ARCHITECTURES,
            version="1.0",
        )
        names = ("alice", "bob", "charlie")
        self.alice, self.bob, self.charlie = (
            User.objects.create_user(name, password="pw") for name in names
        )
        self.sam = User.objects.create_superuser("sam", password="pw")
        self.dora = User.objects.create_user("dora", password="pw")
        TOTP.activate(self.alice, generate_totp_secret())
        RecoveryCodes.activate(self.alice)
        self.team = Team.objects.create(name="Botany")
        for user, role in ((self.alice, Role.OWNER), (self.bob, Role.MEMBER)):
            Membership.objects.create(team=self.team, user=user, role=role)
        self.token, self.secret = token_create(user=self.alice, name="narrow", scopes=["read"])
        people = {
            "stranger": self.charlie,
            "teammate": self.bob,
            "owner": self.alice,
            "staff": self.sam,
        }
        self.cookies = {role: _sign_in(user) for role, user in people.items()}
        team_invite(team=self.team, by=self.alice, username="charlie")
        self.invitation = self.charlie.invitations.get()
        self.rows = {sharing: self._rows(sharing) for sharing in SHARINGS}

    def _rows(self, sharing: str) -> Any:
        shared: dict[str, Any] = {
            "visibility": sharing,
            "team": self.team if sharing == "team" else None,
        }
        make = _made_by(builders.make_checkpoint, self.alice)
        models = [make(f"{sharing} {index}", **shared) for index in range(4)]
        pools = [
            builders.pool_create(
                owner=self.alice,
                name=f"{sharing} {index}",
                checkpoint_ids=[row.pk for row in models[:2]],
                **shared,
            )
            for index in range(2)
        ]
        launch: dict[str, Any] = {
            "owner": self.alice,
            "pool": pools[1],
            "algorithm": "free",
            "settings": {},
        }
        job, failed = (builders.job_launch(**launch, seed=seed) for seed in range(2))
        type(failed).objects.filter(pk=failed.pk).update(state=JobState.FAILED)
        return SimpleNamespace(
            checkpoint=models[2],
            doomed=models[3],
            upload=_made_by(builders.make_upload, self.alice)(**shared),
            pool=pools[0],
            job=job,
            failed=failed,
            learner=builders.publish(job),
            token=self.token,
            shared_with=self.team,
            invitation=self.invitation,
            algorithm=SimpleNamespace(pk="free"),
            architecture=SimpleNamespace(pk="conv4"),
            alices=SimpleNamespace(pk=self.team.pk, user_pk=self.alice.pk),
            bobs=SimpleNamespace(pk=self.team.pk, user_pk=self.bob.pk),
            group=Group.objects.get_or_create(name="readers")[0],
            person=self.dora,
            doras_key=Authenticator.objects.get_or_create(
                user=self.dora, type="webauthn", data={"name": "key"}
            )[0],
            email=EmailAddress.objects.get_or_create(user=self.dora, email="d@example.org")[0],
            session=UserSession.objects.get_or_create(
                user=self.dora, ip="192.0.2.1", session_key="a" * 32, user_agent="a browser"
            )[0],
            record=Record.objects.order_by("number").first(),
        )

    def ask(self, name: str, method: str, rule: Rule, role: str, sharing: str) -> int | str:
        """The answer, as the table writes it."""
        client = Client(raise_request_exception=False)
        headers = dict(rule.headers)
        if role == "token":
            headers["Authorization"] = f"Bearer {self.secret}"
        elif role in self.cookies:
            client.cookies["sessionid"] = self.cookies[role]
        address = self.address(name, rule, sharing)
        plain = not address.startswith("/api/") and method == "POST"
        sent = {} if plain else {"content_type": "application/json"}
        body = (
            {}
            if method in {"GET", "HEAD"}
            else {"data": rule.body if rule.body is not None else {}}
        )
        if method == "POST" and name == "api-checkpoint-list":
            sent = {}
        with transaction.atomic():
            answer = getattr(client, method.lower())(address, headers=headers, **body, **sent)
            transaction.set_rollback(True)
        where = answer.headers.get("Location", "")
        led = where.startswith((reverse("account_login"), reverse("admin:login")))
        return IN if answer.status_code == 302 and led else answer.status_code

    def address(self, name: str, rule: Rule, sharing: str) -> str:
        """Of the row, or of the route when no row is behind it."""
        if name.startswith("/"):
            return name.replace("<path:object_id>", "1").replace("(?P<url>.*)$", "nothing/")
        if name == "api-unknown":
            return "/api/v1/nothing/"
        more = dict(rule.more)
        if rule.row:
            row = getattr(self.rows[sharing], rule.row)
            more[more.pop("key", "pk")] = row.pk
            if hasattr(row, "user_pk"):
                more["user_pk"] = row.user_pk
        return reverse(name, kwargs=more)


def _sign_in(user: User) -> str:
    """A session that has just been authenticated, as the pages for second factors ask for."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert client.post(reverse("account_reauthenticate"), {"password": "pw"}).status_code == 302
    key = client.session.session_key
    assert key is not None
    return key


def _made_by(fixture: Any, user: User) -> Any:
    """What the fixture gives, for this user."""
    return fixture.__wrapped__(user)


def _lines(sharing: str, tables: list[dict[str, dict[str, Rule]]]) -> list[Any]:
    return [
        pytest.param(name, id=name)
        for table in tables
        for name, methods in table.items()
        if any(rule.of(sharing) for rule in methods.values())
    ]


def _compare(world: World, name: str, sharing: str) -> None:
    """All cells of a line at once: the message shows the line as it is and as it should be."""
    said, found = {}, {}
    for method, rule in TABLE[name].items():
        if expected := rule.of(sharing):
            said[method] = dict(zip(ROLES, expected, strict=True))
            found[method] = {role: world.ask(name, method, rule, role, sharing) for role in ROLES}
    assert found == said, f"{name} ({sharing}): {HOW}, if the answer is right and the line wrong."


@pytest.mark.parametrize("name", _lines("private", [PAGES, API, SIGNING_IN]))
def test_a_private_thing_answers_each_role_as_the_table_says(world: World, name: str) -> None:
    _compare(world, name, "private")


@pytest.mark.parametrize("name", _lines("team", [PAGES, API]))
def test_a_thing_of_the_team_answers_each_role_as_the_table_says(world: World, name: str) -> None:
    _compare(world, name, "team")


@pytest.mark.parametrize("name", _lines("public", [PAGES, API]))
def test_a_public_thing_answers_each_role_as_the_table_says(world: World, name: str) -> None:
    _compare(world, name, "public")


READABLE = [name for name, rules in {**PAGES, **API}.items() if "GET" in rules and rules["GET"].row]


@pytest.mark.parametrize("name", READABLE)
def test_a_head_is_answered_like_a_get(world: World, name: str) -> None:
    rule = TABLE[name]["GET"]
    said = dict(zip(ROLES, rule.of("private"), strict=True))
    found = {role: world.ask(name, "HEAD", rule, role, "private") for role in ROLES}
    assert found == said, f"HEAD {name}: whoever may not read a thing may not ask for its head."


@pytest.mark.parametrize("name", _lines("private", [OPERATOR]))
def test_the_operator_pages_answer_each_role_as_the_table_says(world: World, name: str) -> None:
    _compare(world, name, "private")


@pytest.mark.parametrize("name", sorted({**PAGES, **API}))
def test_a_method_that_is_not_in_the_table_does_nothing_for_anybody(
    world: World, name: str
) -> None:
    rules = TABLE[name]
    known = next(iter(rules.values()))
    for method in sorted(set(METHODS) - set(rules)):
        for role in ROLES:
            answer = world.ask(name, method, known, role, "public")
            assert answer in {IN, 302, 401, 403, 404, 405}, (method, role)
