# The same protocol at a size that two CPU cores finish in a minute: for the rendered mini data, not for comparison.
_base_ = './dinov2.py'

family = 'mini'

view = dict(resize=128, crop=112)
probes = dict(lr=[1e-3, 1e-2, 0.1, 1.0])
train = dict(iterations=100, batch_size=16, crop=112)
selection = dict(holdout=0.25)
