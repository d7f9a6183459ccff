# DINOv2 on ImageNet: 100 epochs of 1250 steps (facebookresearch/dinov2 ssl_default_config.yaml), with patches of 14
# pixels and heads of their own for [CLS] and patches (vitl14.yaml). Learning rates are the same in every layer.
method = 'dino'

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
)
student_temperature = 0.1
losses = dict(dino=1.0, ibot=1.0, koleo=0.1)
optimizer = dict(
    name='adamw',
    lr=4e-3,
    final_lr=1e-6,
    warmup=0.1,
    weight_decay=[0.04, 0.4],
    betas=[0.9, 0.999],
    clip_norm=3.0,
)
train = dict(steps=125_000, batch_size=1024, precision='bfloat16', checkpoint_every=25_000, log_every=50)
