//! Tells cargo that the migrations are part of the hub: a new file there is compiled in.

fn main() {
    println!("cargo:rerun-if-changed=../migrations/hub");
}
