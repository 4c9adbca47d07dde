#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -uo pipefail

usage() {
  cat <<'END'
usage: tests/foreign.sh [MACHINE...]

Builds the library for other machines than this one (amd64 and Debian 12 are taken for granted) and
runs the suites unit, vector, regress, scenario and fuzz-replay there. Without an argument, all:

  i386           32 bits, little-endian; runs natively. The suite oom too
  i386-sanitize  the same with address and undefined-behaviour sanitizers; without oom
  s390x          64 bits, big-endian; under qemu. Without scenario, which would take an hour
  arm64          64 bits, little-endian, where char is unsigned; under qemu. Without scenario
  mbedtls3       this machine, but mbedTLS 3.6, which Debian 12 has not; its source is that in a crate
                 of crates.io

Where an emulator runs the tests, those with chance in them run with one seed (PAW_SEED, else 1).

What is compiled comes from the packages of `examples/packages.sh foreign`. Libraries of the machine
are fetched from this machine's own sources of packages and unpacked in build/foreign/; nothing
foreign is installed. The programs are not built there, nor are the tests that need them.

The last line says how many tests passed and failed; the exit status is 0 only if none failed.
END
}

machines=(i386 i386-sanitize s390x arm64 mbedtls3)
case ${1:-} in
-h | --help)
  usage
  exit
  ;;
esac
for machine in "$@"; do
  if [[ " ${machines[*]} " != *" $machine "* ]]; then
    usage >&2
    exit 2
  fi
done
[ $# -eq 0 ] || machines=("$@")

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
. tests/steps.sh

# The library's own dependencies, what they need in turn, cmocka, and what gcc -m32 finds nowhere.
libraries=(libsrtp2-1 libsrtp2-dev libnss3 libnss3-dev libnspr4 libnspr4-dev libsqlite3-0 zlib1g
  libmbedtls14 libmbedx509-1 libmbedcrypto7 libmbedtls-dev libopus0 libopus-dev libcmocka0
  libcmocka-dev linux-libc-dev)

# Unpack the libraries of an architecture in build/foreign/ARCHITECTURE/root, with lists of packages
# of our own beside it, so that dpkg need not know the architecture.
fetch_libraries() { # ARCHITECTURE
  local folder=$root/build/foreign/$1 package
  if [ "$(cat "$folder/unpacked" 2> /dev/null)" = "${libraries[*]}" ]; then
    return
  fi
  rm -rf "$folder"
  mkdir -p "$folder"/{root,lists/partial,cache/archives/partial,packages}
  : > "$folder/status"
  local apt=(apt-get -qq -o APT::Architecture="$1" -o APT::Architectures="$1"
    -o Dir::State="$folder" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache"
    -o APT::Sandbox::User= -o Acquire::Languages=none
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
  "${apt[@]}" update || say "not every list of packages came: going on with those that did"
  (cd "$folder/packages" && "${apt[@]}" download "${libraries[@]}") || return
  for package in "$folder"/packages/*.deb; do
    dpkg-deb -x "$package" "$folder/root" || return
  done
  rm -r "$folder"/{lists,cache,packages}
  echo "${libraries[*]}" > "$folder/unpacked"
}

# A cross file of meson. What links in that root finds its libraries there when it runs, theirs too.
write_cross_file() { # ARCHITECTURE TRIPLET FAMILY ENDIAN COMPILER EMULATOR
  local folder=$root/build/foreign/$1
  local libs=$folder/root/usr/lib/$2
  cat > "$folder/cross.ini" <<END
[binaries]
c = [$5]
ar = 'ar'
strip = 'strip'
pkgconfig = 'pkg-config'
${6:+exe_wrapper = [$6]}

[properties]
needs_exe_wrapper = ${7:-true}
sys_root = '$folder/root'
pkg_config_libdir = ['$libs/pkgconfig', '$folder/root/usr/share/pkgconfig']

[built-in options]
c_args = ['-isystem', '$folder/root/usr/include', '-isystem', '$folder/root/usr/include/$2']
c_link_args = ['-L$libs', '-Wl,--disable-new-dtags,-rpath,$libs:$libs/nss']

[host_machine]
system = 'linux'
cpu_family = '$3'
cpu = '$3'
endian = '$4'
END
}

# mbedTLS 3.6.5 as it is in a crate of crates.io, with DTLS-SRTP switched on, as static libraries.
crate=mbedtls-rs-sys-0.3.1
crate_sha256=ed3d6fe75492994df511a63da8de669a0c59938ada3345e3d4756aec095d2ffb

build_mbedtls3() {
  local folder=$root/build/foreign/mbedtls3 source
  [ ! -e "$folder/built" ] || return 0
  rm -rf "$folder"
  mkdir -p "$folder"/objects/{mbedtls,mbedx509,mbedcrypto}
  curl -sSfL -o "$folder/crate" "https://static.crates.io/crates/${crate%-*}/$crate.crate" || return
  sha256sum --check --quiet <<< "$crate_sha256  $folder/crate" || return
  tar xzf "$folder/crate" -C "$folder" --strip-components=1 "$crate/mbedtls" || return
  sed -i 's,^//\(#define MBEDTLS_SSL_DTLS_SRTP\)$,\1,' \
    "$folder/mbedtls/include/mbedtls/mbedtls_config.h"
  grep -q '^#define MBEDTLS_SSL_DTLS_SRTP$' "$folder/mbedtls/include/mbedtls/mbedtls_config.h" || return
  (
    cd "$folder/mbedtls" || exit
    for source in library/*.c 3rdparty/everest/library/{everest,x25519,Hacl_Curve25519_joined}.c \
      3rdparty/p256-m/*.c 3rdparty/p256-m/p256-m/*.c; do
      case ${source##*/} in
      ssl_* | mps_* | net_sockets.c | debug.c) echo "mbedtls $source" ;;
      x509* | pkcs7.c) echo "mbedx509 $source" ;;
      *) echo "mbedcrypto $source" ;;
      esac
    done | xargs -P "$(nproc)" -L 1 sh -c 'gcc -O2 -g -fPIC -Iinclude -Ilibrary \
      -I3rdparty/everest/include -I3rdparty/everest/include/everest \
      -I3rdparty/everest/include/everest/kremlib -I3rdparty/p256-m/p256-m/include \
      -I3rdparty/p256-m/p256-m/include/p256-m -I3rdparty/p256-m/p256-m \
      -c "$1" -o "../objects/$0/$(basename "$1" .c).o"'
  ) || return
  for source in mbedtls mbedx509 mbedcrypto; do
    ar rc "$folder/lib$source.a" "$folder/objects/$source"/*.o || return
  done
  touch "$folder/built"
}

prepare() { # ARCHITECTURE
  if [ "$1" = mbedtls3 ]; then
    build_mbedtls3
    return
  fi
  fetch_libraries "$1" || return
  case $1 in
  i386) write_cross_file i386 i386-linux-gnu x86 little "'gcc', '-m32'" '' false ;;
  s390x)
    write_cross_file s390x s390x-linux-gnu s390x big "'s390x-linux-gnu-gcc'" \
      "'qemu-s390x-static', '-L', '/usr/s390x-linux-gnu'"
    ;;
  arm64)
    write_cross_file arm64 aarch64-linux-gnu aarch64 little "'aarch64-linux-gnu-gcc'" \
      "'qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'"
    ;;
  esac
}

build() { # FOLDER MESON_OPTION...
  local folder=$1
  shift
  rm -rf "$folder"
  meson setup "$folder" --werror -Dprograms=disabled "$@" > "$folder.log" 2>&1 &&
    ninja -k 0 -C "$folder" >> "$folder.log" 2>&1 && return
  show_build "$folder.log"
  return 1
}

run_suites() { # FOLDER SUITE...
  local folder=$1 suite options=(--timeout-multiplier 20) # the limits of time are this machine's
  shift
  for suite in "$@"; do
    options+=(--suite "$suite")
  done
  if grep -q exe_wrapper "$folder/../${folder##*/build-}/cross.ini" 2> /dev/null; then
    local -x PAW_SEED=${PAW_SEED:-1}
  fi
  run_tests "$folder" foreign "${options[@]}" || fail_step "no tests in $folder"
  [ ${#skipped[@]} -eq 0 ] || fail_step "skipped: ${skipped[*]}"
}

run_machine() { # MACHINE
  local architecture=${1%-sanitize} folder=build/foreign/build-$1
  local setup=(--cross-file "build/foreign/$architecture/cross.ini")
  local suites=(unit vector regress fuzz-replay)
  say "libraries for $architecture"
  prepare "$architecture" || {
    fail_step "no libraries for $architecture"
    return
  }
  case $1 in
  i386) suites+=(scenario oom) ;;
  i386-sanitize)
    suites+=(scenario)
    setup+=(-Db_sanitize=address,undefined)
    ;;
  mbedtls3)
    suites+=(scenario)
    setup=("-Dc_args=['-isystem', '$root/build/foreign/mbedtls3/mbedtls/include']"
      "-Dc_link_args=-L$root/build/foreign/mbedtls3")
    ;;
  esac
  say "building for $1"
  build "$folder" "${setup[@]}" || {
    fail_step "the build for $1"
    return
  }
  say "testing on $1"
  run_suites "$folder" "${suites[@]}"
}

say "packages"
if examples/packages.sh foreign; then
  for machine in "${machines[@]}"; do
    run_machine "$machine"
  done
else
  fail_step "installing packages"
fi
finish
