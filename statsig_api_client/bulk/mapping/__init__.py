"""Conversion of lines and rows into serialized events."""
