/** Default paths of settings and state, and the default ports. */

/** The settings file that a device's package installs. */
export const defaultSettingsFile = '/etc/thymesh/node.json'
/** The running config's settings for the daemon (the module `thymesh`); the machine's own file overrides it. */
export const systemSettingsFile = '/etc/thymesh-node.json'
export const defaultStateDirectory = '/var/lib/thymesh'

/** Unassigned by IANA; fixed, so that firewalls can allow it. */
export const defaultPort = 4460
/** Of the page of a device; 4461 is the cache's, 4462 that of a controller's page. */
export const defaultPagePort = 4463
