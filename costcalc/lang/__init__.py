"""The spec language: read, checked, compiled, built, and written again."""
