"""The chat: a page on which a product is set up, inspected and judged, by talking, by form and by hand."""
