# DINOv2's linear segmentation ("lin." of arXiv 2304.07193, table 10). Meta published the head, not the training; the
# constants are those of the public copies of its config (Denoising-ViT and FiT3D) and mmsegmentation 0.27's defaults.
family = 'dinov2'
version = 1

data = dict(train='train', val='val')
features = dict(
    layers=[-1],
    norm=True,
    precision='float32',
)
head = dict(dropout=0.0)
probes = dict(
    lr=[1e-3],
    weight_decay=[1e-4],
    seeds=1,
)
train = dict(
    iterations=40_000,
    batch_size=16,  # 8 GPUs x 2
    stored=None,
    resize=dict(short=512, long=2048, filter='cv2'),
    scale=[0.5, 2.0],
    crop=512,
    max_class_share=0.75,
    flip=0.5,
    brightness=32,
    contrast=[0.5, 1.5],
    saturation=[0.5, 1.5],
    hue=18,
)
loss = dict(average='all')  # mmsegmentation's avg_non_ignore=False
optimizer = dict(
    betas=[0.9, 0.999],
    clip_norm=None,
)
schedule = dict(
    decay='linear',
    warmup=1500 / 40_000,
    warmup_ratio=1e-6,
    first_update_twice=False,
)
selection = dict(holdout=0.1, refit=True)
test = dict(
    resize=dict(short=512, long=2048, filter='cv2'),
    window=512,
    stride=341,
    crop_padding=False,  # 37 x 37 logits of a padded 518 px window are resized to 512 px as they are
)
