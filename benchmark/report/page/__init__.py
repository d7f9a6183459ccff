"""``results/report.html``: one page that a person opens from disk. Imports no torch.

Each part of the page is a module that turns records into plain values; ``templates/`` turns these into HTML. Plots are
HTML and inline SVG, so that their text follows the reader's colours and size.
"""
