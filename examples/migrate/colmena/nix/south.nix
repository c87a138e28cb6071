# The node south of the hive.
import ./node.nix "south"
