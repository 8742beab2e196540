# Ends the tests' Postgres when no test has used it for a while, also when every test was killed.
# Arguments: folder of the cluster, seconds without a user, then the command that stops the server.
# It must never stop a server under a test: it holds the start lock and is the only user when it does.
folder=$1 idle_limit_s=$2
shift 2
trap '' HUP INT

# One watchdog for each cluster.
exec 7>>"$folder/watchdog.lock"
flock --nonblock 7 || exit 0

idle_s=0
while [ -d "$folder/data" ]; do
    sleep 1
    if flock --nonblock "$folder/users.lock" true; then
        idle_s=$((idle_s + 1))
    else
        idle_s=0
    fi
    [ "$idle_s" -ge "$idle_limit_s" ] || continue

    exec 8>>"$folder/start.lock"
    flock 8
    if flock --nonblock "$folder/users.lock" true; then
        "$@" <"$folder/data"
        # Given back before the start lock: who starts the server next must see that a watchdog is needed.
        exec 7>&-
        exit 0
    fi
    exec 8>&-
    idle_s=0
done
