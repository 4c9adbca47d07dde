#!/bin/sh
# SPDX-License-Identifier: MIT
# The Debian packages that this project needs, written once.
#
#   packages.sh --list demo|tests|foreign|bench    print them
#   packages.sh demo|tests|foreign|bench           install those that are missing
#
# Neither root nor sudo: one line names what is missing, and the exit status is 1.
set -eu

build='gcc libc6-dev meson ninja-build pkgconf
  libsrtp2-dev libmbedtls-dev libopus-dev
  libasound2-dev libmicrohttpd-dev libcurl4-openssl-dev libjansson-dev
  libavformat-dev libavcodec-dev libavutil-dev libswresample-dev'
demo='alsa-utils jq'
tests='clang clang-format clang-tidy cppcheck libclang-rt-14-dev llvm-14 g++ libcmocka-dev valgrind
  alsa-utils libasound2-plugins pulseaudio pulseaudio-utils
  curl ffmpeg iproute2 jq nftables openssl procps
  libnice-dev libssl-dev libgstreamer1.0-dev libgstreamer-plugins-bad1.0-dev gstreamer1.0-plugins-base
  gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice
  chromium firefox-esr nodejs npm'
# Other machines' compilers. gcc-multilib instead of gcc-12-multilib would drive those out.
foreign='gcc-12-multilib gcc-s390x-linux-gnu libc6-dev-s390x-cross gcc-aarch64-linux-gnu
  libc6-dev-arm64-cross qemu-user-static curl jq'
bench='libcmocka-dev alsa-utils gnuplot-nox jq'

usage() {
  echo 'usage: packages.sh [--list] demo|tests|foreign|bench' >&2
  exit 2
}

list_only=no
if [ "${1-}" = --list ]; then
  list_only=yes
  shift
fi
[ $# -eq 1 ] || usage
case "$1" in
  demo) wanted="$build $demo" ;;
  tests) wanted="$build $tests" ;;
  foreign) wanted="gcc libc6-dev meson ninja-build pkgconf
    libsrtp2-dev libopus-dev libcmocka-dev $foreign" ;;
  bench) wanted="$build $bench" ;;
  *) usage ;;
esac

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The two flavours of libcurl exclude each other and serve alike: keep the one that is there.
if installed libcurl4-gnutls-dev; then
  wanted=$(echo "$wanted" | sed 's/libcurl4-openssl-dev/libcurl4-gnutls-dev/')
fi

# Node.js from elsewhere brings its own npm and excludes Debian's: keep those that are there.
if command -v node >/dev/null && command -v npm >/dev/null; then
  wanted=$(echo "$wanted" | sed 's/nodejs npm//')
fi

if [ "$list_only" = yes ]; then
  # shellcheck disable=SC2086
  printf '%s\n' $wanted
  exit 0
fi

if ! command -v dpkg-query >/dev/null; then
  # shellcheck disable=SC2086
  echo "this is not Debian; install the likes of:" $wanted >&2
  exit 1
fi

missing=''
for package in $wanted; do
  installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=''
elif command -v sudo >/dev/null; then
  as_root='sudo'
else
  echo "these packages are missing; install them as root: apt-get install$missing" >&2
  exit 1
fi


$as_root apt-get update -qq >&2
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
