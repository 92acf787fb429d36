"""What can be asked of the till, one module for each noun."""
