"""Operator tools: metrics, backup and restore. They read every app, so this app is above them."""
