//! Memory that ran out, told from every other failure by its text: libtorch, oneDNN and CUDA have no error of their own for it.
//! What follows from it is for others to decide.

/// What the texts contain.
const TEXTS: [&str; 8] = [
    // libtorch's allocators of main memory and of a GPU's, and the CUDA runtime.
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    // The C++ and C libraries.
    "std::bad_alloc",
    "Cannot allocate memory",
    // oneDNN, which computes convolutions and matrix products on a CPU.
    "could not create a",
    // cuBLAS and cuDNN.
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
];

/// Whether a text says that memory ran out.
#[must_use]
pub fn is_out_of_memory(text: &str) -> bool {
    TEXTS.iter().any(|known| text.contains(known))
}
