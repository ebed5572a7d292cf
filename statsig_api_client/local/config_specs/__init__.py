"""Config specs: loading, conversion, overrides and evaluation."""
