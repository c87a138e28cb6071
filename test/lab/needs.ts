/** Whether this machine can run the lab, and the reason when it can't. */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { LabError } from './errors.ts'

/** CAP_SYS_ADMIN's bit: mounts and namespaces, which root in a plain container lacks. */
const CAP_SYS_ADMIN = 21n

/**
 * `false` where the lab can run, else the reason, to be given to `node:test` as `skip`.
 *
 * Throws under `CI=true`: a test that CI skips is a promise that nobody checks.
 */
export function labSkip(): string | false {
  const reason = whyNot()
  if (reason !== undefined && process.env.CI === 'true') {
    throw new LabError('lab-missing', `expected CI to run the lab's tests, but ${reason}`, {
      hint: 'Run CI as root in a virtual machine or a privileged container of Debian.',
    })
  }
  return reason ?? false
}

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return `the lab needs Linux, and this is ${process.platform}`
  const missing = ['debootstrap', 'systemd-nspawn'].filter(program => !installed(program))
  const install = missing.length > 0 ? '; install debootstrap and systemd-container as well' : ''
  if (process.getuid?.() !== 0) return `the lab's machines need root: run the tests as root${install}`
  if (!mayMount()) return "the lab's machines need CAP_SYS_ADMIN: run in a virtual machine or a privileged container"
  // As root the lab installs what is missing by itself, where it knows how.
  if (missing.length > 0 && !installed('apt-get')) return `${missing.join(' and ')} missing: install them`
  return undefined
}

function installed(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function mayMount(): boolean {
  if (!existsSync('/proc/self/status')) return false
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n
}
