"""What tokens look like inside a vision transformer: the analyses of arXiv 2602.08626.

    densebench analyze --checkpoint my_vit.pth --checkpoint my_specialised_vit.pth my_pictures/

`analyze.py` is the command, `measure.py` the pass over the images. `stored.py` reads a folder of results back and needs
no torch, so that a report can use it.
"""
