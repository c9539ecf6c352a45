#!/usr/bin/env bash
# Both servers, every claim: `load-tests/compare.sh --quick`, or without it for
# numbers to quote. All options: `load-tests/compare.sh --help`.
cd "$(dirname "$0")/.." || exit 1
exec cargo run --release --quiet --package load-tests -- compare "$@"
