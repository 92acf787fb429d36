"""Who somebody is: users, guests, log-ins, tokens, and the brakes on those who guess."""
