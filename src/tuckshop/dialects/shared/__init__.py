"""What several older contracts have in common. Nothing here knows which dialect calls."""
