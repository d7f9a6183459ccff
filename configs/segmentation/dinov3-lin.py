# DINOv3's linear segmentation: facebookresearch/dinov3, eval/segmentation/configs/config-ade20k-linear-training.yaml.
# That code logs the best of eight validations on the reported split; here the last iteration counts. It pads no image
# to whole patches, so it runs patches of 16 only: with patches of 14, the 518 px here are this project's choice.
_base_ = './dinov2-lin.py'

family = 'dinov3'
version = 2  # 2: saturation and hue in torchvision's arithmetic

head = dict(dropout=0.1)
probes = dict(weight_decay=[1e-3])
train = dict(
    resize=dict(long=None, filter='pillow'),
    hue=90,  # its hue factor is +-0.5 of the circle, five times mmsegmentation's
    photometric='torchvision',
)
schedule = dict(decay='cosine', first_update_twice=True)
test = dict(resize=dict(long=None, filter='pillow'))
