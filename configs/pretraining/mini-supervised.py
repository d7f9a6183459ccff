# The same at a size that two CPU cores finish in a minute: for the rendered mini data, not for comparison with anybody.
# So few steps want a LayerScale that starts large, little augmentation, and classes that are whole.
_base_ = './supervised.py'
version = 1

model = dict(patch_size=16, layer_scale=1.0, drop_path=0.0)
augment = dict(size=80, scale=[0.8, 1.0], one_of_three=0.0, jitter=0.0)
mixing = dict(mixup=0.0, cutmix=0.0)
optimizer = dict(name='adamw', lr=1e-3, weight_decay=[0.1, 0.1], warmup=0.1)
train = dict(steps=400, batch_size=32, precision='float32', checkpoint_every=None, log_every=10)
