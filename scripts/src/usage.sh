# The command line of all scripts. Each sources this file before it does anything else: --help prints the
# comment that the script opens with, which is its only description, and ends it.

# Ends the script: wrong_use WHAT-WAS-EXPECTED-AND-CAME
wrong_use() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  printf 'scripts/%s --help says what it takes.\n' "${0##*/}" >&2
  exit 64
}

for argument in "$@"; do
  case $argument in
    --help | -h)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
  esac
done
