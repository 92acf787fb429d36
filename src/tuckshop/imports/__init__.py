"""Files that come in: reading, checking, applying."""
