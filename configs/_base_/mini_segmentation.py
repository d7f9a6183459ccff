# The same protocol at a size that two CPU cores finish in a minute: for the rendered mini data, not for comparison.
_base_ = './dinov2_lin_segmentation.py'

family = 'mini'
version = 2

probes = dict(lr=[3e-3, 3e-2])  # short schedules want a larger step; which one is chosen on held-out images
train = dict(
    iterations=80,
    batch_size=8,
    resize=dict(short=112, long=448),
    crop=112,
)
test = dict(
    resize=dict(short=112, long=448),
    window=112,
    stride=75,
)
