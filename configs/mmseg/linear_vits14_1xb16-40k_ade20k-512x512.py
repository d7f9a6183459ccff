# The protocol dinov2-lin on ADE20K as a stock mmsegmentation 1.2.2 config: EncoderDecoder and Runner, nothing of ours
# but the frozen backbone and the head. Run it with
#   python -m benchmark.openmmlab configs/mmseg/linear_vits14_1xb16-40k_ade20k-512x512.py \
#       model.backbone.checkpoint=my_vit.pth model.decode_head.in_channels=384
custom_imports = dict(imports=['benchmark.openmmlab'])
default_scope = 'mmseg'

data_root = 'data/ade20k/ADEChallengeData2016'
crop_size = (512, 512)

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=crop_size,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(type='FrozenViT', checkpoint='vits14.pth', layers=[-1], norm=True),
    decode_head=dict(
        type='LinearProbeHead',
        in_channels=384,
        num_classes=150,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=False),
    ),
    test_cfg=dict(mode='slide', crop_size=crop_size, stride=(341, 341)),
)

train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow', color_type='color_ignore_orientation'),
    dict(type='LoadAnnotations'),
    dict(type='CheckSegmentationSample', num_classes=150),
    dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow', color_type='color_ignore_orientation'),
    dict(type='Resize', scale=(2048, 512), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='ADE20KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ADE20KDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/validation', seg_map_path='annotations/validation'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.999), weight_decay=1e-4),
)
param_scheduler = [  # mmengine arrives one iteration before `end`, mmcv 1.5 arrived at it
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1501),
    dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin=0, end=40_001),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40_000, val_interval=40_000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=10_000),
)
randomness = dict(seed=0)
