#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: install.sh BUILD_FOLDER [CC]
# Installs into an empty folder and builds a program there by what pkg-config says, with the shared
# and with the static library. Also proves that it can fail: without the library it does not link.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
cc=${2:-cc}
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
cd "$dest"

meson install -C "$build" --no-rebuild --destdir "$dest/root" > install.log || {
  cat install.log
  exit 1
}
pc=$(find root -name pawebrtc.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
export PKG_CONFIG_PATH=$dest/${pc%/*}
pkg_config() {
  pkg-config "--define-variable=prefix=$dest/root$prefix" "$@" pawebrtc
}

cat > program.c <<'END'
#include <pawebrtc/pawebrtc.h>
#include <stdio.h>
/* One of each header, to link what lies behind it. */
void (*const doors[])(void) = {(void (*)(void))paw_certificate_generate, (void (*)(void))paw_dtls_new,
                               (void (*)(void))paw_encoder_new, (void (*)(void))paw_hub_new,
                               (void (*)(void))paw_ice_new,     (void (*)(void))paw_playout_new,
                               (void (*)(void))paw_rtc_new};
int main(void) {
  struct paw_address address;
  if (paw_address_parse("192.0.2.1:8443", &address) != PAW_OK) {
    return 1;
  }
  printf("%s %d\n", paw_version(), address.port);
  return 0;
}
END
version=$(pkg_config --modversion)
library_folder=$(pkg_config --variable=libdir)

expect() { # PROGRAM
  said=$(LD_LIBRARY_PATH=$library_folder "./$1")
  if [ "$said" != "$version 8443" ]; then
    echo "$1 said: $said"
    exit 1
  fi
}

$cc -std=c11 -Wall -Werror $(pkg_config --cflags) program.c -o shared $(pkg_config --libs)
expect shared
objdump -p shared | grep -q 'NEEDED *libpawebrtc\.so' || { echo "not linked with the .so"; exit 1; }

# README's example does what README says.
root=$(cd "$here/../.." && pwd)
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$root/README.md" > offer.c
$cc -std=gnu11 -Wall -Wextra -Werror $(pkg_config --cflags) offer.c -o offer $(pkg_config --libs)
LD_LIBRARY_PATH=$library_folder ./offer | grep -q '^a=rtpmap:111 opus/48000/2' || {
  echo "README's example does not print an offer"
  exit 1
}

# Our archive, and the system's libraries as they come.
$cc -std=c11 -Wall -Werror $(pkg_config --cflags) program.c -o static \
  $(pkg_config --static --libs | sed 's/-lpawebrtc/-l:libpawebrtc.a/')
rm "$library_folder"/libpawebrtc.so*
expect static
if LD_LIBRARY_PATH=$library_folder ./shared 2> /dev/null; then
  echo "the shared program runs without the library that was installed"
  exit 1
fi

headers=$(find "root$prefix/include/pawebrtc" -name "*.h" | wc -l)
echo "version $version, $headers headers, shared and static"
