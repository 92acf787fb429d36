"""What a batch of commands reads, works on and changes. Nothing here decides, or talks to a database."""
