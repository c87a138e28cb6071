# take-join-token JOIN FILE…: takes the first FILE with a join token into the folder JOIN, for root only, and removes it
# where it was. A file has lines token=, name= and site=; the last two can be missing. A machine that
# has a token already takes none.
set -eu
umask 077
join=$1
shift

for file in "$@"; do
  directory=${file%/*}
  # The firmware partition of a card isn't mounted.
  mounted=
  if [ ! -e "$file" ] && [ -d "$directory" ] && grep -qs "[[:space:]]$directory[[:space:]]" "${THYMESH_FSTAB:-/etc/fstab}"; then
    if mount "$directory" 2>/dev/null; then mounted=yes; fi
  fi
  if [ -s "$file" ] && [ ! -s "$join/token" ]; then
    value() { tr -d '\r' <"$file" | sed -n "s/^$1=//p" | head -n 1; }
    mkdir -p "$join.new"
    value token >"$join.new/token"
    value site >"$join.new/site"
    name=$(value name)
    # One image for many devices: each is named after its machine ID.
    if [ -z "$name" ]; then name="device-$(cut -c 1-8 "${THYMESH_MACHINE_ID:-/etc/machine-id}")"; fi
    printf '%s\n' "$name" >"$join.new/name"
    if [ -s "$join.new/token" ]; then
      sync
      rm -rf "$join"
      mv "$join.new" "$join"
      echo "thymesh: took the join token from $file, for $name"
    else
      rm -rf "$join.new"
      echo "thymesh: $file has no line token=…" >&2
    fi
  fi
  # A token must not stay where the next owner of the card finds it. On a read-only medium it can't go.
  if [ -s "$join/token" ] && [ -e "$file" ]; then
    rm -f "$file" 2>/dev/null || echo "thymesh: $file can't be removed" >&2
    sync
  fi
  if [ -n "$mounted" ]; then umount "$directory" || true; fi
done
