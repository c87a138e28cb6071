/** The passphrase that the environment brings, taken out of it at once: no program that is started later inherits it. */

const variable = 'THYMESH_PASSPHRASE'

let taken: string | undefined

/** The passphrase of `THYMESH_PASSPHRASE`, or nothing. The first call removes it from this process's environment. */
export function environmentPassphrase(): string | undefined {
  taken ??= process.env[variable] || undefined
  delete process.env[variable]
  return taken
}
