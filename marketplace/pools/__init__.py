"""Pools of checkpoints. The first job freezes its pool."""
