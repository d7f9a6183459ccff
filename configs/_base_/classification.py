# What kNN, linear probes and logistic regression share after DINOv2 (facebookresearch/dinov2, eval/).
family = 'dinov2'
version = 1

data = dict(train='train', val='val')
features = dict(
    norm=True,
    precision='float32',
    dtype='float16',  # 11 bits of a normalised token; half of the disk
)
view = dict(resize=256, crop=224, filter='bicubic')
