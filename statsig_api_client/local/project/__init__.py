"""Project files: model, parsing, JSON Schema and compilation to config specs."""
