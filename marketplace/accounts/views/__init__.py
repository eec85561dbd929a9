"""Account pages: settings, tokens and teams."""
