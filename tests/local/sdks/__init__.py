"""Statsig's own SDKs, unmodified, on the local server."""
