"""Pages about oneself: settings, tokens, teams."""
