"""What all rooms of the web share: layout, forms, notices, languages, charts."""
