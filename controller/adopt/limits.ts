/** Bounds of adoption, the unit in the name and a reason beside each. */

/** A machine behind a slow link and a jump host. */
export const connectMs = 30_000
/** How long a connection stays without a step: the wait for a device's hello is shorter. */
export const idleSeconds = 300
/** Asking a connection of this machine to end. */
export const endMs = 2_000
/** What a step may print: apt is talkative. */
export const outputBytes = 1024 * 1024
/** Facts are a few hundred bytes. */
export const answerBytes = 16 * 1024
/** A daemon starts in seconds; a machine with an SD card takes longer. */
export const helloMs = 60_000
/** Below it a clock's error does no harm. */
export const clockSeconds = 300
/** Above it nothing can be signed or downloaded rightly. */
export const clockWrongSeconds = 86_400
/** What the package needs below /usr, and with its copy below /var/lib. */
export const usrKilobytes = 200_000
export const varKilobytes = 200_000
/** The token serves for this hour alone. */
export const tokenDays = 1 / 24
/** What a device that was cut off after it joined stays a member for, until a controller meets it. */
export const provisionalDays = 7
