"""Tests of what generated code imports."""
