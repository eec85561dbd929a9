"""Few-shot adaptation. Pictures and predictions are not kept."""
