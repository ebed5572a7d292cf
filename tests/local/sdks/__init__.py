"""Statsig's own SDKs on the local server."""
