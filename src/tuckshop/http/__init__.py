"""HTTP, whatever contract is spoken.

Requests and responses, routing, errors, OpenAPI documents, cookies, middleware.

Interfaces above add their paths, fields and sentences. It never touches tables.
"""
