//! Command line of the hub.

/// Many small pieces of memory for each request, on all threads: docs/decisions/0028-the-hubs-memory.md.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    mizili_hub::cli::main()
}
