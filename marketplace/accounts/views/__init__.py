"""Account pages: settings, tokens, teams and invitations."""
