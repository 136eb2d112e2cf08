"""What is outlined is the defect: a map says where, fine evidence and the photo itself say what."""
