//! Passes the version of libtorch that the program is built against to it: it is only in a header, in no function of
//! `tch`.

use std::path::PathBuf;
use std::{env, fs};

/// The header's paths: first that of newer libtorches, in which the old path only includes the new one.
const HEADERS: [&str; 2] = ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["LIBTORCH", "LIBTORCH_INCLUDE"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    match version() {
        Ok(version) => println!("cargo::rustc-env=FRAGUA_LIBTORCH_VERSION={version}"),
        Err(reason) => println!("cargo::error={reason}"),
    }
}

fn version() -> Result<String, String> {
    let folder = env::var_os("LIBTORCH_INCLUDE")
        .or_else(|| env::var_os("LIBTORCH"))
        .ok_or("LIBTORCH is not set: call cargo inside the checkout, where .cargo/config.toml sets it")?;
    let include = PathBuf::from(folder).join("include");
    let header = HEADERS.map(|header| include.join(header));
    let header = header.iter().find(|header| header.is_file()).unwrap_or(&header[1]);
    println!("cargo::rerun-if-changed={}", header.display());
    let text = fs::read_to_string(header)
        .map_err(|error| format!("{}: {error}; scripts/setup.sh brings libtorch", header.display()))?;
    let part = |name: &str| {
        let prefix = format!("#define TORCH_VERSION_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.map(str::trim).ok_or_else(|| format!("{}: no line {prefix:?}", header.display()))
    };
    Ok(format!("{}.{}.{}", part("MAJOR")?, part("MINOR")?, part("PATCH")?))
}
