# Shared by run.sh and test.sh: packages by name, configure, build. Sourced, not run.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD="$ROOT/build/release"
cd "$ROOT"

# install_packages GROUP...: installs what is missing of the named groups of packages.txt (nothing when all is there).
install_packages() {
    local wanted=() missing=() name group
    for group in "$@"; do
        while read -r -a names; do
            wanted+=("${names[@]}")
        done < <(sed -n "s/^$group: *//p" "$ROOT/installers/packages.txt")
    done
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^ii  *//p')
    for name in "${wanted[@]}"; do
        grep -qxF -- "$name" <<<"$installed" || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "Installing ${#missing[@]} packages: ${missing[*]}"
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    "${sudo[@]}" apt-get update -q
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >"$ROOT/build/apt.log" 2>&1 ||
        { tail -n 30 "$ROOT/build/apt.log"; echo "Installing packages failed; the end of build/apt.log is above." >&2; exit 1; }
}

# configure [CMAKE-OPTION...]: does nothing visible when the build folder is current.
configure() {
    cmake --preset release "$@" >"$ROOT/build/configure.log" 2>&1 ||
        { tail -n 30 "$ROOT/build/configure.log"; echo "Configuring failed." >&2; exit 1; }
}

build() {
    cmake --build "$BUILD" --target "$@"
}

mkdir -p "$ROOT/build"
