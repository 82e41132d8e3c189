"""Adapters of the model ports: one file each, heavy imports inside."""
