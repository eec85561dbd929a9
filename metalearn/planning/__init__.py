"""What a run will need, told before it starts, and settings with which it fits."""
