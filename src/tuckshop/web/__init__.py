"""The pages that people see, in rooms by audience: the machine so far; account, desk and office to come.

Pages are made on the server and work without scripts: a form is posted, and its answer leads to a page that
can be loaded again. Scripts of our own (`static/`) fetch the same pages and show what has changed.
"""
