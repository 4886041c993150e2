"""Reports. Each format is one module, which writes results without computing any.

Commands convert their results to a `table_data.Table`, which `table`, `csv` and `markdown` write, and to a document,
which `json` writes.
"""
