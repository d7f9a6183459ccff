# The same for a thousand photographs (docs/ablation.md): a tiny ViT, a quarter of an hour on one CPU core. Its
# augmentation was chosen by top-1 on val, with the baseline only: to compare variants, not with anybody.
_base_ = './supervised.py'
version = 1

model = dict(patch_size=16, layer_scale=0.1, drop_path=0.0)
augment = dict(size=112, scale=[0.25, 1.0], one_of_three=0.0)
mixing = dict(mixup=0.0, cutmix=0.0)
optimizer = dict(name='adamw', lr=1e-3, weight_decay=[0.1, 0.1], warmup=0.1)
train = dict(steps=2400, batch_size=32, precision='float32', checkpoint_every=None, log_every=20)
