"""What somebody else's detector, or a person, found in a photo: read from their objects and files into one form."""
