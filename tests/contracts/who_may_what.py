"""The table: who gets which answer from which route.

Six roles, always in this order:

    nobody     not signed in
    stranger   Charlie, in no team
    teammate   Bob, a plain member of Alice's team
    owner      Alice, who owns the rows and the team
    staff      Sam, a superuser, who owns nothing and is in no team
    token      Alice's token with the scope `read` and no other

To add a route, add a line to `PAGES`, `API`, `SIGNING_IN` or `OPERATOR` with its name (the route
itself where it has none). A line says for every method which row the address is about (a name of
`World` in `test_who_may_what.py`), and six answers for a private row; also for one that is shared
with the team, and for a public one, where that makes a difference. An answer is a status, or
`IN`: led to the sign-in. What is private is 404, never 403. Use the shorthands below when they
fit; they are the usual rules.
"""

from dataclasses import dataclass, field
from typing import Any

ROLES = ("nobody", "stranger", "teammate", "owner", "staff", "token")
SHARINGS = ("private", "team", "public")
IN = "sign-in"
Answers = tuple[Any, Any, Any, Any, Any, Any]


@dataclass(frozen=True)
class Rule:
    """What one method of one route answers."""

    private: Answers
    team: Answers | None = None
    public: Answers | None = None
    row: str = ""
    body: Any = field(default_factory=dict)
    # What the address needs besides the row's id.
    more: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def of(self, sharing: str) -> Answers | None:
        """The answers for a row that is shared in this way."""
        return getattr(self, sharing)


# --- the usual rules of pages ---------------------------------------------------------------------
def page(ok: Any = 200, body: Any = None) -> Rule:
    """Everybody who is signed in."""
    return Rule((IN, ok, ok, ok, ok, IN), body=body or {})


def seen(row: str, ok: Any = 200, body: Any = None, **more: Any) -> Rule:
    """Everybody who may see the row."""
    return Rule(
        (IN, 404, 404, ok, 404, IN),
        (IN, 404, ok, ok, 404, IN),
        (IN, ok, ok, ok, ok, IN),
        row=row,
        body=body or {},
        more=more,
    )


def owned(row: str, ok: Any = 200, body: Any = None, **more: Any) -> Rule:
    """Its owner; nobody else learns that there is such a page."""
    answers = (IN, 404, 404, ok, 404, IN)
    return Rule(answers, answers, answers, row=row, body=body or {}, more=more)


def of_the_team(row: str, member: Any, owner: Any, body: Any = None, **more: Any) -> Rule:
    """Who is in the team: a member, an owner."""
    return Rule((IN, 404, member, owner, 404, IN), row=row, body=body or {}, more=more)


# --- the usual rules of the API -------------------------------------------------------------------
def api(ok: Any = 200, body: Any = None, *, narrow: Any = 200) -> Rule:
    """Everybody who is somebody; `narrow` is the answer to the token that may only read."""
    return Rule((401, ok, ok, ok, ok, narrow), body=body)


def api_seen(row: str, ok: Any = 200, body: Any = None, *, narrow: Any = 200, **more: Any) -> Rule:
    """Everybody who may see the row."""
    return Rule(
        (401, 404, 404, ok, 404, narrow),
        (401, 404, ok, ok, 404, narrow),
        (401, ok, ok, ok, ok, narrow),
        row=row,
        body=body,
        more=more,
    )


def api_owned(row: str, ok: Any = 200, body: Any = None) -> Rule:
    """Its owner; others who see it get 403; a token needs more than `read`."""
    return Rule(
        (401, 404, 404, ok, 404, 403),
        (401, 404, 403, ok, 404, 403),
        (401, 403, 403, ok, 403, 403),
        row=row,
        body=body,
    )


def api_of_the_team(
    row: str, member: Any, owner: Any, body: Any = None, *, narrow: Any = 403, **more: Any
) -> Rule:
    """Who is in the team: a member, an owner."""
    return Rule((401, 404, member, owner, 404, narrow), row=row, body=body, more=more)


def api_staff(row: str, ok: Any, body: Any = None) -> Rule:
    """Staff, whoever's it is; others who see it get 403."""
    return Rule(
        (401, 404, 404, 403, ok, 403),
        (401, 404, 403, 403, ok, 403),
        (401, 403, 403, 403, ok, 403),
        row=row,
        body=body,
    )


def upload_owned(ok: Any) -> Rule:
    """Whoever sends the file, by a client of tus; nobody else learns of it in any sharing."""
    answers = (401, 404, 404, ok, 404, 403)
    return Rule(answers, answers, answers, row="upload", headers=TUS)


TUS = {"Tus-Resumable": "1.0.0"}


# --- pages ----------------------------------------------------------------------------------------
EVERYBODY = Rule((200,) * 6)
PICTURES = {
    "support": [{"label": "a", "image": "eA=="}, {"label": "b", "image": "eA=="}],
    "query": ["eA=="],
}
PICTURES_OF_A_CLASS = {"pictures": [{"label": "a", "image": "eA=="}]}
NO_WORKER = 503

PAGES = {
    "home": {"GET": EVERYBODY},
    "healthz": {"GET": EVERYBODY},
    # No worker runs in the tests.
    "readyz": {"GET": Rule((NO_WORKER,) * 6)},
    "metrics": {"GET": EVERYBODY},
    "checkpoint_list": {"GET": page()},
    "checkpoint_upload": {"GET": page(), "POST": page(422)},
    "checkpoint_detail": {"GET": seen("checkpoint")},
    "checkpoint_class_names": {"GET": seen("checkpoint")},
    "checkpoint_classes": {"GET": seen("checkpoint")},
    "checkpoint_status": {"GET": seen("checkpoint")},
    "checkpoint_edit": {"GET": owned("checkpoint"), "POST": owned("checkpoint")},
    # Nothing is said, so nothing changes.
    "checkpoint_fix": {"POST": owned("checkpoint", 302)},
    "checkpoint_delete": {"POST": owned("doomed", 302)},
    "checkpoint_download": {"GET": seen("checkpoint")},
    "pool_list": {"GET": page()},
    "pool_new": {"GET": page(), "POST": page()},
    "pool_candidates": {"GET": page()},
    "pool_fit": {"POST": page()},
    "pool_detail": {"GET": seen("pool")},
    "pool_edit": {"GET": owned("pool"), "POST": owned("pool")},
    "pool_delete": {"POST": owned("pool", 302)},
    "job_list": {"GET": page()},
    "job_new": {"GET": seen("pool"), "POST": seen("pool")},
    "job_detail": {"GET": seen("job")},
    "job_live": {"GET": seen("job")},
    # Nothing is recovered yet.
    "job_preview": {"GET": seen("job", 404)},
    "job_cancel": {"POST": owned("job", 302)},
    "job_resume": {"POST": owned("failed", 302)},
    "learner_list": {"GET": page()},
    "learner_detail": {"GET": seen("learner")},
    "learner_edit": {"GET": owned("learner"), "POST": owned("learner", 200)},
    "learner_download": {"GET": seen("learner")},
    "learner_file": {"GET": seen("learner", path="config.json")},
    "learner_adapt": {"GET": seen("learner")},
    "learner_offline_frame": {"GET": seen("learner")},
    # Alice and the others have just confirmed their password.
    "account_export": {"GET": page(), "POST": page()},
    # Nothing is typed, so nothing is closed.
    "account_close": {"GET": page(), "POST": page(422)},
    "account_settings": {"GET": page()},
    "profile_save": {"POST": page(302)},
    "token_new": {"POST": page(422)},
    "token_revoke": {"POST": owned("token", 302)},
    "team_list": {"GET": page(), "POST": page(422)},
    "team_name": {"POST": of_the_team("shared_with", 403, 302, {"name": "Zoology"})},
    "team_delete": {"POST": of_the_team("shared_with", 403, 302)},
    "member_add": {"POST": of_the_team("shared_with", 403, 302, {"username": "charlie"})},
    "member_role": {"POST": of_the_team("bobs", 403, 302, {"role": "owner"})},
    "member_remove": {"POST": of_the_team("alices", 403, 302)},
    # Charlie is invited to Alice's team; only he answers.
    "invitation_accept": {"POST": Rule((IN, 302, 404, 404, 404, IN), row="invitation")},
    "invitation_decline": {"POST": Rule((IN, 302, 404, 404, 404, IN), row="invitation")},
    "invitation_withdraw": {"POST": of_the_team("invitation", 404, 302)},
}

# --- the REST API ---------------------------------------------------------------------------------
API = {
    "schema": {"GET": EVERYBODY},
    "api-docs": {"GET": EVERYBODY},
    "api-root": {"GET": api()},
    "api-unknown": {"GET": Rule((404,) * 6), "POST": Rule((404,) * 6)},
    "api-checkpoint-list": {"GET": api(), "POST": api(400, narrow=403)},
    "api-checkpoint-detail": {
        "GET": api_seen("checkpoint"),
        "PATCH": api_owned("checkpoint", 200, {"description": "changed"}),
        "DELETE": api_owned("doomed", 204),
    },
    "api-checkpoint-download": {"GET": api_seen("checkpoint")},
    # Its pictures have no label that the model knows.
    "api-checkpoint-check": {"POST": api_seen("checkpoint", 400, PICTURES_OF_A_CLASS, narrow=403)},
    "api-checkpoint-quarantine": {
        "POST": api_staff("checkpoint", 200, {"reason": "It is under suspicion."}),
        # It is not in quarantine.
        "DELETE": api_staff("checkpoint", 409),
    },
    "api-checkpoint-manifest": {"POST": api(400, narrow=403)},
    "api-uploads": {"POST": Rule((401, 400, 400, 400, 400, 403), headers=TUS)},
    "api-upload": {
        "GET": upload_owned(200),
        # A piece is no JSON.
        "PATCH": upload_owned(415),
        "DELETE": upload_owned(204),
    },
    "api-pool-list": {"GET": api(), "POST": api(400, narrow=403)},
    "api-pool-detail": {
        "GET": api_seen("pool"),
        "PATCH": api_owned("pool", 400, {"checkpoints": []}),
        "DELETE": api_owned("pool", 204),
    },
    "api-algorithm-list": {"GET": api()},
    "api-algorithm-detail": {"GET": Rule((401, 200, 200, 200, 200, 200), row="algorithm")},
    "api-architecture-list": {"GET": api()},
    "api-architecture-detail": {"GET": Rule((401, 200, 200, 200, 200, 200), row="architecture")},
    "api-job-list": {"GET": api(), "POST": api(400, narrow=403)},
    "api-job-detail": {"GET": api_seen("job")},
    "api-job-events": {"GET": api_seen("job")},
    "api-job-metrics": {"GET": api_seen("job")},
    "api-job-cancel": {"POST": api_owned("job")},
    "api-job-resume": {"POST": api_owned("failed")},
    "api-learner-list": {"GET": api()},
    "api-learner-detail": {
        "GET": api_seen("learner"),
        "PATCH": api_owned("learner", 200, {"name": "changed"}),
    },
    "api-learner-download": {"GET": api_seen("learner")},
    "api-learner-file": {"GET": api_seen("learner", path="config.json")},
    "api-learner-adaptations": {"POST": api_seen("learner", NO_WORKER, PICTURES, narrow=403)},
    "api-team-list": {"GET": api(), "POST": api(201, {"name": "Zoology"}, narrow=403)},
    "api-team-detail": {
        "GET": api_of_the_team("shared_with", 200, 200, narrow=200),
        "PATCH": api_of_the_team("shared_with", 403, 200, {"name": "Zoology"}),
        "DELETE": api_of_the_team("shared_with", 403, 204),
    },
    "api-team-members": {"POST": api_of_the_team("shared_with", 403, 202, {"username": "charlie"})},
    "api-team-member": {
        "PATCH": api_of_the_team("shared_with", 403, 200, {"role": "owner"}, username="bob"),
        # A member may leave, an owner may take anybody out.
        "DELETE": api_of_the_team("shared_with", 204, 204, username="bob"),
    },
    "api-invitation-list": {"GET": api()},
    "api-invitation-accept": {"POST": Rule((401, 200, 404, 404, 404, 403), row="invitation")},
    # Charlie declines it, Alice withdraws it.
    "api-invitation-detail": {"DELETE": Rule((401, 204, 404, 204, 404, 403), row="invitation")},
    "api-token-list": {
        "GET": api(narrow=403),
        "POST": api(201, {"name": "script", "scopes": ["read"]}, narrow=403),
    },
    "api-token-detail": {
        "GET": Rule((401, 404, 404, 200, 404, 403), row="token"),
        "DELETE": Rule((401, 404, 404, 204, 404, 403), row="token"),
    },
    "api-account-export": {"POST": api(narrow=403)},
    # Anyone who finds a token may have it revoked.
    "api-leaked": {"POST": Rule((202,) * 6, body={"credentials": ["fh_nothing"]})},
}


# --- signing in: allauth's pages ------------------------------------------------------------------
def own(ok: Any = 200, *, owner: Any = None, body: Any = None) -> Rule:
    """A page about oneself; Alice has a second factor already, the others have none."""
    return Rule((IN, ok, ok, ok if owner is None else owner, ok, IN), body=body or {})


def door(nobody: Any = 200) -> Rule:
    """A page for who is not signed in; a token does not sign in to pages."""
    return Rule((nobody, 302, 302, 302, 302, nobody))


SIGNING_IN = {
    "account_login": {"GET": door(), "POST": door()},
    "account_signup": {"GET": door(), "POST": door()},
    "account_logout": {
        "GET": Rule((302, 200, 200, 200, 200, 302)),
        "POST": Rule((302,) * 6),
    },
    "account_inactive": {"GET": EVERYBODY},
    "account_reauthenticate": {"GET": own(), "POST": own()},
    # No code is mailed to confirm who one is: addresses are never verified.
    "account_request_reauthentication_code": {"GET": own(403), "POST": own(403)},
    "account_confirm_reauthentication_code": {"GET": own(403), "POST": own(403)},
    "account_email": {"GET": own(), "POST": own(302)},
    "account_email_verification_sent": {"GET": EVERYBODY},
    # There is no such address, nor such a key; the page says so.
    "account_confirm_email": {
        "GET": Rule((200,) * 6, more={"key": "abc"}),
        "POST": Rule((404,) * 6, more={"key": "abc"}),
    },
    "account_change_password": {"GET": own(), "POST": own()},
    # Everybody has a password, so there is none to set.
    "account_set_password": {"GET": own(302), "POST": own(302)},
    "account_reset_password": {"GET": EVERYBODY, "POST": EVERYBODY},
    "account_reset_password_done": {"GET": EVERYBODY},
    "account_reset_password_from_key": {
        "GET": Rule((200,) * 6, more={"uidb36": "1", "key": "abc"}),
        "POST": Rule((200,) * 6, more={"uidb36": "1", "key": "abc"}),
    },
    "account_reset_password_from_key_done": {"GET": EVERYBODY},
    "account_confirm_login_code": {"GET": door(IN), "POST": door(IN)},
    "mfa_index": {"GET": own()},
    "mfa_authenticate": {"GET": door(IN), "POST": door(IN)},
    # Who has no such factor is led to the one they have.
    "mfa_reauthenticate": {"GET": own(302, owner=200), "POST": own(302, owner=200)},
    "mfa_activate_totp": {"GET": own(owner=302), "POST": own(owner=302)},
    "mfa_deactivate_totp": {"GET": own(404, owner=200), "POST": own(404, owner=302)},
    "mfa_view_recovery_codes": {"GET": own(404, owner=200)},
    "mfa_generate_recovery_codes": {"GET": own(), "POST": own(owner=302)},
    "mfa_download_recovery_codes": {"GET": own(404, owner=200)},
    "mfa_list_webauthn": {"GET": own()},
    "mfa_add_webauthn": {"GET": own(), "POST": own()},
    "mfa_reauthenticate_webauthn": {"GET": own(302), "POST": own(302)},
    # The key is Dora's, and none of the six is Dora.
    "mfa_edit_webauthn": {
        "GET": Rule((IN, 404, 404, 404, 404, IN), row="doras_key"),
        "POST": Rule((IN, 404, 404, 404, 404, IN), row="doras_key"),
    },
    "mfa_remove_webauthn": {
        "GET": Rule((IN, 404, 404, 404, 404, IN), row="doras_key"),
        "POST": Rule((IN, 404, 404, 404, 404, IN), row="doras_key"),
    },
    "mfa_login_webauthn": {"GET": door(IN), "POST": door(IN)},
    "usersessions_list": {"GET": own(), "POST": own(302)},
}


# --- the operator's pages: staff, and nobody else -------------------------------------------------
def operator(ok: Any = 200, row: str = "", **more: Any) -> Rule:
    """Staff; all others are led to the sign-in, which tells who is signed in why not."""
    return Rule((IN, IN, IN, IN, ok, IN), row=row, more=more)


def operator_model(name: str, row: str, *, add: bool, change: bool, delete: bool) -> dict[str, Any]:
    """The pages of one kind of row."""
    kind = f"admin:{name}"
    may = {True: 200, False: 403}
    one = {"key": "object_id"}
    route = "/operator/" + name.replace("_", "/", 1) + "/<path:object_id>/"
    return {
        f"{kind}_changelist": {"GET": operator()},
        f"{kind}_add": {"GET": operator(may[add]), "POST": operator(may[add])},
        # What may not be changed may be looked at.
        f"{kind}_change": {
            "GET": operator(200, row, **one),
            "POST": operator(may[change], row, **one),
        },
        f"{kind}_delete": {
            "GET": operator(may[delete], row, **one),
            "POST": operator(may[delete], row, **one),
        },
        f"{kind}_history": {"GET": operator(200, row, **one)},
        route: {"GET": operator(302)},
    }


_ALL = {"add": True, "change": True, "delete": True}
OPERATOR = {
    "admin:index": {"GET": operator()},
    "admin:login": {"GET": Rule((IN, 302, 302, 302, 302, IN))},
    "admin:logout": {"POST": Rule((302,) * 6)},
    "admin:password_change": {"GET": operator(), "POST": operator()},
    "admin:password_change_done": {"GET": operator()},
    "admin:autocomplete": {"GET": operator(403)},
    "admin:jsi18n": {"GET": operator()},
    "admin:view_on_site": {"GET": operator(404, content_type_id="1", object_id="1")},
    "admin:app_list": {"GET": operator(app_label="accounts")},
    "admin:auth_user_password_change": {
        "GET": operator(200, "person", key="id"),
        "POST": operator(200, "person", key="id"),
    },
    "/operator/(?P<url>.*)$": {"GET": operator(404), "POST": operator(404)},
    **operator_model("auth_group", "group", **_ALL),
    **operator_model("accounts_user", "person", **_ALL),
    **operator_model("accounts_team", "shared_with", **_ALL),
    **operator_model("accounts_apitoken", "token", add=False, change=False, delete=True),
    **operator_model("account_emailaddress", "email", **_ALL),
    **operator_model("mfa_authenticator", "doras_key", **_ALL),
    **operator_model("usersessions_usersession", "session", **_ALL),
    **operator_model("audit_record", "record", add=False, change=False, delete=False),
    **operator_model("checkpoints_checkpoint", "checkpoint", add=False, change=False, delete=False),
    **operator_model("algorithms_algorithmspec", "algorithm", **_ALL),
    **operator_model("algorithms_architecturespec", "architecture", **_ALL),
}
