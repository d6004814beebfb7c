#!/usr/bin/env bash
# FreeRADIUS 3.2.1 (Debian 12), rlm_rest: `redundant` asks the second server without the token.
#
# Expected: where a section sets `control:REST-HTTP-Header` to `Authorization: Bearer ...` and then
# has `redundant { first second }`, the second service gets what the first one got.
# Seen: each call removes the header, also one that failed. The second service gets no token, says
# 401, and the user is rejected although it is up. The same happens to two calls in a row.
# mods-available/rest says that a call consumes the header, not that this reaches `redundant`. With
# a `connect_uri` that nothing listens on, and no connection in the pool, the call ends before that
# and the header is kept, so that a test of the fail-over may pass. Setting the header again before
# the second call helps, in a `group` within `redundant`.
# Who meets it: FreeRADIUS with two instances of a service that wants a bearer token.
#
# Seen on 2026-11-30. Needs: the Debian packages freeradius, freeradius-rest and freeradius-utils,
# and python3.
set -euo pipefail
export PATH="$PATH:/usr/sbin"
folder=$(mktemp -d)
processes=()
trap 'for id in "${processes[@]}"; do kill "$id" 2> /dev/null || true; done; wait; rm -rf "$folder"' EXIT
cd "$folder"
wait_for() {
	for _ in $(seq 100); do if "$@"; then return; fi; sleep 0.1; done
	echo "not started: $*" >&2
	test ! -e log || tail -n 3 log >&2
	exit 1
}
cat > service.py <<'PY'
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        token = self.headers.get("Authorization")
        with open("got", "a") as file:
            file.write(f", {self.path[1:]} got {token or 'no token'}")
        self.send_response(503 if self.path == "/busy" else 204 if token else 401)
        self.end_headers()

    def log_message(self, *arguments):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open("port.new", "w") as file:
    file.write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
PY
python3 service.py &
processes+=($!)
wait_for test -s port
service=http://127.0.0.1:$(cat port)
free_port() {
	python3 -c "import socket; s = socket.socket(type=socket.$1); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
}
port=$(free_port SOCK_DGRAM)
stopped=http://127.0.0.1:$(free_port SOCK_STREAM)
module() {
	cat <<CONF
	rest $1 {
		${3:-}
		authorize {
			uri = "$2/$1"
			method = "get"
		}
		pool {
			start = 0
			min = 0
		}
	}
CONF
}
cat > radiusd.conf <<CONF
logdir = $folder
security {
	reject_delay = 0
}
client test {
	ipaddr = 127.0.0.1
	secret = testing123
}
modules {
$(module second "$service")
$(module busy "$service")
$(module stopped "$stopped")
$(module stopped_connect_uri "$stopped" "connect_uri = \"$stopped/\"")
}
policy {
	set_header {
		update control {
			&REST-HTTP-Header := "Authorization: Bearer token"
		}
	}
}
server test {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = $port
	}
	authorize {
		update control {
			&Auth-Type := Accept
		}
		set_header
		switch &User-Name {
			case "second alone" {
				second
			}
			case "two in a row" {
				second
				second
			}
			case "busy" {
				redundant {
					busy
					second
				}
			}
			case "stopped" {
				redundant {
					stopped
					second
				}
			}
			case "stopped, connect_uri" {
				redundant {
					stopped_connect_uri
					second
				}
			}
			case "busy, set again" {
				redundant {
					busy
					group {
						set_header
						second
					}
				}
			}
		}
	}
}
CONF
version=$(freeradius -v | sed -n '1s/.*\(FreeRADIUS Version [^,]*\).*/\1/p')
echo "$version"
test "$version" = "FreeRADIUS Version 3.2.1" || { echo "this is about 3.2.1" >&2; exit 1; }
freeradius -X -d "$folder" > log &
processes+=($!)
wait_for grep -q "Ready to process requests" log
changed=0
# ask CASE EXPECTED: what the client got, and what the services got.
ask() {
	local seen
	rm -f got
	echo "User-Name = \"$1\"" |
		radclient -x -d "$folder" -r 1 "127.0.0.1:$port" auth testing123 > answer 2> /dev/null || true
	seen="$(sed -n 's/^Received \([^ ]*\) .*/\1/p' answer)$(cat got)"
	echo "$1: $seen"
	test "$seen" = "$2" || { echo "  it was: $2" >&2; changed=1; }
}
with="second got Bearer token"
without="second got no token"
ask "second alone" "Access-Accept, $with"
ask "two in a row" "Access-Reject, $with, $without"
ask "busy" "Access-Reject, busy got Bearer token, $without"
ask "stopped" "Access-Reject, $without"
ask "stopped, connect_uri" "Access-Accept, $with"
ask "busy, set again" "Access-Accept, busy got Bearer token, $with"
test "$changed" = 0 || { echo "the header goes out otherwise now" >&2; exit 1; }
