# Builds one part of a closure (see closures.nix): unpacks $debs and makes them find $deps by store path, as nixpkgs does.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
mkdir -p "$out/nix-support"
for deb in $debs; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$out" --no-same-owner --no-same-permissions
done
chmod -R u+w "$out"
printf '%s\n' $deps >"$out/nix-support/dependencies"
[ -n "$debs" ] || { mkdir "$out/packages"; for dep in $deps; do ln -s "$dep" "$out/packages/${dep#*-}"; done; }

loader= rpath=
for dir in $out $deps; do
  for found in "$dir"/lib/*/ld-linux*.so.*; do [ ! -e "$found" ] || loader=$found; done
  for found in "$dir/lib" "$dir"/lib/*-linux-gnu "$dir/usr/lib" "$dir"/usr/lib/*-linux-gnu; do
    [ ! -d "$found" ] || rpath=$rpath${rpath:+:}$found
  done
done

# Programs (2) and libraries (3); without an interpreter there is only the search path to set.
find "$out" -type f ! -name 'ld-linux*' -print0 | perl -0ne '
  chomp; open F, "<:raw", $_ or next; read(F, my $head, 18) == 18 or next;
  print "$_\n" if $head =~ /^\x7fELF/ && unpack("x16 S", $head) =~ /^[23]$/' |
  while IFS= read -r file; do
    patchelf --set-interpreter "$loader" --set-rpath "$rpath" "$file" 2>/dev/null ||
      patchelf --set-rpath "$rpath" "$file" 2>/dev/null || :
  done

# Scripts: the interpreter of this part or of one it depends on.
find "$out" -type f -perm /111 -print0 | perl -0ne '
  chomp; my $file = $_; local $/ = "\n";
  open my $in, "<:raw", $file or next; my $first = <$in> // "";
  $first =~ m{^#!\s*/(?:usr/)?bin/(\S+)(.*)}s or next;
  my ($name, $more) = ($1 eq "sh" ? "dash" : $1, $2);
  my ($found) = grep { -e } map { ("$_/usr/bin/$name", "$_/bin/$name") } split " ", "$ENV{out} $ENV{deps}";
  defined $found or next;
  local $/; my $rest = <$in> // "";
  open my $rewritten, ">:raw", $file or die; print $rewritten "#!$found$more$rest"'
