# The same protocol for the rendered mini data.
_base_ = './dinov2.py'

family = 'mini'

view = dict(resize=112, crop=112)
regression = dict(c_exponents=[-4.0, 2.0], c_count=7)
selection = dict(holdout=0.25)
