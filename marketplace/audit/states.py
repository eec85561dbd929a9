"""Kinds of acts in the log."""

from django.db import models


class Act(models.TextChoices):
    SIGN_UP = "person.sign_up", "Signed up"
    SIGN_IN = "person.sign_in", "Signed in"
    SIGN_IN_FAILED = "person.sign_in_failed", "Failed to sign in"
    SIGN_OUT = "person.sign_out", "Signed out"
    SESSIONS_ENDED = "person.sessions_ended", "Ended other sessions"
    PASSWORD_CHANGED = "person.password_changed", "Changed the password"  # noqa: S105
    EMAIL_CHANGED = "person.email_changed", "Changed the e-mail address"
    FACTOR_ADDED = "person.factor_added", "Added a second factor"
    FACTOR_REMOVED = "person.factor_removed", "Removed a second factor"
    TOKEN_MADE = "token.made", "Made a token"  # noqa: S105
    TOKEN_REVOKED = "token.revoked", "Revoked a token"  # noqa: S105
    TOKEN_LEAKED = "token.leaked", "A leaked token was reported"  # noqa: S105
    ACCOUNT_EXPORTED = "person.exported", "Downloaded all their data"
    ACCOUNT_CLOSED = "person.closed", "Closed the account"
    TEAM_MADE = "team.made", "Made a team"
    TEAM_RENAMED = "team.renamed", "Renamed a team"
    TEAM_DELETED = "team.deleted", "Deleted a team"
    MEMBER_INVITED = "team.member_invited", "Invited a person to a team"
    INVITATION_ACCEPTED = "team.invitation_accepted", "Accepted an invitation to a team"
    INVITATION_DECLINED = "team.invitation_declined", "Declined an invitation to a team"
    INVITATION_WITHDRAWN = "team.invitation_withdrawn", "Withdrew an invitation to a team"
    # Until 0.1.0, when owners added members without asking them.
    MEMBER_ADDED = "team.member_added", "Added a member"
    MEMBER_REMOVED = "team.member_removed", "Removed a member"
    MEMBER_ROLE = "team.member_role", "Changed a member's role"
    MODEL_UPLOADED = "model.uploaded", "Uploaded a model"
    MODEL_CHANGED = "model.changed", "Changed a model"
    MODEL_CHECKED = "model.checked", "Checked a model with pictures"
    MODEL_DELETED = "model.deleted", "Deleted a model"
    MODEL_DOWNLOADED = "model.downloaded", "Downloaded a model"
    MODEL_QUARANTINED = "model.quarantined", "Put a model into quarantine"
    MODEL_RELEASED = "model.released", "Took a model out of quarantine"
    POOL_MADE = "pool.made", "Made a pool"
    POOL_CHANGED = "pool.changed", "Changed a pool"
    POOL_DELETED = "pool.deleted", "Deleted a pool"
    JOB_LAUNCHED = "job.launched", "Launched a job"
    JOB_CANCELLED = "job.cancelled", "Cancelled a job"
    JOB_RESUMED = "job.resumed", "Resumed a job"
    LEARNER_CHANGED = "learner.changed", "Changed a meta-learner's sharing"
    LEARNER_DOWNLOADED = "learner.downloaded", "Downloaded a meta-learner"
    LEARNER_ADAPTED = "learner.adapted", "Adapted a meta-learner"
    ADMIN_ADDED = "admin.added", "Added a row in the operator pages"
    ADMIN_CHANGED = "admin.changed", "Changed a row in the operator pages"
    ADMIN_DELETED = "admin.deleted", "Deleted a row in the operator pages"
