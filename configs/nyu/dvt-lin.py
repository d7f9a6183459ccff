# Denoising-ViT's public baselines (Jiawei-Yang/Denoising-ViT 82704df, evaluation/configs/vitb_nyu_linear_config.py):
# DINOv2's "lin. 1" with the final norm on and a learning rate of 5e-3, ImageNet's mean for every model, positions
# resized as timm does. Its figures are of the validation with the best a1 on the test split; here the last one counts.
_base_ = './dinov2-lin1.py'

family = 'dvt'
version = 1

backbone = dict(
    mean=[0.485, 0.456, 0.406],
    std=[0.229, 0.224, 0.225],
    interpolate_offset=0.0,
    interpolate_antialias=True,
)
features = dict(norm=True)
probes = dict(lr=[5e-3])

published = {
    '_delete_': True,
    'dvt-lin': dict(
        agreement='stated',
        why='its configs of ViT-B have every field; it reports the best validation on val',
    ),
    'dvt-lin-s-l': dict(
        agreement='presumed',
        why='its repository has configs of ViT-B alone; what S and L were trained with is not said',
    ),
}
