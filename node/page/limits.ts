/** Bounds of the page of a device. */

/** A technician or two, with a few tabs each. */
export const maxConnections = 32
/** Whoever connects asks at once. */
export const requestTimeoutMs = 10_000
/** Digits of the PIN: with the limit of wrong ones, a guess takes years. */
export const pinDigits = 8
/** Wrong PINs in a minute, of all who ask. */
export const maxWrongPins = 10
export const wrongPinsMs = 60_000
