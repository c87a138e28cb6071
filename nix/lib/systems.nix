# The kinds of machines that Thymesh runs on, as Nix calls them.
{ systems = [ "x86_64-linux" "aarch64-linux" "i686-linux" "armv7l-linux" "armv6l-linux" "riscv64-linux" ]; }
