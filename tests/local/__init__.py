"""Tests of the local server: a real one, over loopback, with real SQLite and Statsig's core."""
