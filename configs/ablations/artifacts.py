# What is done against high-norm tokens (nothing, registers, attention bias), each with and without specialisation.
# arXiv 2602.08626 compares the three; its numbers are not public. The last group lays the three beside each other.
title = 'Strategies against high-norm tokens'

columns = [
    dict(name='params +%', field='overhead_pct'),
    dict(name='IN1k lin.', mean=['imagenet-linear']),
    dict(name='ADE20K', mean=['ade20k']),
    dict(name='Cityscapes', mean=['cityscapes']),
    dict(name='VOC', mean=['voc2012']),
    dict(name='avg seg', mean=['ade20k', 'cityscapes', 'voc2012']),
    dict(name='KITTI', mean=['kitti']),
    dict(name='NYU', mean=['nyu']),
    dict(name='SUN', mean=['sunrgbd']),
    dict(name='avg depth', mean=['kitti', 'nyu', 'sunrgbd']),
]
baseline = 'shared'
_rows = [
    dict(name='shared', match=dict(specialization='none')),
    dict(name='norms+qkv', match=dict(specialization='norms+qkv[{third}]')),
]
groups = [
    dict(name='vanilla', match=dict(num_registers=0, attention_bias=False), rows=_rows),
    dict(name='registers', match=dict(num_registers=4, attention_bias=False), rows=_rows),
    dict(name='attention bias', match=dict(num_registers=0, attention_bias=True), rows=_rows),
    dict(
        name='nothing split',
        match=dict(specialization='none'),
        rows=[
            dict(name='shared', match=dict(num_registers=0, attention_bias=False)),
            dict(name='registers', match=dict(num_registers=4, attention_bias=False)),
            dict(name='attention bias', match=dict(num_registers=0, attention_bias=True)),
        ],
    ),
]
# What the last group is about; the other groups have one of each. DINOv2 resizes positions of models with registers in
# another way.
may_differ = ['num_registers', 'attention_bias', 'position_interpolation']
