"""Metrics, data sets and runs."""
