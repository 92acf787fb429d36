"""What a batch works on: the rows it has loaded, the changes it will write, and the forms in which answers are
stored. Below commands and engine."""
