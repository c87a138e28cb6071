/** The version of this program, as commands print it and devices report it. */

export const version = '0.1.0'
