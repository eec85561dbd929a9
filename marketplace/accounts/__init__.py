"""Users, teams and tokens."""
