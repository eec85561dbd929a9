"""Database triggers that refuse changes and deletions of records, even through SQL.

The one change that they allow is that of `audit.emptying`: a record that loses names, addresses and
details, and says which later record proves what is left of it.
"""

from typing import Any

_SENTENCE = "the audit log is append-only"
_SQLITE = {
    name: f"CREATE TRIGGER {name} BEFORE {verb} ON audit_record "
    f"BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END"
    for name, verb in (("audit_no_update", "UPDATE"), ("audit_no_delete", "DELETE"))
}
# NULL, which any comparison with NULL gives, must not let a change through.
_EMPTYING = " AND ".join(
    [
        "OLD.emptied_by IS NULL",
        "COALESCE(NEW.emptied_by, 0) > OLD.number",
        "NEW.person = ''",
        "NEW.address = ''",
        "NEW.token = ''",
        "{details} = '{{}}'",
        *(f"NEW.{name} = OLD.{name}" for name in ("number", "at", "act", "kind", '"row"')),
        *(f"NEW.{name} = OLD.{name}" for name in ("previous", "hash")),
        "COALESCE(NEW.person_id, -1) = COALESCE(OLD.person_id, -1)",
    ]
)
_SQLITE_EMPTYING = {
    **_SQLITE,
    "audit_no_update": "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_record "
    f"WHEN NOT COALESCE({_EMPTYING.format(details='NEW.details')}, 0) "
    f"BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END",
}
_POSTGRESQL_EMPTYING = (
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN IF TG_OP = 'UPDATE' THEN "
    f"IF COALESCE({_EMPTYING.format(details='NEW.details::text')}, FALSE) "
    "THEN RETURN NEW; END IF; END IF; "
    f"RAISE EXCEPTION '{_SENTENCE}'; END $$"
)
_POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_SENTENCE}'; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit_record "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_record "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
]


def triggers_make(editor: Any, *, emptying: bool = True) -> None:
    """Create the triggers through a schema editor. Other databases rely on the model alone.

    Before there was `emptying`, they allowed no change at all.
    """
    if editor.connection.vendor == "sqlite":
        for statement in (_SQLITE_EMPTYING if emptying else _SQLITE).values():
            editor.execute(statement)
    elif editor.connection.vendor == "postgresql":
        for statement in _POSTGRESQL:
            editor.execute(statement)
        if emptying:
            editor.execute(_POSTGRESQL_EMPTYING)


def triggers_drop(editor: Any) -> None:
    if editor.connection.vendor == "sqlite":
        for name in _SQLITE:
            editor.execute(f"DROP TRIGGER IF EXISTS {name}")
    elif editor.connection.vendor == "postgresql":
        editor.execute("DROP TRIGGER IF EXISTS audit_no_change ON audit_record")
        editor.execute("DROP TRIGGER IF EXISTS audit_no_truncate ON audit_record")
        editor.execute("DROP FUNCTION IF EXISTS audit_refuse()")
