"""Shapes of requests and responses. Services validate their meaning."""
