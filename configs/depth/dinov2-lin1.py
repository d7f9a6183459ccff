# DINOv2's linear depth, one block ("lin. 1" of arXiv 2304.07193, table 11). Meta published the head, not the training;
# the constants are those of the public copies of its config (FiT3D's baseline_configs) and mmcv 1.5's defaults.
# The copies add a GradientLoss of weight 0.5 that compares channels of a one-channel map: it is exactly zero.
family = 'dinov2'
version = 2

data = dict(train='train', val='val')  # the dataset says trained_on, depth_range and test.evaluation_crop
features = dict(
    layers=[-1],
    norm=False,
    with_cls=True,
    precision='float32',
)
head = dict(
    bins=256,
    batch_norm=False,
    upsample=4,
    init='pytorch',
)
probes = dict(
    lr=[1e-4],
    weight_decay=[0.01],
    seeds=1,
)
train = dict(
    iterations=38_400,
    batch_size=16,  # 8 GPUs x 2: samples_per_gpu=2 is printed, 8 is inferred
    stored=None,
    fixed_crop=None,
    crop=[416, 544],  # NYU's
    rotate=2.5,
    rotate_share=0.5,
    flip=0.5,
    color_share=0.5,
    gamma=[0.9, 1.1],
    brightness=[0.75, 1.25],
    channel=[0.9, 1.1],
)
loss = dict(
    group=2,  # its statistics are those of one GPU's images
    mean_weight=0.15,
    epsilon=0.001,
    warmup_iterations=100,
    gradient_weight=0.0,
)
optimizer = dict(
    beta1=dict(schedule='one_cycle', low=0.85, high=0.95, turn=0.3),  # momentum_config=dict(policy='OneCycle')
    beta2=0.999,
    clip_norm=35.0,
)
schedule = dict(
    decay='cosine',
    warmup=12_800 / 38_400,
    warmup_ratio=1e-3,
    floor=1e-8,
)
selection = dict(holdout=0.1, refit=True)
test = dict(
    fixed_crop=None,
    flip='after_resize',
    clamp='before_resize',
    cap=None,
    crop_padding=False,  # depths of an image padded to whole patches are resized to the image as they are
)
