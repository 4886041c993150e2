"""The spec language: reading, checking, compiling and writing specs, and building networks."""
