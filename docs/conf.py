"""How Sphinx makes a site of this folder: `make docs`. Nothing is fetched, when building it or reading it."""

project = "Tuckshop"
project_copyright = "the Tuckshop contributors"
language = "en"

extensions = ["myst_parser"]  # The pages are Markdown, which reads well without the site, too.
myst_heading_anchors = 3  # Links such as backup.md#restore lead to headings, and are checked.

html_theme = "furo"
html_title = "Tuckshop"
html_css_files = ["site.css"]
html_static_path = ["_static"]
html_copy_source = False  # The Markdown is in the repository; the site needs no second copy.
html_show_sphinx = False
