# The same protocol for the rendered mini data: neighbours by the tens need hundreds of images.
_base_ = './dinov2.py'

family = 'mini'

view = dict(resize=128, crop=112)
knn = dict(k=[1, 3, 5, 10])
selection = dict(holdout=0.25)
