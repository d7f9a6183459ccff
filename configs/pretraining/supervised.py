# DeiT-III on ImageNet-1k: ViT-B for 400 epochs of 2048 images at 224 pixels (facebookresearch/deit README_revenge.md,
# without repeated augmentation). ViT-S wants model.drop_path=0.05, ViT-L 0.4.
method = 'supervised'

model = dict(patch_size=16, layer_scale=1e-4, drop_path=0.1)
augment = dict(size=224, scale=[0.08, 1.0], one_of_three=1.0, jitter=0.3, flip=0.5)
mixing = dict(mixup=0.8, cutmix=1.0)
optimizer = dict(
    name='lamb',
    lr=3e-3,
    final_lr=1e-5,
    warmup=5 / 400,
    weight_decay=[0.02, 0.02],
    betas=[0.9, 0.999],
    clip_norm=1.0,
)
train = dict(steps=250_000, batch_size=2048, precision='bfloat16', checkpoint_every=50_000, log_every=50)
