# DeiT-III's ViT-S on ImageNet-1k, 800 epochs of 625 steps: facebookresearch/deit README_revenge.md, line 81. What it
# does not say is the defaults of main.py (final_lr, eps), of timm 0.3.2 and of apex's FusedLAMB (betas, clip_norm).
# docs/pretraining.md lists what differs. Larger models have optimizer.lr=3e-3 there, and train on smaller images: ViT-B
# model.drop_path=0.2 augment.size=192, ViT-L 0.45 and 192, ViT-H/14 0.6 and 160 (lines 412, 745 and 1078).
method = 'supervised'
version = 2

model = dict(patch_size=16, layer_scale=1e-4, drop_path=0.05)
augment = dict(size=224, scale=[0.08, 1.0], one_of_three=1.0, jitter=0.3, flip=0.5)
mixing = dict(mixup=0.8, cutmix=1.0, draws=8)
optimizer = dict(
    name='lamb',
    lr=4e-3,
    final_lr=1e-5,
    warmup=5 / 800,
    layer_decay=1.0,
    patch_embed_lr=1.0,
    weight_decay=[0.05, 0.05],
    decay_tokens=False,
    betas=[0.9, 0.999],
    eps=1e-8,
    clip_norm=1.0,
)
train = dict(steps=500_000, batch_size=2048, precision='bfloat16', checkpoint_every=50_000, log_every=50)
