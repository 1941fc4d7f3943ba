# shellcheck shell=sh
# Sourced by the hooks. A role that was assigned a moment ago may take minutes to be known everywhere.
patiently() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then
      echo "Given up after $tries tries: $*" >&2
      return 1
    fi
    sleep 10
  done
}
