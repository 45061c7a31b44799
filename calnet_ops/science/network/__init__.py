"""CALNet: the network, how it learns, and how it scores without TensorFlow."""
