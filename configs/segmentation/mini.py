# The same protocol at a size that two CPU cores finish in a minute: for the rendered mini data, not for comparison.
_base_ = './dinov2-lin.py'

family = 'mini'
version = 4  # 4: the probes that are scored are trained on all of train

probes = dict(lr=[3e-3, 1e-2, 3e-2])  # short schedules want a larger step
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
selection = dict(holdout=0.25)  # few images have few classes, and a tenth of a hundred chose at random
