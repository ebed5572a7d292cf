"""The tests of `generate.py`: what it reads, writes, refuses and compares."""
