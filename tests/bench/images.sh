#!/bin/bash
# images.sh - the part of inner.sh about images: sourced; measures, and defines rows_images()
# shellcheck disable=SC2004,SC2016,SC2034,SC2086,SC2046,SC2154 # evaluated later; commands of several words; names of inner.sh
set -euo pipefail

IMAGES=200
! $SMOKE || IMAGES=5
store=$work/pullrl # of pulls, apart from the other measurements
in_store="env RL_ROOT=$store $rl"
clean_rl='kill $(holder) 2>/dev/null || :; [ ! -d "$store" ] || $in_store unshare rm -rf "$store"/* || :; kill $(holder) 2>/dev/null || :'

# seconds NAME PREPARE CMD...: the best of three, of one with few rounds
seconds() {
	local name=$1 prepare=$2 best='' t0 t try
	shift 2
	for ((try = 0; try < 3; try += ROUNDS < 5 ? 3 : 1)); do
		eval "$prepare"
		sync
		t0=$(date +%s%N)
		"$@" >/dev/null 2>"$work/pull.err" || { echo "bench: $*: $(tail -n 1 "$work/pull.err")" >&2 && m[$name]=- && return 0; }
		t=$((($(date +%s%N) - t0) / 1000000))
		[ -n "$best" ] && [ "$best" -le $t ] || best=$t
	done
	m[$name]=$(awk -v v="$best" 'BEGIN { printf "%.2f", v / 1000 }')
}
# peak NAME CMD...: KiB of the largest process of it; a wrapper of 6 MiB is the least that can be seen
peak() {
	local name=$1 nr
	shift
	case $(uname -m) in x86_64) nr=98 ;; aarch64) nr=165 ;; *) return 0 ;; esac # getrusage of the children
	m[$name]=$(perl -e 'my $u = "\0" x 144; open(OUT, ">&STDOUT"); open(STDOUT, ">", "/dev/null"); my $n = shift;
		exit 1 if system @ARGV; syscall($n, -1, $u); print OUT unpack("x32 q", $u), "\n"' $nr "$@") || m[$name]=-
}
side_by_side() { # UNPACKER FOLDER: all layers at once, into folders of their own
	local l n=0
	mkdir "$work/x"
	for l in "$2"/*; do
		n=$((n + 1))
		mkdir "$work/x/$n"
		"$1" -dc <"$l" | tar -x -C "$work/x/$n" &
	done
	wait
	sync -f "$work/x"
}
eight='many big many big many big many big'
at_once() { # pulls of images that share their layers
	local i pids=()
	for i in $eight; do
		$in_store pull -q --tls-verify=false "$REGISTRY/$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || return 1; done
}
in_turn() {
	local i
	for i in $eight; do $in_store pull -q --tls-verify=false "$REGISTRY/$i" || return 1; done
}
fetched_twice() { # bytes of layers that the registry sent again, by its log since line $1
	tail -n +$(($1 + 1)) "$dir/registry.log" | awk 'match($0, /"GET [^"]*blobs\/sha256:[^" ]*/) {
		d = substr($0, RSTART, RLENGTH); sub(/.*sha256:/, "", d); rest = substr($0, RSTART + RLENGTH)
		split(rest, f, " "); if (f[3] > 100000) { if (d in seen) n += f[3]; seen[d] = 1 } } END { print n + 0 }'
}
lines() { wc -l <"$dir/registry.log"; }

# a change of 1 MB; what is random is packed to no less
change() { $1 run --name bench-change --network none $img sh -c 'head -c 1000000 /dev/urandom >/change' >/dev/null 2>&1; }
commits() { # PREFIX TOOL...
	local t=$1
	shift
	change "$*"
	median "${t}_commit" "$@" commit -q bench-change bench/change
	[ "$t" != rl ] || peak rl_commit_kib "$@" commit -q bench-change bench/change
	if [ -n "${REGISTRY-}" ]; then
		HYPER=(--prepare "bash -c '$* rm bench-change; $* run --name bench-change --network none $img sh -c \"head -c 1000000 /dev/urandom >/change\"; $* commit -q bench-change bench/change'")
		median "${t}_push" "$@" push -q --tls-verify=false bench/change "$REGISTRY/change"
		HYPER=()
	fi
	"$@" rm -f bench-change >/dev/null 2>&1 || :
}
commits rl $rl
! have podman || commits pod $pod

if [ -n "${REGISTRY-}" ]; then
	mkdir -p "$store"
	gz=gzip
	! have igzip || gz=igzip
	for i in big zstd many; do
		seconds rl_pull_$i "$clean_rl" $in_store pull -q --tls-verify=false "$REGISTRY/$i"
		! have podman || seconds pod_pull_$i "$pod rmi -f -a >/dev/null 2>&1 || :" $pod pull -q --tls-verify=false "$REGISTRY/$i"
		un=$gz
		[ $i != zstd ] || un=zstd
		! have $un || seconds tar_$i 'rm -rf "$work/x"' side_by_side $un "$dir/layers.$i"
		rm -rf "$work/x"
	done
	# all layers are there
	median rl_pull_again $in_store pull -q --tls-verify=false "$REGISTRY/many"
	! have podman || median pod_pull_again $pod pull -q --tls-verify=false "$REGISTRY/many"
	for i in big many; do
		get="$in_store pull -q --tls-verify=false $REGISTRY/$i >/dev/null"
		seconds rl_rmi_$i "$get" $in_store rmi -f "$REGISTRY/$i"
		seconds rm_rf_$i "$clean_rl; $get" $in_store unshare rm -rf "$store/layers" "$store/blobs"
		eval "$clean_rl"
		! have podman || seconds pod_rmi_$i "$pod rmi -f -a >/dev/null 2>&1 || :; $pod pull -q --tls-verify=false $REGISTRY/$i >/dev/null 2>&1" $pod rmi -f "$REGISTRY/$i"
	done
	seconds rl_in_turn "$clean_rl" in_turn
	n=0
	seconds rl_at_once "$clean_rl; n=\$(lines)" at_once
	m[twice]=$(fetched_twice $n)
	eval "$clean_rl"
	peak rl_pull_kib $in_store pull -q --tls-verify=false "$REGISTRY/big"
	# packed anew, as all its layers are to be zstd (or gzip): by all processors
	seconds rl_push_big : $in_store push -q --tls-verify=false --compression-format zstd "$REGISTRY/big" "$REGISTRY/again"
	peak rl_push_kib $in_store push -q --tls-verify=false --compression-format zstd --compression-level 4 "$REGISTRY/big" "$REGISTRY/again"
	peak rl_rmi_kib $in_store rmi -f "$REGISTRY/big"
	if have podman; then
		$pod rmi -f -a >/dev/null 2>&1
		peak pod_pull_kib $pod pull -q --tls-verify=false "$REGISTRY/big"
		peak pod_rmi_kib $pod rmi -f "$REGISTRY/big"
	fi
	eval "$clean_rl"
fi

for ((i = 0; i < IMAGES; i++)); do # many images: last, as they stay
	mkdir -p "$work/one"
	echo $i >"$work/one/file"
	tar -c -C "$work/one" . | $rl import -q - bench/image$i >/dev/null
done
median rl_images $rl images
peak rl_images_kib $rl images

rows_images() {
	row "images, $IMAGES of them" rl_images - - - -
	row "commit of a change of 1 MB" rl_commit pod_commit - - -
	row "commit: largest process, KiB" rl_commit_kib - - - -
	[ -n "${REGISTRY-}" ] || return 0
	row "push of that" rl_push pod_push - - -
	row "pull, 4 layers, 900 MB unpacked, s" rl_pull_big pod_pull_big - - -
	row "pull, the same layers as zstd, s" rl_pull_zstd pod_pull_zstd - - -
	row "pull, 31,000 small files, s" rl_pull_many pod_pull_many - - -
	row "pull when all layers are there" rl_pull_again pod_pull_again - - -
	row "eight pulls of two images, at once, s" rl_at_once - - - -
	row "the same one after the other, s" rl_in_turn - - - -
	row "bytes of layers fetched twice, at once" twice - - - -
	row "rmi of the 900 MB, s" rl_rmi_big pod_rmi_big - - -
	row "rmi of the small files, s" rl_rmi_many pod_rmi_many - - -
	row "push of the 900 MB, packed anew as zstd, s" rl_push_big - - - -
	row "largest process, KiB: pull of the 900 MB" rl_pull_kib pod_pull_kib - - -
	row "push of them" rl_push_kib - - - -
	row "rmi of them" rl_rmi_kib pod_rmi_kib - - -
	echo
	echo "Unpacked side by side, without a network or a hash: ${m[tar_big]:--} s ($gz), ${m[tar_zstd]:--} s (zstd), ${m[tar_many]:--} s (small files)."
	echo "\`rm -rf\` of the layers: ${m[rm_rf_big]:--} s (900 MB), ${m[rm_rf_many]:--} s (small files)."
}
