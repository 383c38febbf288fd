# shellcheck shell=bash
# Shared by the scripts in this folder: says what happens, keeps long output out of sight unless it fails.

oncue_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
oncue_cache=${ONCUE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/oncue}
oncue_jobs=${ONCUE_JOBS:-$(nproc)}

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
  oncue_bold=$'\033[1m' oncue_red=$'\033[31m' oncue_off=$'\033[0m'
else
  oncue_bold='' oncue_red='' oncue_off=''
fi

say() { printf '%s==> %s%s\n' "$oncue_bold" "$*" "$oncue_off" >&2; }
die() { printf '%serror:%s %s\n' "$oncue_red" "$oncue_off" "$*" >&2; exit 1; }

# run_quietly LOG COMMAND...: runs the command into LOG; on failure shows the log's end and fails.
run_quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    die "'$*' failed; its whole output is in $log"
  fi
}

# as_root COMMAND...: runs it directly as root, else through sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "'$*' needs root, and there is no sudo on this machine"
  fi
}
