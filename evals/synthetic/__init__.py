"""Drawn products and defects, with the truth about them. Labelled synthetic wherever they go."""
