"""The HTTP endpoints of the local server."""
