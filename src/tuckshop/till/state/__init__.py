"""What a batch works on: the rows it has loaded, and the changes it will write. Below commands and engine."""
