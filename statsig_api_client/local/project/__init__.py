"""A project file: what it may say, and compiling it to config specs."""
