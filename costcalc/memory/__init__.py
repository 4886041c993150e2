"""The bytes that a network needs while it runs: the tensors alive at each step, and their places in one buffer."""
