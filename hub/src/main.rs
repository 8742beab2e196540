//! Command line of the hub.

fn main() -> std::process::ExitCode {
    mizili_hub::cli::main()
}
