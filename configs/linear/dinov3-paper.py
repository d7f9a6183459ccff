# DINOv3's linear probe as its paper has it (arXiv 2508.10104, D.7): [CLS] of the last block, fifteen learning rates,
# two weight decays, and 1,024 tokens an image (448 px with patches of 14, 512 px with 16), the short side resized to
# the crop. Whether the rates are scaled by the batch is not said: they are taken as printed, for its batch of 1,024.
_base_ = './dinov2.py'

family = 'dinov3-sweep'

view = dict(resize=dict(_delete_=True, patches=32), crop=dict(_delete_=True, patches=32))
probes = dict(
    lr=[1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0],
    lr_batch=1024,
    weight_decay=[0.0, 1e-5],
    blocks=[1],
    inputs=['cls'],
)
train = dict(crop=dict(_delete_=True, patches=32))
