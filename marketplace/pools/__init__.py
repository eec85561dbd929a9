"""Which checkpoints belong together; frozen at the first job."""
