# Puts files into folders that may belong to others, who can swap what is in them at any moment, for a link to root's files too.
# So a folder is entered step by step, and each step is judged by where it has led. What is put there is made in a folder that
# only root can enter, and a rename, which follows no link, brings it to its place.

# Where we are, by the kernel: no link and no rename changes that.
here() { readlink /proc/self/cwd; }

refuse() {
  echo "expected $1 to be a folder, found a link or another file; move it away, or name the folder that it leads to" >&2
  exit 1
}

# enter FOLDER [make]: goes there and makes what is missing, or else fails; fails where a step is no folder, such as a link
enter() {
  cd /
  at=
  left=${1#/}
  while [ -n "$left" ]; do
    step=${left%%/*}
    case $left in */*) left=${left#*/} ;; *) left= ;; esac
    at="$at/$step"
    if [ "${2:-}" = make ] && [ ! -e "./$step" ] && [ ! -h "./$step" ]; then mkdir "./$step" || return 1; fi
    cd -P "./$step" 2>/dev/null || return 1
    [ "$(here)" = "$at" ] || return 1
  done
}

# begin PATH: goes to a new folder beside it that only root can enter
begin() {
  enter "${1%/*}" make || refuse "$at"
  rm -rf ./.thymesh-new
  mkdir -m 0700 ./.thymesh-new
  cd -P ./.thymesh-new
  [ "$(here) $(stat -c '%u %a' .)" = "${1%/*}/.thymesh-new $(id -u) 700" ] || refuse "${1%/*}/.thymesh-new"
}

# finish PATH: what was made as `new` takes its place; a folder is moved away first, since no rename replaces it
finish() {
  name=${1##*/}
  if [ -e "../$name" ] && [ ! -h "../$name" ] && { [ -d "../$name" ] || [ -d new ]; }; then mv -T "../$name" old; fi
  mv -T new "../$name"
  cd ..
  rm -rf ./.thymesh-new
}

# put SOURCE PATH OWNER MODE: a copy; of a folder, all that is in it keeps its mode
put() {
  begin "$2"
  cp -R "$1" new
  chown -hR "$3" new
  if [ -h new ]; then :; elif [ -d new ]; then chmod -R u+w new; else chmod "$4" new; fi
  finish "$2"
}

# point TARGET PATH: a link
point() {
  begin "$2"
  ln -s "$1" new
  finish "$2"
}

# take_away PATH: what is there no longer, be it a folder; where the way leads elsewhere now, nothing of ours is there
take_away() {
  if enter "${1%/*}"; then rm -rf "./${1##*/}"; fi
}
