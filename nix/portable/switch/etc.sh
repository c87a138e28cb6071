# /etc: each file is a link /etc/foo → /run/current-system/etc/foo. Which links and directories are ours is written
# down in /etc/thymesh, before they are made, since after a reboot nothing else tells which generation they are of.

etc="$root/etc"
etc_links="$etc/thymesh/etc-links"
etc_directories="$etc/thymesh/etc-directories"

etc_target() { printf '%s' "/run/current-system/etc/$1"; }
etc_is_ours() { points_to "$etc/$1" "$(etc_target "$1")"; }
listed() { [ -f "$1" ] && grep -qxF -e "$2" "$1"; }
in_generation() { listed "$root$top/thymesh/etc-files" "$1"; }

# A directory that we made and that has nothing in it but what we made.
directory_is_ours() (
  listed "$etc_directories" "$1" || exit 1
  for entry in "$etc/$1"/* "$etc/$1"/.[!.]* "$etc/$1"/..?*; do
    exists "$entry" || continue
    path=${entry#"$etc/"}
    if [ -d "$entry" ] && [ ! -h "$entry" ]; then
      directory_is_ours "$path" || exit 1
    else
      etc_is_ours "$path" || exit 1
    fi
  done
)

# etc_check PATH: nothing of somebody else's is where the link or a directory above it shall be
etc_check() {
  above=
  rest=$1
  while [ "$rest" != "${rest#*/}" ]; do
    above="$above${above:+/}${rest%%/*}"
    rest=${rest#*/}
    # A link of ours where a directory is wanted now: it goes, with all that seems to lie below it.
    if etc_is_ours "$above"; then return; fi
    if [ -n "$rooted" ] && [ -h "$etc/$above" ]; then
      problem "$etc/$above is a link, which could lead out of $root; /etc/$1 can't be linked"
      return
    elif exists "$etc/$above" && [ ! -d "$etc/$above" ]; then
      problem "$etc/$above is in the way of /etc/$1; move it away"
      return
    fi
  done
  if ! exists "$etc/$1" || etc_is_ours "$1"; then return; fi
  if [ -d "$etc/$1" ] && [ ! -h "$etc/$1" ] && directory_is_ours "$1"; then return; fi
  problem "$etc/$1 is in the way and isn't Thymesh's; move it away"
}

etc_preflight() {
  while IFS= read -r path; do etc_check "$path"; done <"$root$top/thymesh/etc-files"
}

# write_list FILE < lines: sorted, each once; empty means no file
write_list() {
  sort -u >"$1.new"
  if [ -s "$1.new" ]; then mv -f "$1.new" "$1"; else rm -f "$1.new" "$1"; fi
}

directories_above() {
  while IFS= read -r path; do
    above=
    while [ "$path" != "${path#*/}" ]; do
      above="$above${above:+/}${path%%/*}"
      path=${path#*/}
      printf '%s\n' "$above"
    done
  done
}

etc_remove_gone() {
  if [ -f "$etc_links" ]; then
    while IFS= read -r path; do
      if ! in_generation "$path" && etc_is_ours "$path"; then rm -f "$etc/$path"; fi
    done <"$etc_links"
  fi
  if [ -f "$etc_directories" ]; then
    # Deepest first; one that still has something in it stays.
    sort -r "$etc_directories" | while IFS= read -r path; do
      if [ -d "$etc/$path" ] && [ ! -h "$etc/$path" ]; then rmdir "$etc/$path" 2>/dev/null || true; fi
    done
  fi
}

# Directories that aren't there yet, or that we made.
etc_our_directories() {
  directories_above <"$root$top/thymesh/etc-files" | sort -u | while IFS= read -r path; do
    if [ ! -d "$etc/$path" ] || [ -h "$etc/$path" ]; then printf '%s\n' "$path"; fi
  done
  if [ -f "$etc_directories" ]; then cat "$etc_directories"; fi
}

etc_activate() {
  files="$root$top/thymesh/etc-files"
  mkdir -p "$etc/thymesh"
  etc_our_directories | write_list "$etc_directories"
  { cat "$files"; if [ -f "$etc_links" ]; then cat "$etc_links"; fi; } | write_list "$etc_links"
  etc_remove_gone
  while IFS= read -r path; do
    case $path in */*) mkdir -p "$etc/${path%/*}" ;; esac
    replace_link "$(etc_target "$path")" "$etc/$path"
  done <"$files"
  write_list "$etc_links" <"$files"
  if [ -f "$etc_directories" ]; then
    while IFS= read -r path; do
      if [ -d "$etc/$path" ]; then printf '%s\n' "$path"; fi
    done <"$etc_directories" | write_list "$etc_directories"
  fi
}
