#!/bin/bash
# boot.sh - in the machine, as root: the places that a user can be in, and guest.sh in each
exec >/dev/ttyS1 2>&1
user=tester
uid=$(id -u $user)
start=$(date +%s)

# guest WHERE COMMAND...: run guest.sh as the user by COMMAND; numbers go on from script to script
echo 0 >/run/rl-test-number
chmod 666 /run/rl-test-number
guest() {
	local where=$1 only
	only=$(cat /opt/rl/only)
	shift
	[ -z "$only" ] || [[ " $only " == *" $where "* ]] || return 0
	echo "# $where ($(($(date +%s) - start)) s)"
	timeout 240 "$@" </dev/null || echo "not ok - guest.sh $where ended with $?"
}
stop_session() {
	loginctl disable-linger $user
	systemctl stop "user@$uid.service" "user-runtime-dir@$uid.service"
}

as_user=(setpriv --reuid "$user" --regid "$user" --init-groups env -i "HOME=/home/$user" "USER=$user"
	PATH=/usr/bin:/bin)

# no login, no session, no manager: as from cron or a container's exec
guest none "${as_user[@]}" /opt/rl/guest.sh none

# a service that is given its cgroup, of a user without a manager
guest delegated systemd-run -q --pipe --wait -p User=$user -p Delegate=yes \
	/opt/rl/guest.sh delegated

# root of a nested namespace, whose own cgroup is the root of what it sees: as in a container
guest nested systemd-run -q --pipe --wait -p User=$user -p Delegate=yes \
	unshare -r -C -m sh -c 'mount -t tmpfs tmpfs /sys/fs/cgroup &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /opt/rl/guest.sh nested'

# switches that forbid user namespaces
guest userns "${as_user[@]}" /opt/rl/guest.sh userns
sysctl -q kernel.unprivileged_userns_clone=0
guest debian-off "${as_user[@]}" /opt/rl/guest.sh debian-off
sysctl -q kernel.unprivileged_userns_clone=1 user.max_user_namespaces=0
guest max-off "${as_user[@]}" /opt/rl/guest.sh max-off
sysctl -q user.max_user_namespaces=10000

# the usual case: a login with a manager
loginctl enable-linger $user
guest scope su - $user -c '/opt/rl/guest.sh scope'

# units that start containers, and the journal; then the manager starts anew, as at boot
guest units su - $user -c '/opt/rl/units.sh units'
systemctl restart "user@$uid.service"
guest reboot su - $user -c '/opt/rl/units.sh reboot'

# the same user from outside of any session of his: the manager is found by its socket
guest outside "${as_user[@]}" /opt/rl/guest.sh outside

# a manager without a message bus
systemctl -M $user@ --user stop dbus.socket dbus.service >/dev/null 2>&1 # cuts its own line
guest no-bus "${as_user[@]}" /opt/rl/guest.sh no-bus
stop_session

# real root
guest root env -i HOME=/root USER=root PATH=/usr/sbin:/usr/bin:/sbin:/bin /opt/rl/guest.sh root
echo "# done ($(($(date +%s) - start)) s)"
echo "1..$(cat /run/rl-test-number)"
sync
