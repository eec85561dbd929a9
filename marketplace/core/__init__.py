"""What every app shares: errors for people, base models, pages of lists, answers with files."""
