"""What every app shares: errors for people, base models, encryption with the instance's key."""
