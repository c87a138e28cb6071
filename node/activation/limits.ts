/** Time limits and bounds of an activation, the unit in the name and a reason beside each. */

/** switch-to-configuration; NixOS's own waits for units without a limit. */
export const activationTimeoutMs = 5 * 60_000
/** A question to systemd; it answers in milliseconds, but not while it reloads on a slow board. */
export const systemctlTimeoutMs = 60_000
/** How often the files of a switch that runs in a unit of its own are looked at. */
export const guardPollMs = 300
/** How often a guard that was killed is started again before going back counts as failed. */
export const rollBackStarts = 3
/** Between two looks at units and members after a switch. */
export const healthPollMs = 1_000
/** Looks in a row that must find all units well before an update that is held is committed. */
export const wellInARow = 2
/** One question to all members at once, after a switch: connections from before it may be dead. */
export const contactTimeoutMs = 10_000
/** The daemon acts itself when the guard has not, this long after the deadline. */
export const deadlineGraceSeconds = 20
/** A held update is looked at this often. */
export const heldPollMs = 10_000
/** How often it is looked whether a sweep of the store is due. */
export const housekeepingIntervalMs = 60_000
/** Logs of failed activations that are kept. */
export const keptActivationLogs = 10
/** Looks, each after `healthPollMs`, at what boots once a boot was called a good one: systemd then renames the loader's entry. */
export const blessedLooks = 60
/** A boot that was not a good one is looked at again after this: what its probes ask may be slow to come. */
export const blessAgainMs = 60_000
/** Pauses between tries of what the machine could not do: no room, no memory, or a stop whose signal is still to come. */
export const retryPausesMs: readonly number[] = [1_000, 4_000, 16_000]
/** What is read of what is not in force: a report holds less. */
export const maxNotInForce = { lines: 20, characters: 4_000 } as const
/** Lines of a top level that say what it needs: a module has a few. */
export const maxNeeds = 1_000
/** A machine that goes down ends the daemon before this, as systemd's own limit for a service is. */
export const machineStopMs = 90_000
