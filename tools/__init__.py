"""What building and testing Tuckshop needs and a running shop does not."""
