#!/bin/sh
# `dbt build`, then the syncs whose segments read its tables: in place of `dbt build` in a
# crontab or a CI job. Words given to it go to dbt. Needs dbt and syncd on the PATH, and
# SYNCD_CONFIG. Its exit code is dbt's if that failed, else syncd's; 3 (rows refused) is 0.
#
#   SYNCS="whales-meta newsletter-google" after_dbt.sh --select +whales
set -u
tries=${TRIES:-6}
pause=${PAUSE:-900} # seconds

# A model or a test that failed: the segments may be wrong, so nobody is added or removed.
dbt build "$@" || exit

while :; do
    # The names are words of their own.
    # shellcheck disable=SC2086
    syncd sync $SYNCS --wait
    code=$?
    tries=$((tries - 1))
    case $code in
    0 | 3) exit 0 ;;
    2 | 4 | 77 | 78 | 126 | 127) # usage, held for a person, denied, configuration, no syncd
        echo "after_dbt: syncd ended with $code; \`syncd status\` says what it needs" >&2
        exit "$code"
        ;;
    esac
    # 1: no answer; 75: busy or throttled. The same command goes on where this one stopped.
    [ "$tries" -gt 0 ] || exit "$code"
    sleep "$pause"
done
