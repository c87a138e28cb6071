# Puts a top level together, in the shape of NixOS's; all that it needs is in the environment.
mkdir -p "$out/bin" "$out/etc/systemd/system"
ln -s "$kernel" "$out/kernel"
ln -s "$initrd" "$out/initrd"
ln -s "$init" "$out/init"
ln -s "$switch" "$out/bin/switch-to-configuration"
ln -s /usr "$out/sw"
printf '%s\n' "$kernelParams" >"$out/kernel-params"
printf '%s\n' "$counts" >"$out/boot-counting"
printf '%s' x86_64-linux >"$out/system"
cat "$inhibitorsPath" >"$out/switch-inhibitors"
cat "$accountsPath" >"$out/accounts"

while read -r name file; do
  [ -n "$name" ] || continue
  mkdir -p "$(dirname "$out/etc/$name")"
  ln -s "$file" "$out/etc/$name"
done <"$filesPath"
while read -r name file; do
  [ -n "$name" ] || continue
  ln -s "$file" "$out/etc/systemd/system/$name.service"
done <"$servicesPath"
while read -r link; do
  [ -n "$link" ] || continue
  mkdir -p "$(dirname "$out/etc/systemd/system/$link")"
  ln -s "../${link##*/}" "$out/etc/systemd/system/$link"
done <"$wantsPath"
