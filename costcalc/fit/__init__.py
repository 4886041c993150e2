"""Whether a network fits a device, and a lower bound of the time that it takes there."""
