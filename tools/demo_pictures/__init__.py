"""How the pictures of the demo's products were made."""
