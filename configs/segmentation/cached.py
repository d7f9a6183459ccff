# dinov2-lin on 2 fixed augmented views of each training image, encoded once for any number of heads.
# Fewer augmentations make another protocol, so it is a family of its own.
_base_ = './dinov2-lin.py'

family = 'cached'

train = dict(stored=dict(_delete_=True, views=2, dtype='float16'))
