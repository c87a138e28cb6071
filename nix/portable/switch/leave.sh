# What units made outside of the generation, such as accounts: each generation brings scripts that undo it, thymesh/leave/NAME.
# Copies are kept, and run when a generation without NAME comes, which may be after a reboot and a garbage collection.

leaving="$root/var/lib/thymesh-leave"

# One that fails is said, kept for the next switch, and holds nothing up.
leave_gone() {
  for script in "$leaving"/*; do
    [ -f "$script" ] || continue
    if exists "$here/thymesh/leave/${script##*/}"; then continue; fi
    if (sh -eu "$script"); then rm -f "$script"; else complain "$script failed, and will be run again at the next switch"; fi
  done
}

# Before the units that make something start.
leave_keep() {
  for script in "$here"/thymesh/leave/*; do
    [ -f "$script" ] || continue
    mkdir -p "$leaving"
    kept="$leaving/${script##*/}"
    rm -f "$kept.thymesh-new"
    cat "$script" >"$kept.thymesh-new"
    mv -fT "$kept.thymesh-new" "$kept"
  done
}
