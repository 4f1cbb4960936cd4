//! How the C library's allocator treats the large blocks of CPU tensors.

/// Smaller blocks come from memory that the process keeps, larger ones from the system each time.
const KEPT_BLOCK_BYTES: i32 = 1 << 30;

/// Lets the process keep freed memory instead of returning it. A training step frees and allocates the same blocks of
/// many megabytes over and over; fresh blocks from the system are mapped page by page, which halves the speed of a
/// convolution. Costs as much resident memory as the largest step leaves unused.
///
/// `main` calls it before any tensor exists. If the C library has another allocator, nothing happens.
pub fn tune() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    keep_freed_memory();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator's settings are C functions")]
fn keep_freed_memory() {
    // SAFETY: `mallopt` takes numbers and locks the allocator itself.
    let accepted = unsafe {
        [libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES), libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX)]
    };
    if accepted.contains(&0) {
        tracing::debug!("the allocator refused its settings: training on a CPU may be slower");
    }
}
