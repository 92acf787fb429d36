"""The queue of commands, the batches in which they are executed, and the replay of executed ones.

It knows no command by name.
"""
