/** `thymesh key`: an operator's own signing keys: making them, showing their public half, changing the passphrase. */

import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { openState } from '../../../node/state/peer-state.ts'
import { nameSchema } from '../../../protocol/encoding/fields.ts'
import { HintedError, ThymeshError } from '../../../protocol/errors.ts'
import { formatNixSecretKey } from '../../../protocol/nix/signature.ts'
import { roleNames } from '../../../protocol/trust/fleet.ts'
import { ownCertificate } from '../../fleet/certificate.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { operatorName } from '../../fleet/names.ts'
import { isSealed, newSeal, readKeyFile, writeKeyFile } from '../../keys/key-file.ts'
import { newKeys, noKey } from '../../keys/operator-keys.ts'
import { ownCard } from '../../keys/own-card.ts'
import { PassphraseSource, passphrases } from '../../keys/passphrase.ts'
import { openProject } from '../../project/project.ts'
import { requireToken } from '../shell/join-token.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { note, print } from '../shell/output.ts'

export interface KeyNewOptions extends ProjectOptions {
  operator?: string
  /** False for `--no-passphrase`. */
  passphrase: boolean
  rotate: boolean
  listen: string[]
  /** A join token, for an operator of a site who is none of the fleet. */
  join?: string
  mdns: boolean
}

/** Keys for an operator who joins the fleet, or new ones beside the old for one who is in it. */
export async function keyNew(options: KeyNewOptions): Promise<undefined> {
  const project = await openProject(options.project)
  const home = new FleetHome(project.fleet)
  const { operatorKeys } = home
  const before = await operatorKeys.files('root')
  if (before.length > 0 !== options.rotate) {
    throw options.rotate
      ? noKey('root', join(operatorKeys.directory, 'root.key'))
      : new HintedError('exists', `${operatorKeys.directory} already has keys of this fleet`, {
          hint: 'Make new ones beside them with --rotate, or print their public half with `thymesh key show`.',
        })
  }
  const operator = checkedOperator(options.operator ?? (await operatorKeys.operator()))
  if (options.join !== undefined) {
    requireToken(options.join, { option: '--join', fleet: project.fleet, name: operator, role: 'relay' })
  }
  // New files share the folder's passphrase: the old ones must open with it.
  const sealed = options.rotate ? await operatorKeys.sealed() : options.passphrase
  if (options.rotate) await operatorKeys.signers()
  const passphrase = options.rotate ? passphrases.current : () => passphrases.chosen()
  const seal = sealed ? newSeal(await passphrase()) : undefined
  if (!options.rotate) {
    const join = options.join === undefined ? {} : { join: { token: options.join, name: operator } }
    await home.writeSettings({
      mdns: options.mdns,
      ...join,
      ...(options.listen.length > 0 && { listen: options.listen }),
    })
  }
  const keys = newKeys(`${project.name}-${operator}-${before.length + 1}`)
  const written = await operatorKeys.write(keys, seal)
  await operatorKeys.noteOperator(operator)
  if (options.rotate) await signOwnAnew(home, project.fleet, operator, options)
  const card = await ownCard(operatorKeys, project.fleet, operator)
  note(options, `New keys: ${operatorKeys.directory} (${written.map(file => basename(file)).join(', ')})`)
  note(
    options,
    options.join === undefined
      ? 'Give this card to an operator of the fleet, who adds it: thymesh root propose --add CARD'
      : 'Give this card to an operator of the fleet, who gives you your site: thymesh site delegate SITE --operator CARD',
  )
  print(options, { directory: operatorKeys.directory, operator, sealed, card }, card)
  return undefined
}

/**
 * This controller's certificate, by the old keys and the new: the root that names the new ones may come while it is away, and its
 * old certificate would then be nobody's. A site's operator has one by a join token.
 */
async function signOwnAnew(home: FleetHome, fleet: string, operator: string, options: ProjectOptions): Promise<void> {
  const settings = await home.settings()
  if (settings.join !== undefined) return
  try {
    const state = await openState(settings)
    try {
      const members = await home.operatorKeys.membersKeys()
      const init = { fleet, operator, members: async () => members, keys: members.length, now: new Date() }
      await ownCertificate(state, init)
    } finally {
      await state.database.close()
    }
  } catch (thrown) {
    if (!(thrown instanceof ThymeshError && thrown.code === 'in-use')) throw thrown
    note(
      options,
      'Restart your other `thymesh` before the root with these keys is published: it uses an old certificate.',
    )
  }
}

export async function keyShow(options: ProjectOptions & { operator?: string }): Promise<undefined> {
  const project = await openProject(options.project)
  const home = new FleetHome(project.fleet)
  const operator = checkedOperator(options.operator ?? (await home.operatorKeys.operator()))
  const signers = await home.operatorKeys.signers()
  const card = await ownCard(home.operatorKeys, project.fleet, operator)
  const sealed = await home.operatorKeys.sealed()
  const keys = Object.fromEntries(roleNames.map(role => [role, signers[role].map(({ keyId }) => keyId)]))
  note(options, `Keys in ${home.operatorKeys.directory}, ${sealed ? 'sealed by a passphrase' : 'not sealed'}`)
  for (const role of roleNames) note(options, `  ${role.padEnd(10)} ${(keys[role] ?? []).join(' ')}`)
  print(options, { directory: home.operatorKeys.directory, operator, sealed, keys, card }, card)
  return undefined
}

/** Seals all key files anew. The old files stay until all new ones are written. */
export async function keyPassphrase(
  options: ProjectOptions & { newFile?: string; passphrase: boolean },
): Promise<undefined> {
  const project = await openProject(options.project)
  const { operatorKeys } = new FleetHome(project.fleet)
  const [signers, nix] = await Promise.all([operatorKeys.secrets(), operatorKeys.nixKeys()])
  if (signers.length === 0) throw noKey('root', join(operatorKeys.directory, 'root.key'))
  const seal = options.passphrase ? newSeal(await newPassphrase(options.newFile)) : undefined
  const draft = `${operatorKeys.directory}.sealing`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  const nixFiles = await operatorKeys.files('nix')
  const age = join(operatorKeys.directory, 'age.key')
  const hasAge = (await isSealed(age)) !== undefined
  const files = [
    ...signers,
    ...(hasAge ? [{ file: age, role: 'age', secret: await readKeyFile(age, 'age', passphrases.current) }] : []),
    ...nixFiles.flatMap((file, at) => {
      const key = nix[at]
      return key === undefined ? [] : [{ file, role: 'nix', secret: formatNixSecretKey(key) }]
    }),
  ]
  for (const { file, role, secret } of files) await writeKeyFile(join(draft, basename(file)), role, secret, seal)
  for (const { file } of files) await rename(join(draft, basename(file)), file)
  await rm(draft, { recursive: true, force: true })
  const text = `${files.length} key files are ${seal === undefined ? 'unsealed now: anyone who can read them can use them' : 'sealed with the new passphrase'}.`
  print(options, { directory: operatorKeys.directory, files: files.length, sealed: seal !== undefined }, text)
  return undefined
}

async function newPassphrase(file: string | undefined): Promise<string> {
  const source = new PassphraseSource()
  if (file !== undefined) source.useFile(file)
  return await source.chosen({ fromEnvironment: false })
}

function checkedOperator(given: string | undefined): string {
  const name = given ?? operatorName()
  const parsed = nameSchema.safeParse(name)
  if (parsed.success) return parsed.data
  throw new HintedError('invalid-name', `--operator: ${parsed.error.issues[0]?.message}, got ${JSON.stringify(name)}`, {
    hint: 'Give another name with --operator NAME.',
  })
}
