# DINOv3's linear probe (arXiv 2508.10104, D.7): [CLS] of the last block, learning rates 1e-4 to 5, two weight decays,
# and 1024 tokens an image: 512 px for patches of 16; with patches of 14 give view.resize=512 view.crop=448
# train.crop=448. The paper prints the ends of the sweep; the thirteen steps are those of its code.
_base_ = './dinov2.py'

family = 'dinov3'

view = dict(resize=585, crop=512)
probes = dict(
    lr=[1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.5, 1.0, 5.0],
    lr_batch=1024,
    weight_decay=[0.0, 1e-5],
    blocks=[1],
    inputs=['cls'],
)
train = dict(crop=512)

published = dict(_delete_=True)
