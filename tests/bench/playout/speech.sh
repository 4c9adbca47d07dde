#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: speech.sh FOLDER
# Prints where the WAV files of Debian's alsa-utils are. A slim Debian leaves out what a package
# brings under /usr/share: then the package is fetched and unpacked in FOLDER.
set -euo pipefail
if [ $# -ne 1 ]; then
  echo 'usage: speech.sh FOLDER' >&2
  exit 2
fi
have() {
  [ -f "$1/Front_Center.wav" ]
}

if have /usr/share/sounds/alsa; then
  echo /usr/share/sounds/alsa
  exit
fi
mkdir -p "$1"
cd "$1"
sounds=$PWD/alsa-utils/usr/share/sounds/alsa
if ! have "$sounds"; then
  apt-get download alsa-utils >&2
  dpkg-deb -x alsa-utils_*.deb alsa-utils
  rm -f alsa-utils_*.deb
fi
have "$sounds"
echo "$sounds"
