# The same at a size that two CPU cores finish in minutes: for the rendered mini data, not for comparison with anybody.
_base_ = './dino.py'

model = dict(layer_scale=0.1, drop_path=0.0)
global_crops = dict(size=84)
local_crops = dict(count=2, size=42)
heads = dict(prototypes=512, hidden=256, bottleneck=64, frozen_steps=0)
teacher = dict(momentum=[0.95, 1.0])
optimizer = dict(lr=1e-3, warmup=0.1)
train = dict(steps=300, batch_size=32, precision='float32', checkpoint_every=None, log_every=10)
