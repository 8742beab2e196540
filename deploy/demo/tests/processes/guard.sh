# Ends what a test started, also when the test was killed: its standard input closes when the test has gone.
# Argument: the test's folder. It must never end a process that is not of that folder.
home=$1
trap '' HUP INT TERM
cat >/dev/null

# Its own, and those of other offices in folders below.
cat "$home/started" "$home"/*/started 2>/dev/null | while read -r pid; do
    # A number may have come to another process since.
    if tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$home/"; then
        kill -KILL "$pid"
    fi
done 2>/dev/null

data=$home/mizili-hub/postgres/data
if read -r pid 2>/dev/null <"$data/postmaster.pid" && [ "/proc/$pid/cwd" -ef "$data" ]; then
    kill -QUIT "$pid"
    tries=0
    while [ -e "/proc/$pid" ] && [ "$tries" -lt 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
fi
rm -rf "$home"
