"""Recovery of images from teachers, and the memory for recovered tasks."""
