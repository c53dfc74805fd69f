#!/usr/bin/env bash
# Installs what a bare Debian or Ubuntu lacks, and hands over to build.ps1. On other systems:
#   dotnet tool restore
#   dotnet pwsh build.ps1 -Task Test
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<'TEXT'
./build.sh demo      shows the module at work on a throwaway PostgreSQL (about two minutes)
./build.sh test      runs every test
./build.sh build     builds, and stages the module under artifacts/module
./build.sh package   builds, and packs the module as artifacts/PerfMonitoring.<version>.nupkg

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

# PowerShell comes with the repository, as a tool of the .NET SDK.
hand_over() {
    cd "$root"
    echo "Getting PowerShell, the .NET tool that runs the build ..."
    dotnet tool restore >/dev/null || fail "the .NET tool PowerShell cannot be installed; see the lines above"
    exec dotnet pwsh -NoProfile -NoLogo -File build.ps1 -Task "$1"
}

case ${1:-help} in
    demo) require_dotnet; require_postgres; hand_over Demo ;;
    test) require_dotnet; require_postgres; require_pgbouncer; hand_over Test ;;
    build) require_dotnet; hand_over Build ;;
    package) require_dotnet; hand_over Package ;;
    *) usage ;;
esac
