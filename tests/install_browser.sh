#!/bin/sh
# Makes sure that the browser tests find a Chromium: the system's, else Debian's package, else Playwright's own build.
# Usage: install_browser.sh VENV_BIN
set -eu
if command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; then
	exit 0
fi
if command -v apt-get >/dev/null 2>&1; then
	as_root=""
	[ "$(id -u)" = 0 ] || as_root="sudo -n"
	if $as_root true 2>/dev/null; then
		export DEBIAN_FRONTEND=noninteractive
		# The Noto fonts draw Chinese and the pages' symbols; without them a screenshot shows boxes.
		packages="chromium fonts-noto-cjk fonts-noto-color-emoji"
		# A condition, since `set -e` would end the script here where a package is not to be had.
		if $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends $packages >/dev/null; then
			exit 0
		fi
	fi
fi
"$1/playwright" install chromium
