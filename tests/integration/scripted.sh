# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # variables of lib.sh, of $R/ports and of who sources this
# scripted.sh - sourced after lib.sh: starts tests/tools/registry.py for the test user
#
# Sets H (host:port of the registry), the ports home, other, plain, expired, wrongname, old, cut, R
# (its folder; $R/log has every request) and config (the user's containers folder).
for p in python3 openssl; do
	command -v $p >/dev/null || skip_all "needs $p"
done
R=$T/hostile
mkdir "$R"
make_certificates "$R" || skip_all "openssl cannot make certificates"
other_certificate() { # NAME DAYS SUBJECTALTNAME: one more, signed by the same CA
	(cd "$R" && openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj /CN=x &&
		printf 'subjectAltName=%s\n' "$3" >"$1.ext" &&
		if [ "$2" = past ]; then
			touch index && printf '01\n' >serial &&
				printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' >ca.cnf &&
				openssl ca -batch -config ca.cnf -cert ca.crt -keyfile ca.key -in "$1.csr" -out "$1.crt" \
					-startdate 20200101000000Z -enddate 20200201000000Z -extfile "$1.ext" -notext
		else
			openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt"
		fi) >/dev/null 2>&1
}
other_certificate expired past DNS:localhost
other_certificate wrongname 2 DNS:somewhere.example
python3 "$SRC/tests/tools/registry.py" "$R" 2>"$R/err" &
reg_pid=$!
MY_PIDS="$MY_PIDS $reg_pid"
at_end+=("kill $reg_pid")
for _ in {1..100}; do
	[ -f "$R/ports" ] && break
	sleep 0.05
done
# shellcheck source=/dev/null # home, other, plain, expired, wrongname, old, cut
. "$R/ports" || skip_all "the scripted registry does not start: $(cat "$R/err")"
H=localhost:$home
config=$T/home/.config/containers
own_dir "$T/home/.config" 755
own_dir "$config" 755
for p in $home $other $expired $wrongname $old $cut; do
	mkdir -p "$config/certs.d/localhost:$p"
	cp "$R/ca.crt" "$config/certs.d/localhost:$p/"
done
login() { # HOST...: auth.json with alice's password for these
	local h sep=''
	{
		printf '{"auths":{'
		for h; do
			printf '%s"%s":{"auth":"%s"}' "$sep" "$h" "$(printf alice:secret-of-alice | base64)"
			sep=,
		done
		printf '}}'
	} >"$config/auth.json"
	[ "$(id -u)" != 0 ] || chown -R "$TEST_UID:$TEST_GID" "$config"
	chmod 600 "$config/auth.json"
}
# Three seconds in place of a minute
USER_ENV=(RL_FETCH_LIMITS=3000,2000,2000)
pull() { run rl pull -q --retry-delay 50ms "$@"; }
