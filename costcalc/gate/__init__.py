"""Cost regression checks: limits, and the spec as it was at a git ref, analysed again."""
