_base_ = '../_base_/dvt_lin_depth.py'
data = dict(trained_on='nyu', train='train', val='val', depth_range=[0.001, 10.0])
train = dict(
    fixed_crop=dict(top=45, left=43, height=427, width=565),  # rows 45:472, columns 43:608: no white frame
    crop=[416, 544],
    brightness=[0.75, 1.25],
)
test = dict(fixed_crop=None, evaluation_crop='eigen')

published = {
    'dvt-lin': dict(
        agreement='stated',
        why='its configs of ViT-B have every field; it reports the best validation on val',
    ),
    'dvt-lin-s-l': dict(
        agreement='presumed',
        why='its repository has configs of ViT-B alone; what S and L were trained with is not said',
    ),
}
