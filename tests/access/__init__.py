"""Who may do what: every route of every interface, asked by everybody, in tables that can be read."""

from tests.access.dialects import DIALECTS
from tests.access.pages import PAGES
from tests.access.v1 import V1

INTERFACES = (V1, DIALECTS, PAGES)
