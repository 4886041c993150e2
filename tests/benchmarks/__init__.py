"""How fast costcalc is, beside something that any machine can do, measured in one run: `python -m tests.benchmarks`.

A benchmark is a function without arguments that gives its figures; it has a line in `__main__.BENCHMARKS`.
"""
