#!/bin/sh
# Becomes systemd as process 1 of new namespaces, on a copy-on-write view of this machine's
# files; tests/bench/units.py starts it. Nothing that happens in it outlasts it.
#   SCRATCH  an empty folder    SOURCE  the checkout    PYTHON  sys.base_prefix    LIBRARY  site-packages
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --make-rprivate /
mount -t tmpfs tmpfs "$SCRATCH"
mkdir "$SCRATCH/up" "$SCRATCH/work" "$SCRATCH/root"
root=$SCRATCH/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$SCRATCH/up,workdir=$SCRATCH/work" "$root"
mkdir -p "$root/opt/source" "$root/opt/python" "$root/opt/library"
mount --bind "$SOURCE" "$root/opt/source"
mount --bind "$PYTHON" "$root/opt/python"
mount --bind "$LIBRARY" "$root/opt/library"

# Kernel settings are this machine's own: they are only shown.
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,ro,bind "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

printf '[Unit]\nWants=dbus.socket systemd-journald.service\n' > "$root/etc/systemd/system/units.target"
rm -f "$root/etc/machine-id"
echo 0123456789abcdef0123456789abcdef > "$root/etc/machine-id"

cd "$root"
mkdir -p old
pivot_root . old
umount -l old
# A container's manager shares its mounts; credentials are handed over through one.
mount --make-rshared /
exec env -i container=lxc PATH="$PATH" /lib/systemd/systemd --system --unit=units.target \
    --log-target=null --show-status=0
