"""Small changes of the rules and commands, each of which a test must notice: `make proof.mutation`."""
