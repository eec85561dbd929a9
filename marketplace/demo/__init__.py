"""The demo on a first start: a pool of real models and a short job on it."""
