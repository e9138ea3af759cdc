"""Does dropout or batch normalization help the network on this table, and by how much?"""

__version__ = "0.2.0"
