#!/usr/bin/env bash
# Sets up, builds, tests and shows PerfMonitoring on Debian or Ubuntu. On other systems: build.ps1.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sandbox=$root/src/PerfMonitoring.Sandbox/bin/Release/net10.0/PerfMonitoring.Sandbox
shell=$root/src/PerfMonitoring.Shell/bin/Release/net10.0/pmsh
results=$root/artifacts/test-results

usage() {
    cat <<'TEXT'
./build.sh demo     shows the module at work on a throwaway PostgreSQL (about two minutes)
./build.sh test     runs every test
./build.sh build    builds, and stages the module under artifacts/module

demo and test install PostgreSQL and HypoPG by apt where they are missing; no database server is set up or touched.
TEXT
}

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

require_dotnet() {
    if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
        fail "the .NET SDK 10 is missing; see https://dotnet.microsoft.com/download/dotnet/10.0"
    fi
}

# The major versions, best first, of which both the server and HypoPG are installed: 15 is what the tests are made for.
installed_postgres() {
    for control in /usr/share/postgresql/*/extension/hypopg.control; do
        version=$(basename "$(dirname "$(dirname "$control")")")
        if [ -x "/usr/lib/postgresql/$version/bin/initdb" ]; then echo "$version"; fi
    done | sort -rV | awk '$1 == 15 { best = $1; next } { rest = rest $1 "\n" } END { if (best) print best; printf "%s", rest }'
}

install_postgres() {
    command -v apt-get >/dev/null || return 0
    echo "Installing PostgreSQL and HypoPG ..."
    as_root apt-get update -qq
    local versions version
    versions=$(apt-cache search --names-only '^postgresql-[0-9]+-hypopg$' | sed -E 's/^postgresql-([0-9]+)-.*/\1/' | sort -rV)
    [ -n "$versions" ] || fail "this system's package sources hold no HypoPG (postgresql-NN-hypopg)"
    version=$(echo "$versions" | grep -x 15 || echo "$versions" | head -n 1)

    # The server's package would make a cluster and start it; only the programs are wanted.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql-common >/dev/null
    local conf=/etc/postgresql-common/createcluster.conf kept
    kept=$(mktemp)
    cat "$conf" >"$kept"
    (
        trap 'as_root cp "$kept" "$conf"; rm -f "$kept"' EXIT
        echo 'create_main_cluster = false' | as_root tee -a "$conf" >/dev/null
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
            "postgresql-$version" "postgresql-$version-hypopg" >/dev/null
    )
}

require_postgres() {
    local version
    version=$(installed_postgres | head -n 1)
    if [ -z "$version" ] && [ -z "${PERFMONITORING_PGBIN:-}" ]; then
        install_postgres
        version=$(installed_postgres | head -n 1)
    fi
    if [ -n "$version" ] && [ -z "${PERFMONITORING_PGBIN:-}" ]; then
        export PERFMONITORING_PGBIN=/usr/lib/postgresql/$version/bin
    fi
}

# The tests put it before a server. Its package would start a pooler of the machine's own; only the program is wanted.
require_pgbouncer() {
    [ -x /usr/sbin/pgbouncer ] && return 0
    command -v apt-get >/dev/null || return 0
    echo "Installing PgBouncer ..."
    local policy=/usr/sbin/policy-rc.d
    (
        if [ ! -e "$policy" ]; then
            trap 'as_root rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
            as_root chmod +x "$policy"
        fi
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends pgbouncer >/dev/null
    )
}

build() {
    require_dotnet
    echo "Building ..."
    dotnet build "$root/PerfMonitoring.sln" --configuration Release --nologo --verbosity quiet
}

demo() {
    require_dotnet
    require_postgres
    build
    export PSModulePath=$root/artifacts/module${PSModulePath:+:$PSModulePath}
    local host=("$shell")
    if command -v pwsh >/dev/null; then host=(pwsh -NoProfile -File); fi
    exec "$sandbox" demo -- "${host[@]}" "$root/docs/examples/demo.ps1"
}

passed=0 failed=0 skipped=0

add() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# A suite that dies before it can write its results is a failure, whatever its exit code.
test_project() {
    local name=$1 status=0 counters
    echo "== $name"
    "$root/tests/$name/bin/Release/net10.0/$name" --results-directory "$results" \
        --report-xunit-trx --report-xunit-trx-filename "$name.trx" \
        --no-ansi --progress off || status=$?
    counters=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null || true)
    if [ -z "$counters" ]; then
        echo "$name ended with exit code $status and no results" >&2
        add 0 1 0
        return
    fi
    count() { sed -E "s/.* $1=\"([0-9]+)\".*/\1/" <<<"$counters"; }
    local bad=$(($(count failed) + $(count error) + $(count timeout) + $(count aborted)))
    # Such as a clean-up that failed, or a project without a single test.
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
        echo "$name ended with exit code $status though no test failed" >&2
        bad=1
    fi
    add "$(count passed)" "$bad" "$(count notExecuted)"
}

test_journeys() {
    echo "== tests/Pester"
    if ! command -v pwsh >/dev/null; then
        echo "tests/Pester skipped: there is no pwsh"
        add 0 0 1
        return
    fi
    local counts=$results/pester.txt status=0
    "$sandbox" run -- pwsh -NoProfile -NonInteractive -File "$root/tests/Pester/Invoke.ps1" "$counts" || status=$?
    if [ "$status" = 3 ]; then
        echo "tests/Pester skipped: Pester 5 is not installed"
        add 0 0 1
    elif [ ! -s "$counts" ]; then
        echo "tests/Pester ended with exit code $status and no results" >&2
        add 0 1 0
    else
        # shellcheck disable=SC2046
        add $(cat "$counts")
    fi
}

run_tests() {
    require_dotnet
    require_postgres
    require_pgbouncer
    build
    rm -rf "$results"
    mkdir -p "$results"
    local project
    for project in "$root"/tests/*.Tests/*.csproj; do
        test_project "$(basename "$project" .csproj)"
    done
    test_journeys
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

case ${1:-help} in
    demo) demo ;;
    test) run_tests ;;
    build) build ;;
    *) usage ;;
esac
