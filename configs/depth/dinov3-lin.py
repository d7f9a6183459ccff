# DINOv3's linear depth: facebookresearch/dinov3, eval/depth/configs/config-nyu.yaml and eval/depth/schedulers.py.
# It validates without flips in training and averages them in the test; here the test counts.
_base_ = './dinov2-lin1.py'

family = 'dinov3'

features = dict(norm=True, with_cls=False)
head = dict(batch_norm=True, upsample=1, init='normal')
probes = dict(lr=[3e-4], weight_decay=[1e-4])
optimizer = dict(
    beta1=dict(schedule='after_warmup'),
    beta2=0.99,
)
schedule = dict(
    decay='one_cycle',
    warmup_ratio=1e-3,  # 1 / final_div_factor
    floor=1 / 25_000,  # 1 / (div_factor x final_div_factor)
)
test = dict(flip='before_resize', clamp='after_resize')
