# Denoising-ViT's public baselines of timm checkpoints (Jiawei-Yang/Denoising-ViT 82704df, evaluation/configs): DINOv2's
# linear segmentation on tokens without the final norm, ImageNet's mean for every model, positions resized as timm does.
# Its figures are the best of four validations on val; here the last iteration counts.
_base_ = './dinov2-lin.py'

family = 'dvt'

backbone = dict(
    mean=[0.485, 0.456, 0.406],
    std=[0.229, 0.224, 0.225],
    interpolate_offset=0.0,
    interpolate_antialias=True,
)
features = dict(norm=False)
