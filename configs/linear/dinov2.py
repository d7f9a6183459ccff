# DINOv2's linear probe (eval/linear.py): 13 learning rates x {1, 4} blocks x {[CLS], [CLS] + mean patch} = 52 heads on
# one pass. Its published scores are of 8 GPUs x 128 images. DINOv2 reports the best head on val; here the head is
# chosen on training images that are held out.
_base_ = '../_base_/classification.py'

version = 2  # 2: the head that is scored is trained on all of train

probes = dict(
    lr=[1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1],
    lr_batch=256,
    weight_decay=[0.0],
    blocks=[1, 4],
    inputs=['cls', 'cls+mean'],
)
train = dict(
    iterations=12_500,  # 10 "epochs" of 1250
    batch_size=1024,
    source='online',
    crop=224,
    scale=[0.08, 1.0],
    ratio=[3 / 4, 4 / 3],
    filter='bicubic',
    flip=0.5,
)
optimizer = dict(momentum=0.9)
selection = dict(holdout=0.02, refit=True)
