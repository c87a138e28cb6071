/** The machine that is adopted: its answers to the verbs of target.sh, over ssh and as root. */

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { visible } from '../../protocol/encoding/visible.ts'
import { AdoptError } from './adopt-error.ts'
import { answerBytes } from './limits.ts'
import type { Remote, RemoteInput, Ssh } from './ssh.ts'

/** How its root is reached. */
export type Root = 'root' | 'sudo' | { readonly password: string }

export type Answer = Readonly<Record<string, string>>

/** Codes that the script itself gives. */
const ownCodes = ['other-adoption', 'adoption-runs', 'disk-full', 'no-nix'] as const

export class Target {
  readonly #ssh: Ssh
  readonly #root: Root
  readonly #script: string

  private constructor(ssh: Ssh, root: Root, script: string) {
    this.#ssh = ssh
    this.#root = root
    this.#script = script
  }

  static async over(ssh: Ssh, root: Root): Promise<Target> {
    return new Target(ssh, root, await readFile(new URL('./target.sh', import.meta.url), 'utf8'))
  }

  /** As the user who logs in, without root. */
  ask(verb: 'facts', signal?: AbortSignal): Promise<Answer> {
    return this.#call('root', [verb], { signal })
  }

  /** As root. Throws an AdoptError. */
  do(
    verb: string,
    args: readonly string[],
    init: { input?: RemoteInput; signal?: AbortSignal | undefined } = {},
  ): Promise<Answer> {
    return this.#call(this.#root, [verb, ...args], init)
  }

  async #call(
    root: Root,
    words: readonly string[],
    { input, signal }: { input?: RemoteInput; signal?: AbortSignal | undefined },
  ): Promise<Answer> {
    const nonce = randomBytes(12).toString('hex')
    const script = `${this.#script}\nframed ${[nonce, ...words].map(quoted).join(' ')}\n`
    // Of letters alone, which every login shell passes on as they are.
    const command = `sh -c 'eval "$(printf %s ${Buffer.from(script).toString('base64')} | base64 -d)"'`
    const password = typeof root === 'object' ? `${root.password}\n` : ''
    const remote = await this.#ssh.run(`${prefix(root)}${command}`, {
      input: { ...input, text: `${password}${input?.text ?? ''}` },
      ...(signal && { signal }),
    })
    return answerOf(remote, nonce)
  }
}

/** With a password, sudo must read it: a remembered one would leave it to the step. */
function prefix(root: Root): string {
  if (root === 'root') return ''
  return root === 'sudo' ? 'sudo -n -- ' : "sudo -k -S -p '' -- "
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** Exported for its test. */
export function answerOf({ stdout, stderr, code }: Remote, nonce: string): Answer {
  const [, framed = ''] = stdout.split(`\n${nonce} begin\n`)
  const [answer, end] = framed.split(`\n${nonce} end `)
  if (answer === undefined || end === undefined || answer.length > answerBytes) throw unanswered(stderr, code)
  const entries = answer.split('\n').flatMap(line => {
    const [, key, value] = /^([A-Za-z0-9]{1,20})=(.{0,1000})$/.exec(line) ?? []
    return key === undefined || value === undefined ? [] : [[key, value] as const]
  })
  const found: Answer = Object.fromEntries(entries)
  if (Number.parseInt(end, 10) === 0) return found
  const known = ownCodes.find(each => each === found.error)
  const said = visible(found.message ?? '', 500)
  if (known === 'other-adoption') {
    throw new AdoptError(known, `expected a machine that is not being adopted, got one half adopted as ${said}`, {
      hint: 'Go on with the same name and fleet, or take it back with --undo.',
    })
  }
  throw new AdoptError(known ?? 'step-failed', `${said}${tail(stderr)}`, {
    hint:
      known === undefined
        ? 'The lines above are of the machine itself. Mend it, then run the command again.'
        : hints[known],
  })
}

const hints: Readonly<Record<Exclude<(typeof ownCodes)[number], 'other-adoption'>, string>> = {
  'adoption-runs': 'Wait until it has ended, then run the command again.',
  'disk-full': 'Make room on the machine, then run the command again.',
  'no-nix': 'Install Nix there (apt-get install nix-bin, or https://nixos.org/download), then use --nix keep.',
}

function unanswered(stderr: string, code: number | null): AdoptError {
  if (/a password is required|incorrect password|no password was provided|Sorry, try again/i.test(stderr)) {
    return new AdoptError('sudo-asks', 'sudo asks for a password there, and got none or a wrong one', {
      hint: 'Give --ask-sudo to type it here, or connect as root.',
    })
  }
  if (/must have a tty|not in the sudoers|not allowed to/i.test(stderr)) {
    return new AdoptError('sudo-refused', `sudo refused there${tail(stderr)}`, { hint: 'Connect as root instead.' })
  }
  return new AdoptError(
    'step-failed',
    `expected an answer of the machine, got none (exit code ${code})${tail(stderr)}`,
    {
      hint: 'Check that its login shell runs commands: ssh HOST true',
    },
  )
}

function tail(stderr: string): string {
  const lines = stderr
    .trim()
    .split('\n')
    .slice(-5)
    .filter(line => line !== '')
  return lines.map(line => `\n  ${visible(line, 300)}`).join('')
}
