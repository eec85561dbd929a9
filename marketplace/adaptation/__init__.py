"""Few-shot adaptation: a person's pictures in, predictions out, nothing kept."""
