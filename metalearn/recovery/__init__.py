"""Recovery of images from teachers, and the memory that holds the recovered tasks."""
