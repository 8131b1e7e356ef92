"""synthtrial: does GAN-synthesised medical data help my model, by how much, and is it a copy?"""

__version__ = "0.1.0"
