# run-@name@-vm [DIRECTORY [prepare]]: starts @name@ in QEMU. Its disk and its firmware's variables are in DIRECTORY (or here), and
# stay; `prepare` only makes them.
set -eu
directory=${1:-.}
disk=$directory/@name@.img
variables=$directory/@name@.efi-vars
if [ "${1:-}" = --help ]; then
  echo 'usage: run-@name@-vm [DIRECTORY [prepare]]   (QEMU_OPTS: more options of QEMU; THYMESH_VM_MEMORY: MiB, 1024; THYMESH_VM_PROCESSORS: 2; THYMESH_VM_EMULATED=yes: without KVM)'
  exit 0
fi
# Half a copy is none.
if [ ! -e "$disk" ]; then
  cp --sparse=always @image@ "$disk.new"
  chmod 600 "$disk.new"
  mv "$disk.new" "$disk"
fi
if [ ! -e "$variables" ]; then
  cp @variables@ "$variables.new"
  chmod 600 "$variables.new"
  mv "$variables.new" "$variables"
fi
[ "${2:-}" != prepare ] || exit 0
case $(uname -m) in
  aarch64) program=qemu-system-aarch64 machine=virt ;;
  *) program=qemu-system-x86_64 machine=q35 ;;
esac
if [ "${THYMESH_VM_EMULATED:-}" = yes ]; then
  accelerated=tcg cpu=max
elif [ -w /dev/kvm ]; then
  accelerated=kvm cpu=host
else
  accelerated=tcg cpu=max
  echo 'run-@name@-vm: there is no /dev/kvm here; the machine is emulated, which is slow' >&2
fi
# shellcheck disable=SC2086
exec @qemu@/bin/$program -name @name@ -machine $machine,accel=$accelerated -cpu $cpu -smp "${THYMESH_VM_PROCESSORS:-2}" -m "${THYMESH_VM_MEMORY:-1024}" \
  -drive if=pflash,format=raw,readonly=on,file=@firmware@ -drive if=pflash,format=raw,file="$variables" \
  -drive if=virtio,format=raw,file="$disk" -nic user,model=virtio-net-pci -nographic ${QEMU_OPTS:-}
