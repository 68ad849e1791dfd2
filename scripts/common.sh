# shellcheck shell=bash
# What the scripts share, for bash's `source`: reading targets/*.toml, and finding the tools that build for routers.

die() { printf '%s: %s\n' "$0" "$*" >&2; exit 1; }

# rustup's programs are found even where no login shell has read its env file.
cargo_bin=${CARGO_HOME:-$HOME/.cargo}/bin
case ":$PATH:" in *":$cargo_bin:"*) ;; *) export PATH=$cargo_bin:$PATH ;; esac

# value FILE KEY: the value of a `key = "value"` or `key = number` line.
value() { sed -n "s/^$2 *= *\"\{0,1\}\([^\"#]*[^\"# ]\).*/\1/p" "$1"; }

# Sets `names` to the arguments, or to every router target there is; refuses one that has no file.
target_names() {
    local name
    names=("$@")
    [ $# -gt 0 ] || for name in targets/*.toml; do
        [ "$name" = targets/limits.toml ] || names+=("$(basename "$name" .toml)")
    done
    for name in "${names[@]}"; do
        [ -e "targets/$name.toml" ] && [ "$name" != limits ] ||
            die "there is no router target $name (it would be the file targets/$name.toml)"
    done
}

# The compiler must have std's source (MIPS has no ready-made std) and panic-immediate-abort (since 1.92).
# RUSTC_BOOTSTRAP lets a stable one use the unstable settings of size.config.toml.
builds_std() {
    local sysroot
    sysroot=$("$1" --print sysroot 2>/dev/null) &&
        [ -e "$sysroot/lib/rustlib/src/rust/library/Cargo.lock" ] &&
        RUSTC_BOOTSTRAP=1 "${CARGO:-$sysroot/bin/cargo}" -Z help 2>/dev/null |
            grep panic-immediate-abort >/dev/null
}

# Prints the compiler to use: $RUSTC, else the first that will do. Its cargo is in its own sysroot, or $CARGO.
find_rustc() {
    local candidate
    for candidate in ${RUSTC:-/usr/bin/rustc rustc}; do
        builds_std "$candidate" && command -v "$candidate" && return
    done
    return 1
}

# Prints the linker to use: $ZIG, else the pinned one that scripts/setup installs, else one on PATH.
zig_version=$(sed -n 's/^ziglang==//p' scripts/ziglang.txt)
pinned_zig=$PWD/target/tools/zig-$zig_version/ziglang/zig
find_zig() {
    command -v "${ZIG:-$pinned_zig}" || { [ -z "${ZIG:-}" ] && command -v zig; }
}
