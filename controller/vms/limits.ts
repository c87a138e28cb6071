/** Bounds of virtual machines, the unit in the name. */

/** A daemon with the Nix that it starts needs about 200; less is a machine that dies of its first update. */
export const leastMemoryMegabytes = 256
export const mostMemoryMegabytes = 1 << 20
export const memoryMegabytes = 1024
export const mostProcessors = 256
/** Of a machine's disk: a file that grows with what is written. Below it, one closure with its staging has no room. */
export const leastDiskMegabytes = 512
export const mostDiskMegabytes = 1 << 20
export const diskMegabytes = 8192
/** What must be free to begin with: the file system itself, and a Nix that is copied. */
export const freeMegabytes = 512

/** One bridge serves as many. */
export const machinesOfFleet = 200
/** Of its files of JSON, which root alone writes. */
export const recordBytes = 16_384

/** A loaded computer's systemd starts in seconds; this is for one that swaps. */
export const bootMs = 300_000
/** A unit may take 90 seconds to stop by systemd's default. */
export const stopMs = 150_000
/** Mounts, links and addresses are matters of milliseconds. */
export const commandMs = 60_000
/** Copying Nix and this program into the machine's store. */
export const prepareMs = 900_000
export const pollMs = 200
/** The token is used at once; a day is the least that tokens have. */
export const tokenDays = 1
/** How often the fleet is asked whether it knows the new device. */
export const lookAgainMs = 1_000
