"""Shapes of what comes in and goes out; services decide what it means."""
