/** Credentials for the hosts of private inputs, for as long as one program of Nix's runs. */

import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type TemporaryFolder, temporaryFolder } from '../../node/files/temporary.ts'
import { FleetHome } from '../fleet/fleet-home.ts'
import { ProjectEdit } from '../project/edit.ts'
import type { Project } from '../project/project.ts'
import { operatorIdentity } from '../secrets/operator-identity.ts'
import { openSecret } from '../secrets/vault.ts'
import { gitEnvironment, gitHelper, loginsTable, netrcLogins, tokenLogins } from './git-credentials.ts'

/** Tokens for Nix, in a file that only we read, for as long as one command runs: never in arguments, nor in a log. */
export class Credentials {
  readonly environment: NodeJS.ProcessEnv
  readonly #folder: TemporaryFolder | undefined
  readonly #secrets: readonly string[]

  private constructor(folder: TemporaryFolder | undefined, environment: NodeJS.ProcessEnv, secrets: readonly string[]) {
    this.#folder = folder
    this.environment = environment
    this.#secrets = secrets
  }

  /** Each is `HOST=TOKEN` lines, as access-tokens has them, or a netrc file. */
  static async write(texts: readonly string[]): Promise<Credentials> {
    if (texts.length === 0) return new Credentials(undefined, gitEnvironment(undefined), [])
    const folder = await temporaryFolder({ inMemory: true })
    const at = (name: string) => join(folder.path, name)
    const netrc = texts.filter(text => /^\s*machine\s/m.test(text))
    const tokens = texts
      .filter(text => !netrc.includes(text))
      .flatMap(text => text.split(/\s+/).filter(each => each !== ''))
    const conf = [
      ...(tokens.length > 0 ? [`access-tokens = ${tokens.join(' ')}`] : []),
      ...(netrc.length > 0 ? [`netrc-file = ${at('netrc')}`] : []),
    ]
    await writeFile(at('netrc'), `${netrc.join('\n')}\n`, { mode: 0o600 })
    const logins = [...netrc.flatMap(netrcLogins), ...tokenLogins(tokens)]
    await writeFile(at('git-logins'), loginsTable(logins), { mode: 0o600 })
    await writeFile(at('git-helper'), gitHelper(at('git-logins')), { mode: 0o600 })
    await writeFile(at('nix.conf'), `${conf.join('\n')}\n`, { mode: 0o600 })
    const own =
      process.env.NIX_USER_CONF_FILES ?? join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'nix/nix.conf')
    const words = tokens.map(token => token.slice(token.indexOf('=') + 1))
    const environment = {
      ...gitEnvironment(
        at('git-helper'),
        logins.map(({ host }) => host),
      ),
      NIX_USER_CONF_FILES: `${at('nix.conf')}:${own}`,
    }
    const passwords = logins.map(({ password }) => password)
    return new Credentials(folder, environment, [...texts, ...words, ...passwords])
  }

  /** Nix may repeat a URL that has a token in it. */
  without(message: string): string {
    return this.#secrets.reduce((text, secret) => (secret.length < 4 ? text : text.replaceAll(secret, '…')), message)
  }

  async remove(): Promise<void> {
    await this.#folder?.remove()
  }
}

/** Tokens for the hosts of inputs, by the secrets that thymesh.json names. */
export async function credentialsOf(project: Project, inputs: NonNullable<Project['inputs']>): Promise<string[]> {
  const names = [...new Set(Object.values(inputs).flatMap(({ secret }) => secret ?? []))]
  if (names.length === 0) return []
  const own = await operatorIdentity(new FleetHome(project.fleet))
  const edit = new ProjectEdit(project.directory)
  return await Promise.all(
    names.map(async name =>
      Buffer.from(await openSecret(edit, name, own))
        .toString()
        .trim(),
    ),
  )
}
