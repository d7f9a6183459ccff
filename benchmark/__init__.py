"""DenseBench: how good is a frozen vision transformer at dense and global tasks?"""

__version__ = "0.1.0"
