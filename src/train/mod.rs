//! Training. Holds the `train` section of the configuration.
