"""Cost regression checks: limits, and comparison with the spec at a git ref."""
