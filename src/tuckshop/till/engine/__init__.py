"""The queue of commands, and the batches in which they are executed."""
