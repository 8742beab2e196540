//! The edge's program: only a way into its command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    mizili_edge::cli::main()
}
