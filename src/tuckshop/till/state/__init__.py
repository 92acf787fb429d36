"""What a batch works on: the rows it reads, the working set they make, the changes that it will write, and
the forms in which answers are stored.

Below commands and engine, so that both can use it.
"""
