//! Recognises out-of-memory failures by their text: libtorch, oneDNN and CUDA have no error type for it. The
//! consequences are decided elsewhere.

/// What the texts contain.
const TEXTS: [&str; 9] = [
    // libtorch's allocators of main memory and of a GPU's, and the CUDA runtime.
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    // More bytes than an address can count.
    "Storage size calculation overflowed",
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

/// Whether a text says that the system gives no thread: there is no memory for its stack, or there are too many processes.
#[must_use]
pub fn lacks_threads(text: &str) -> bool {
    // EAGAIN, in the words of the C library.
    text.contains("Resource temporarily unavailable")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libtorch 2.4.1 says on a CPU, provoked by lowering the limit of a process's address space step by step: in
    /// convolutions and matrix products of fp32 and bf16, forward and backward, and by asking for too much.
    const PROVOKED: [&str; 4] = [
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate \
         40960000 bytes. Error code 12 (Cannot allocate memory)",
        "could not create a primitive",
        "std::bad_alloc",
        "Storage size calculation overflowed with sizes=[4611686018427387904]",
    ];

    /// Its text on a GPU, from its source and from reports: no GPU was at hand.
    const OF_A_GPU: [&str; 4] = [
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.72 GiB",
        "CUDA error: out of memory",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ];

    #[test]
    fn every_text_for_missing_memory_is_known() {
        for text in PROVOKED.iter().chain(&OF_A_GPU) {
            assert!(is_out_of_memory(text), "{text}");
        }
    }

    #[test]
    fn a_thread_that_can_not_be_started_is_no_bug() {
        let provoked = "The global thread pool has not been initialized.: ThreadPoolBuildError { kind: IOError(Os { code: \
                        11, kind: WouldBlock, message: \"Resource temporarily unavailable\" }) }";
        assert!(lacks_threads(provoked) && !is_out_of_memory(provoked));
    }

    #[test]
    fn other_failures_are_not_taken_for_it() {
        for text in [
            "CUDA error: an illegal memory access was encountered",
            "CUDA error: device-side assert triggered",
            "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
            "shape '[2]' is invalid for input of size 1",
            "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        ] {
            assert!(!is_out_of_memory(text), "{text}");
        }
    }
}
