# DINOv2 on ImageNet-1k, 100 epochs of 1250 steps: facebookresearch/dinov2 configs/ssl_default_config.yaml, whose drop
# path is a ViT-L's. Patches of 14 pixels, local crops of 98 and heads of their own for [CLS] and patches are
# train/vitl14.yaml's. docs/pretraining.md lists what differs. For other batches: lr = 4e-3 * sqrt(batch / 1024).
method = 'dino'
version = 2

model = dict(patch_size=14, layer_scale=1e-5, drop_path=0.3)
# Blurred are none of the first crops and nine tenths of the second ones: data/augmentations.py (lines 73-82) asks for
# 1.0, 0.1 and 0.5, and data/transforms.py (line 19) blurs the others.
global_crops = dict(size=224, scale=[0.32, 1.0], blur=[0.0, 0.9], solarise=[0.0, 0.2])
local_crops = dict(count=8, size=98, scale=[0.05, 0.32], blur=0.5)
colours = dict(jitter=0.8, brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1, grey=0.2)
masks = dict(probability=0.5, ratio=[0.1, 0.5])
heads = dict(prototypes=65536, hidden=2048, bottleneck=256, frozen_steps=1250)
teacher = dict(
    momentum=[0.992, 1.0],
    temperature=[0.04, 0.07],
    temperature_warmup=0.3,
    centering='centering',
    center_momentum=0.9,
)
student_temperature = 0.1
losses = dict(dino=1.0, ibot=1.0, koleo=0.1)
optimizer = dict(
    name='adamw',
    lr=4e-3,
    final_lr=1e-6,
    warmup=0.1,
    layer_decay=0.9,
    patch_embed_lr=0.2,
    weight_decay=[0.04, 0.4],
    decay_tokens=True,
    betas=[0.9, 0.999],
    eps=1e-8,
    clip_norm=3.0,
)
train = dict(steps=125_000, batch_size=1024, precision='bfloat16', checkpoint_every=25_000, log_every=50)
