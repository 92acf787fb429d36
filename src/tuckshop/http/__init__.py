"""HTTP, whatever contract is spoken: calls, errors, documents, and the edge of the application."""
