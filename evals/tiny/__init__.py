"""Small models trained here on synthetic photos, to stand where real weights are missing. Not in the wheel."""
