/** Time limits and bounds of asking the router for a port, the unit in the name and a reason beside each. */

/** What a router is asked to keep a port for. It is asked again much sooner: routers lose what they promised. */
export const portLeaseSeconds = 3600
export const portRenewMs = 10 * 60_000
/** How often the port at the router is looked after, and how long until it is asked anew whether the port can be reached. */
export const portCheckMs = 2_000
export const portAgainMs = 70_000
/** Neighbours that are asked at a time to reach this peer at the router's port. */
export const portWitnesses = 2
/** Pauses between the tries of a question by UDP: a router in the same network answers in milliseconds. */
export const routerTriesMs = [250, 500, 1000] as const
/** How long a router may think about a search by UPnP: it may wait for a second, as the search says. */
export const ssdpSearchMs = 2_500
/** One request to a router by HTTP, and what it may answer: descriptions have 3 to 15 KB. */
export const routerHttpMs = 5_000
export const descriptionBytes = 64 << 10
export const describedServices = 64
/** Ports that are tried by UPnP, where a router only says that one is taken. */
export const upnpPortTries = 4
export const firstFreePort = 49_152
/** All of one round with a router, and giving the port back at the end. */
export const routerRoundMs = 30_000
export const routerEndMs = 2_000
