"""How an (image, mask) case becomes the array a generator sees, and back: one representation per file.

`representation.py` tells what they have in common, `padding.py` fits their arrays to a generator's size, `building.py`
makes one from settings.
"""
