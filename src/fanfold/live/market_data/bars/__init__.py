"""Steps: whose bars are together at which instant."""
