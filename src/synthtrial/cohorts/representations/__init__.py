"""How an (image, mask) case becomes the array a generator sees, and back: one representation per file.

A representation is built from the facts of the cohort, and has

- `channels`: how many channels the array has,
- `encode(image, mask) -> array`: `(C, *shape)` in [-1, 1] and `(*shape)` uint8 to float32 `(channels, *padded_shape)`,
- `decode(array) -> (image, mask_scores)`: back to `(C, *shape)` and `(L, *shape)`, one score per label.
"""
