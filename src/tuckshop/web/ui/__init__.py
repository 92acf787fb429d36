"""What all rooms of the web share: layout, forms, flash messages, languages, labels, charts, pages of errors.

It knows none of the rooms.
"""
