"""The Python door, thin: learn a product, load a model, ask a VLM."""
