"""The conventions of other tools: what each counts for an op, and the bridge from one figure to another."""
