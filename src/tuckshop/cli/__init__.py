"""The command line: what the operator does at the computer that keeps the shop."""
