# Stage 2: what the initrd starts as PID 1. It activates the generation that it is of, and becomes systemd.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# The initrd started it by the path in the kernel's command line, init=TOP/init.
top=$(dirname "$0")
mkdir -p /run
mountpoint -q /run || mount -t tmpfs -o mode=0755 run /run
ln -sfn "$top" /run/booted-system
"$top/bin/switch-to-configuration" activate
exec /lib/systemd/systemd
