# The gates of a deployment by hand, as functions; for the script that runs them over one ssh connection, and for the
# playbook that runs each as a task. They do what Keyturn's own gates and the sample payload's plan do, one for one:
#
#   G3 preflight   target free, tools, space, secret present, rollback defined, host before, neighbour read three times
#   G4 install     archive digest, extracted beside, every file against the manifest, durable, moved into place, every
#                  file again, exactly one path added, neighbour read three times
#   G5 checks      compiles, imports, its unit tests, switch off, live refused, no process, no service
#   G6 dry run     its dry-run tests, the entrypoint resolves
#   G7 rollback    moved away, host as before, moved back, tree digest, neighbour read three times, nothing runs, switch off
#
# Needs: ROOT NAME NEIGHBOUR INCOMING WORK SECRET ARCHIVE_SHA256. Every failure ends the shell: `set -e` and `say_no`.
set -euo pipefail
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
TARGET=$ROOT/$NAME
STAGING=$ROOT/.staging-$NAME
ASIDE=$ROOT/.aside-$NAME
PYTHON=/usr/bin/python3
UNIT_FOLDERS="/etc/systemd/system /etc/systemd/user /run/systemd/system /run/systemd/user /usr/lib/systemd/system /usr/lib/systemd/user /usr/local/lib/systemd"
CRON_PLACES="/etc/crontab /etc/anacrontab /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly /var/spool/cron"

say_no() { echo "FAIL $*" >&2; exit 1; }
passed() { echo "$1 $2 PASS${3:+ $3}" >>"$WORK/report.txt"; }

# Path, mode and SHA-256 of everything below a folder.
tree_of() { (cd "$1" && find . -mindepth 1 -printf '%y %m %p %l\n' | sort && find . -type f -print0 | sort -z | xargs -0 -r sha256sum); }
tree_digest() { tree_of "$1" | sha256sum | cut -d' ' -f1; }

digests_below() { for place in "$@"; do if [ -e "$place" ]; then find "$place" -type f -print0; fi; done | sort -z | xargs -0 -r sha256sum; }
links_below() { for place in "$@"; do if [ -e "$place" ]; then find "$place" -type l -printf '%p %l\n'; fi; done | sort; }

# Processes whose program, working folder or arguments name the target.
processes_naming() {
  { grep -lsF -- "$TARGET" /proc/[0-9]*/cmdline || true
    find /proc/[0-9]*/exe /proc/[0-9]*/cwd -maxdepth 0 -lname "$TARGET*" 2>/dev/null || true
  } | grep -vE "^/proc/(self|$$|$BASHPID)/" || true
}

# What an installation could change: names in the root, the neighbour, units, crontabs, processes; ports are recorded.
fingerprint() {
  find "$ROOT" -mindepth 1 -maxdepth 1 ! -name '.staging-*' ! -name '.aside-*' -printf '%y %m %f %l\n' | sort
  echo "neighbour $(tree_digest "$ROOT/$NEIGHBOUR")"
  digests_below $UNIT_FOLDERS
  links_below $UNIT_FOLDERS
  digests_below $CRON_PLACES
  processes_naming
}
ports() { awk '$4 == "0A" { print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort; }

neighbour_three_times() {
  local read
  for read in 1 2 3; do
    [ "$(tree_digest "$ROOT/$NEIGHBOUR")" = "$(cat "$WORK/neighbour")" ] || say_no "$1 neighbour changed"
  done
  passed "$1" neighbour "$(cat "$WORK/neighbour")"
}

nothing_refers() {
  [ -z "$(processes_naming)" ] || say_no "$1 a process refers to $TARGET"
  ! grep -rqsF -- "$TARGET" $UNIT_FOLDERS $CRON_PLACES || say_no "$1 a service refers to $TARGET"
  passed "$1" nothing-refers
}

switch_is_off() {
  grep -qE '^__execution_enabled__ = False$' "$TARGET/cutter_agent/__init__.py" || say_no "$1 switch is on"
  passed "$1" switch-off
}

gate_g3() {
  mkdir -p "$WORK"
  : >"$WORK/report.txt"
  [ ! -e "$TARGET" ] || say_no "G3 target is taken"
  passed G3 target-free
  $PYTHON -c 'import sys; sys.exit(sys.version_info < (3, 11))' || say_no "G3 python is too old"
  passed G3 tools "$($PYTHON --version) $(command -v pytest || echo 'no pytest')"
  [ "$(df --output=avail -B1 "$ROOT" | tail -1)" -gt 104857600 ] || say_no "G3 no space"
  passed G3 space
  [ -s "$SECRET" ] || say_no "G3 no secret"
  passed G3 secret
  ls -A "$ROOT" >"$WORK/rolls-back-to"
  passed G3 rollback-defined
  fingerprint >"$WORK/before"
  ports >"$WORK/ports-before"
  passed G3 fingerprint "$(wc -l <"$WORK/before") facts"
  tree_digest "$ROOT/$NEIGHBOUR" >"$WORK/neighbour"
  neighbour_three_times G3
}

gate_g4_received() {
  echo "$ARCHIVE_SHA256  $INCOMING/release.tar.gz" | sha256sum --check --quiet || say_no "G4 archive differs"
  passed G4 archive "$ARCHIVE_SHA256"
}

# Everything in the archive stands below one folder.
gate_g4_extract() { mkdir "$STAGING"; tar -xzf "$INCOMING/release.tar.gz" --strip-components=1 -C "$STAGING"; }

gate_g4_promote() {
  (cd "$STAGING" && sha256sum --check --quiet --strict "$INCOMING/SHA256SUMS") || say_no "G4 a file differs"
  [ "$(find "$STAGING" -type f | wc -l)" = "$(wc -l <"$INCOMING/SHA256SUMS")" ] || say_no "G4 a file too many"
  sync -f "$STAGING"
  mv -T "$STAGING" "$TARGET"
  sync "$ROOT"
  passed G4 received "$(wc -l <"$INCOMING/SHA256SUMS") files"
}

gate_g4_installed() {
  (cd "$TARGET" && sha256sum --check --quiet --strict "$INCOMING/SHA256SUMS") || say_no "G4 an installed file differs"
  tree_digest "$TARGET" >"$WORK/tree"
  passed G4 installed-tree "$(cat "$WORK/tree")"
  fingerprint >"$WORK/after"
  ports >"$WORK/ports-after"
  # The one line that may differ is the new folder.
  diff "$WORK/before" "$WORK/after" >"$WORK/difference" || true
  [ "$(grep -c '^[<>]' "$WORK/difference")" = 1 ] || say_no "G4 more than one path changed"
  grep -qE "^> d [0-7]+ $NAME " "$WORK/difference" || say_no "G4 the new path is missing"
  passed G4 one-path-added
  neighbour_three_times G4
}

g5_compile() { (cd "$TARGET" && $PYTHON tools/compile_check.py); }
g5_import() { (cd "$TARGET" && $PYTHON -c 'import cutter_agent, cutter_agent.orchestrator, cutter_agent.phases'); }
g5_unit() { (cd "$TARGET" && $PYTHON -m unittest discover 2>&1); }
g5_live() { (cd "$TARGET" && $PYTHON -m cutter_agent.orchestrator --mode live 2>&1); }
g6_dryrun_path() { (cd "$TARGET" && $PYTHON -m unittest tests.test_dryrun_path 2>&1); }
g6_resolves() { (cd "$TARGET" && $PYTHON -m cutter_agent.orchestrator --mode dryrun --help); }

# Of unittest's `Ran N tests` and its last line.
tests_passed() { grep -qx OK "$1" && sed -nE 's/^Ran ([0-9]+) tests? in .*/\1/p' "$1"; }

gate_g5_compile() { g5_compile >"$WORK/compile.log" || say_no "G5 compile"; passed G5 compile; }
gate_g5_import() { g5_import >"$WORK/import.log" || say_no "G5 import"; passed G5 import; }
gate_g5_unit() {
  g5_unit >"$WORK/unit.log" || say_no "G5 tests fail"
  tests_passed "$WORK/unit.log" >"$WORK/tests"
  [ "$(cat "$WORK/tests")" -ge 366 ] || say_no "G5 too few tests"
  passed G5 unit "$(cat "$WORK/tests") tests"
}
gate_g5_inert() {
  switch_is_off G5
  local code=0
  g5_live >"$WORK/live.log" || code=$?
  [ "$code" = 77 ] && grep -qi refus "$WORK/live.log" || say_no "G5 live was not refused: exit $code"
  [ "$(tree_digest "$TARGET")" = "$(cat "$WORK/tree")" ] || say_no "G5 the attempt changed the tree"
  passed G5 refuses-live
  nothing_refers G5
}

gate_g6() {
  g6_dryrun_path >"$WORK/dryrun.log" || say_no "G6 dry-run tests fail"
  passed G6 dryrun-path "$(tests_passed "$WORK/dryrun.log") tests"
  g6_resolves >"$WORK/resolves.log" || say_no "G6 entrypoint does not resolve"
  passed G6 dryrun-resolves
}

gate_g7() {
  mv -T "$TARGET" "$ASIDE"
  fingerprint >"$WORK/rehearsed" || { mv -T "$ASIDE" "$TARGET"; say_no "G7 rehearsal"; }
  mv -T "$ASIDE" "$TARGET"
  sync "$ROOT"
  cmp -s "$WORK/before" "$WORK/rehearsed" || say_no "G7 the host differs from before"
  [ "$(tree_digest "$TARGET")" = "$(cat "$WORK/tree")" ] || say_no "G7 the tree differs"
  passed G7 rehearsal
  neighbour_three_times G7
  nothing_refers G7
  switch_is_off G7
}

gate_g8() {
  { echo "RESULT PASS"
    echo "tests $(cat "$WORK/tests")"
    echo "files $(wc -l <"$INCOMING/SHA256SUMS")"
    echo "tree $(cat "$WORK/tree")"
  } >>"$WORK/report.txt"
}
