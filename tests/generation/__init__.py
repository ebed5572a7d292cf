"""Tests of `generate.py`."""
