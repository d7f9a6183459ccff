# The same protocol at a size that two CPU cores finish in a minute: for the rendered mini data, not for comparison.
_base_ = './dinov2-lin1.py'

family = 'mini'
version = 4  # 4: the probes that are scored are trained on all of train

probes = dict(lr=[1e-3, 1e-2])  # short schedules want a larger step; which one is chosen on held-out images
train = dict(
    iterations=80,
    batch_size=8,
    crop=[112, 112],
)
loss = dict(warmup_iterations=10)
