"""The pages that people see, in rooms by audience.

Storefront, account, desk and office, and `ui`, which they share.

Pages are made on the server and work without scripts: a form is posted, and its answer leads to a page that
can be loaded again. Scripts of our own (`static/`) fetch the same pages and show what has changed.
"""
