"""What a batch works on: the rows it reads, the working set they make, and the changes that it will write.

Below commands and engine, so that both can use it.
"""
