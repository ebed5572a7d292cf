"""What `generate.py` is made of: reading the contract, describing its Python API, comparing two."""
