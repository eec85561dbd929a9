"""Database triggers that refuse changes and deletions of records, even through SQL."""

from typing import Any

_SENTENCE = "the audit log is append-only"
_SQLITE = {
    name: f"CREATE TRIGGER {name} BEFORE {verb} ON audit_record "
    f"BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END"
    for name, verb in (("audit_no_update", "UPDATE"), ("audit_no_delete", "DELETE"))
}
_POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_SENTENCE}'; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit_record "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_record "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
]


def triggers_make(editor: Any) -> None:
    """Create the triggers through a schema editor. Other databases rely on the model alone."""
    if editor.connection.vendor == "sqlite":
        for statement in _SQLITE.values():
            editor.execute(statement)
    elif editor.connection.vendor == "postgresql":
        for statement in _POSTGRESQL:
            editor.execute(statement)


def triggers_drop(editor: Any) -> None:
    if editor.connection.vendor == "sqlite":
        for name in _SQLITE:
            editor.execute(f"DROP TRIGGER IF EXISTS {name}")
    elif editor.connection.vendor == "postgresql":
        editor.execute("DROP TRIGGER IF EXISTS audit_no_change ON audit_record")
        editor.execute("DROP TRIGGER IF EXISTS audit_no_truncate ON audit_record")
        editor.execute("DROP FUNCTION IF EXISTS audit_refuse()")
