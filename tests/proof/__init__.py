"""All that the shop promises, shown at full size, one step after the other: `make proof`."""
