"""What is known of a product: a fitted detector, its calibration, its good photos, on disk."""
