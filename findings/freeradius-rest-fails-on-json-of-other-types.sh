#!/usr/bin/env bash
# FreeRADIUS 3.2.1 (Debian 12), rlm_rest: a reply of type application/scim+json makes the module
# fail.
#
# Expected: `+json` says that the body is JSON (RFC 6839, section 3.1), so a reply of SCIM
# (`application/scim+json`) or `application/problem+json` is decoded as one of `application/json`
# is. At least a 200 with a body of no interest is no failure. `force_to = "json"` decodes every
# body.
# Seen: the module knows types by their whole name. The body that sets Reply-Message as
# `application/json` sets nothing as one of these two, and the module returns `fail` with the status
# 200, so that the request is rejected. A valid blank before `; charset=utf-8` does the same. The
# log says "using the request's type", and does not use it, even where the request is JSON, too. A
# 401 with problem+json is `fail`, where it is `reject` with JSON, so `redundant` asks the next
# server. `force_to` helps, "json" and "plain". It does nothing for a GET whose reply has no
# Content-Type, or has it without a blank behind the colon: that body is dropped and the module
# returns `ok`.
# Who meets it: FreeRADIUS in front of a SCIM service, or of an API with problem+json.
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
import http.server, os, urllib.parse

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, header = urllib.parse.unquote(self.path[1:]).split(" ", 1)
        body = b'{"Reply-Message": "hello"}'
        head = f"HTTP/1.0 {status} Text\r\n{header}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    do_POST = do_GET

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
port=$(python3 -c '
import socket
probe = socket.socket(type=socket.SOCK_DGRAM)
probe.bind(("127.0.0.1", 0))
print(probe.getsockname()[1])')
module() {
	cat <<CONF
	rest $1 {
		authorize {
			uri = "http://127.0.0.1:$(cat port)/%{User-Name}"
			$2
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
$(module get 'method = "get"')
$(module post 'method = "post"
			body = "json"')
$(module get_json 'method = "get"
			force_to = "json"')
$(module get_plain 'method = "get"
			force_to = "plain"')
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
		switch &NAS-Identifier {
$(for name in get post get_json get_plain; do printf '\t\t\tcase "%s" {\n\t\t\t\t%s\n\t\t\t}\n' "$name" "$name"; done)
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
# ask MODULE STATUS HEADER EXPECTED: what the module returned, and what the client got.
ask() {
	local lines seen
	lines=$(wc -l < log)
	printf 'User-Name = "%s %s"\nNAS-Identifier = %s\n' "$2" "$3" "$1" |
		radclient -x -d "$folder" -r 1 "127.0.0.1:$port" auth testing123 > answer 2> /dev/null || true
	tail -n "+$((lines + 1))" log > part
	seen="$(sed -n "s/.*\[$1\] = //p" part), $(sed -n 's/^Received \([^ ]*\) .*/\1/p' answer)"
	seen+="$(sed -n 's/^.*\(Reply-Message\) = "\(.*\)"/, \1 \2/p' answer)"
	if grep -q 'Adding reply:REST-HTTP-Body' part; then seen+=", REST-HTTP-Body"; fi
	printf '%-9s  %s %-47s  %s\n' "$1" "$2" "$3" "$seen"
	sed -n "s/^.*\(WARNING: .*\)/             \1/p" part
	test "$seen" = "$4" || { echo "             it was: $4" >&2; changed=1; }
}
decoded="updated, Access-Accept, Reply-Message hello"
failed="fail, Access-Reject"
dropped="ok, Access-Accept"
ask get 200 "Content-Type: application/json" "$decoded"
ask get 200 "Content-Type: application/json; charset=utf-8" "$decoded"
ask get 200 "Content-Type: application/json ; charset=utf-8" "$failed"
ask get 200 "Content-Type: application/scim+json" "$failed"
ask get 200 "Content-Type: application/problem+json" "$failed"
ask get 401 "Content-Type: application/json" "reject, Access-Reject, Reply-Message hello"
ask get 401 "Content-Type: application/problem+json" "$failed"
ask post 200 "Content-Type: application/json" "$decoded"
ask post 200 "Content-Type: application/scim+json" "$failed"
ask post 200 "X-Other: no Content-Type" "$decoded"
ask get_json 200 "Content-Type: application/scim+json" "$decoded"
ask get_json 200 "Content-Type:application/json" "$dropped"
ask get_json 200 "X-Other: no Content-Type" "$dropped"
ask get_plain 200 "Content-Type: application/scim+json" "updated, Access-Accept, REST-HTTP-Body"
ask get_plain 200 "X-Other: no Content-Type" "$dropped"
test "$changed" = 0 || { echo "the replies are taken otherwise now" >&2; exit 1; }
