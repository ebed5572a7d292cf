"""The code generator behind `generate.py`: from the spec to the client code."""
