"""What admins and the shop itself do beside the till: starting, audit, retention, pictures."""
