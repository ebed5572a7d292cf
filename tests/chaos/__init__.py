"""Faults of every kind, against real parts, and the promises that must hold all the same."""
