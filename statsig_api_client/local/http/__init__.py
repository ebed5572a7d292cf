"""What the local server answers."""
