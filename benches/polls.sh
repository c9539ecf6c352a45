#!/bin/bash
# Short polls with nothing new: 64 keep-alive connections ask as fast as they
# are answered, of our servers and of Node's `http` with the same JSON.
#
#     [CORES=0] benches/polls.sh [SECONDS] [ROUNDS]
#
# A server has all cores, or those in CORES; wrk has core 1. Node runs on one
# core whatever it is given, and so does an event loop. They take turns, there
# and back again (A B C C B A), so that what else the machine does hits all of
# them; printed is the median of each, and its ratio to Node's.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-3}
rounds=${2:-2}
cores=${CORES:-0-$(($(nproc) - 1))}
binary=${TWINCHAT:-target/release/twinchat}
connections=64
results=$(mktemp)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -f "$results" "$results".*' EXIT

# start NAME COMMAND…: starts a server, and leaves its address in $address.
start() {
    local output=$results.$1
    shift
    : >"$output" # So that it can be searched at once.
    taskset -c "$cores" "$@" >"$output" 2>/dev/null &
    pids+=($!)
    until address=$(grep -om1 'http://[0-9.:]*/' "$output"); do
        kill -0 $! # It must not have ended.
        sleep 0.05
    done
}

# A room's address with the cursor of someone who has read everything.
nothing_new() {
    local room=$1api/rooms/lobby/messages
    echo "$room?after=$(curl -s "$room" | grep -o '[0-9]\{10,\}')"
}

# ask NAME URL: one turn; notes the answers a second.
ask() {
    local report
    report=$(taskset -c 1 wrk -t1 -c$connections -d"${seconds}s" "$2")
    if grep -E 'Non-2xx|Socket errors' <<<"$report"; then
        echo "$1 did not answer everyone" >&2
        exit 1
    fi
    awk -v name="$1" '/^Requests\/sec/ { print name, $2 }' <<<"$report" |
        tee -a "$results"
}

common=(--listen 127.0.0.1:0 --history memory --admin none --max-per-ip 0)
start node node benches/polls.mjs
node=${address}api/rooms/lobby/messages
start threads "$binary" --server threads "${common[@]}"
threads=$(nothing_new "$address")
start event-loop "$binary" --server event-loop "${common[@]}"
event_loop=$(nothing_new "$address")

for _ in $(seq "$rounds"); do
    ask node "$node"
    ask threads "$threads"
    ask event-loop "$event_loop"
    ask event-loop "$event_loop"
    ask threads "$threads"
    ask node "$node"
done

sort -k1,1 -k2,2n "$results" | awk '
    { rate[$1, ++n[$1]] = $2 }
    function median(name, h) {
        h = n[name] / 2
        return (rate[name, int(h + 0.5)] + rate[name, int(h) + 1]) / 2
    }
    END {
        print ""
        for (name in n)
            printf "%-10s %7.0f answers/s  %.2f x node\n",
                name, median(name), median(name) / median("node")
    }'
