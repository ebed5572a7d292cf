"""Tests of Spark's part, on a Spark of this machine."""
