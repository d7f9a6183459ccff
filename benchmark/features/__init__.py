"""The feature store: what a frozen backbone says of a dataset's images, computed once and found again by content.

    <cache>/features/<hash of the address>/<hash of the columns>/
        manifest.json            the address in clear, columns, shards, skipped images; "complete" is set last
        00000.safetensors ...    shards: one tensor (images, ...) per column
    <cache>/features/<hash of the address>/<hash of the columns>.lock

An address (``address.py``) names everything features depend on, so a changed weight or transform looks elsewhere, and
what is found is right. A shard appears by a rename: a killed run loses the shard it was at and nothing else. A lock
that the kernel drops with its process makes a second process wait for the first one's features.

Known limits: processes that share the work must see one file system; features computed on a CPU and a GPU differ in
rounding and share an address, as results do.

``inventory.py`` and what it needs import no torch: ``densebench list`` answers at once.
"""
