# Which layers are split. Rows in the order of the component-ablation table of arXiv 2602.08626 (DINOv2 ViT-L): norms in
# every block, everything else in the first third of the blocks; {third} is written as the model's depth wants it.
title = 'Which layers are split'

columns = [
    dict(name='params +%', field='overhead_pct', published='parameters'),
    dict(name='IN1k lin.', mean=['imagenet-linear'], published='imagenet_linear'),
    dict(name='avg seg', mean=['ade20k', 'cityscapes', 'voc2012'], published='avg_seg'),
    dict(name='avg depth', mean=['kitti', 'nyu', 'sunrgbd'], published='avg_depth'),
]
baseline = 'baseline'
groups = [
    dict(
        rows=[
            dict(name='baseline', match=dict(specialization='none'), published='baseline'),
            dict(name='norms', match=dict(specialization='norms'), published='norms'),
            dict(name='norms+proj', match=dict(specialization='norms+proj[{third}]'), published='norms+proj'),
            dict(name='norms+qkv', match=dict(specialization='norms+qkv[{third}]'), published='norms+qkv'),
            dict(
                name='norms+qkv+proj',
                match=dict(specialization='norms+qkv[{third}]+proj[{third}]'),
                published='norms+qkv+proj',
            ),
            dict(name='norms+mlp', match=dict(specialization='norms+mlp[{third}]'), published='norms+mlp'),
            dict(
                name='norms+proj+mlp',
                match=dict(specialization='norms+proj[{third}]+mlp[{third}]'),
                published='norms+proj+mlp',
            ),
            dict(
                name='norms+qkv+mlp',
                match=dict(specialization='norms+qkv[{third}]+mlp[{third}]'),
                published='norms+qkv+mlp',
            ),
            dict(
                name='norms+qkv+proj+mlp',
                match=dict(  # one checkpoint for this row and for that of 8 blocks in blocks.py
                    specialization=[
                        'norms+qkv[{third}]+proj[{third}]+mlp[{third}]',
                        'norms[{third}]+qkv[{third}]+proj[{third}]+mlp[{third}]',
                    ]
                ),
                published='norms+qkv+proj+mlp',
            ),
            # Further rows of the text.
            dict(name='qkv', match=dict(specialization='qkv[{third}]'), published='qkv only (no norms)'),
            dict(
                name='norms+lora',
                match=dict(specialization='norms+qkv-lora128[{third}]'),
                published='norms+lora-qkv',
            ),
        ],
        published=dict(protocol='revisiting-cls', model='DINOv2', size='L'),
    ),
]
