"""The flow: photos in, records and reports out. Doors (CLI, Python) hold no logic of their own."""
