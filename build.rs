//! The web app is built into the binary; cargo does not see that by itself.

fn main() {
    println!("cargo:rerun-if-changed=static");
}
