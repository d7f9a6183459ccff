"""Writes rendered rooms in the official folder layouts of all datasets.

    ade20k/SYNTHETIC.json
    ade20k/ADEChallengeData2016/images/{training,validation}/ADE_{train,val}_00000001.jpg
    ade20k/ADEChallengeData2016/annotations/{training,validation}/ADE_{train,val}_00000001.png     0 = other
    voc2012/SYNTHETIC.json
    voc2012/VOCdevkit/VOC2012/JPEGImages/2007_000001.jpg
    voc2012/VOCdevkit/VOC2012/SegmentationClass/2007_000001.png                palette; 0..20, 255 = border
    voc2012/VOCdevkit/VOC2012/ImageSets/Segmentation/{train,val,trainval}.txt
    nyu/SYNTHETIC.json
    nyu/nyu_depth_v2/<scene>/{rgb_00001.jpg,sync_depth_00001.png}              16 bits, millimetres
    nyu/nyu_depth_v2/nyu_{train,test}.txt                                      train lines begin with "/"
    kitti/SYNTHETIC.json
    kitti/input/2011_09_26/<drive>/image_02/data/0000000000.png
    kitti/gt_depth/<drive>/proj_depth/groundtruth/image_02/0000000000.png      16 bits, 1/256 m, four fifths are 0
    kitti/kitti_eigen_{train,test}.txt                                         the last test line has no depth map
    cityscapes/SYNTHETIC.json
    cityscapes/leftImg8bit/{train,val}/<city>/<city>_000000_000019_leftImg8bit.png
    cityscapes/gtFine/{train,val}/<city>/<city>_000000_000019_gtFine_{labelIds,labelTrainIds}.png
    sunrgbd/SYNTHETIC.json
    sunrgbd/SUNRGBD/{kv1,kv2,realsense,xtion}/.../{image/0000001.jpg,depth/0000001.png}    16 bits, rotated by 3
    sunrgbd/SUNRGBD_val_splits.txt
    imagenet/SYNTHETIC.json
    imagenet/{train,val}/n00000001/*.JPEG                                      the object in front is the class

``SYNTHETIC.json`` holds the settings. A dataset is built in a folder beside its place and renamed when
complete, so a folder that exists is whole. One with the same settings is kept, one with others is replaced,
and a folder without ``SYNTHETIC.json`` may hold real data and is refused. The same settings give the same
bytes, up to the versions of numpy and Pillow.
"""

from benchmark.synthetic.datasets.mini import WRITERS, split_seeds, write_dataset, write_mini

__all__ = ["WRITERS", "split_seeds", "write_dataset", "write_mini"]
