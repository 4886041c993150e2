"""Reports: a value in, a text out. One format is one file, and none computes anything.

A command makes its value a `grid.Grid`; `table`, `separated` and `markdown` make text of it, `machine` of a document.
"""
