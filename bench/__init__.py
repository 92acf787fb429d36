"""How fast Tuckshop sells, beside what PostgreSQL itself can do on the same computer in the same run."""
