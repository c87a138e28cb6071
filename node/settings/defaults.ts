/** Where a peer looks for its settings and its state, and the port that it listens on. */

/** The file that a device's package installs its settings in. */
export const defaultSettingsFile = '/etc/thymesh/node.json'
/** What the config that runs says of the daemon (the module `thymesh`); the machine's own file is over it. */
export const systemSettingsFile = '/etc/thymesh-node.json'
export const defaultStateDirectory = '/var/lib/thymesh'

/** Unassigned by IANA; a fixed one, so that firewalls can be opened for it. */
export const defaultPort = 4460
