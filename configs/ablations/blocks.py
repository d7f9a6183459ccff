# In how many blocks: all components split in the first n of 24 (figure 8 b, c of arXiv 2602.08626). Its point at 8 is
# the last row of the table of components, where the norms are split in every block: both forms are taken.
title = 'In how many of 24 blocks'

columns = [
    dict(name='params +%', field='overhead_pct'),
    dict(name='avg seg', mean=['ade20k', 'cityscapes', 'voc2012'], published='avg_seg'),
    dict(name='avg depth', mean=['kitti', 'nyu', 'sunrgbd'], published='avg_depth'),
]
baseline = '0'
groups = [
    dict(
        match=dict(depth=24),
        rows=[
            dict(name='0', match=dict(specialization='none'), published='baseline'),
            *(
                dict(
                    name=str(n),
                    match=dict(
                        specialization=[
                            f'{norms}+qkv[0-{n - 1}]+proj[0-{n - 1}]+mlp[0-{n - 1}]'
                            for norms in (f'norms[0-{n - 1}]', 'norms')
                        ]
                    ),
                    published=f'norms+qkv+proj+mlp in first {n} blocks',
                )
                for n in (4, 8, 12, 16, 20)
            ),
            dict(
                name='24',
                match=dict(specialization='norms+qkv+proj+mlp'),
                published='norms+qkv+proj+mlp in first 24 blocks',
            ),
        ],
        published=dict(protocol='revisiting-cls', model='DINOv2', size='L'),
    ),
]
