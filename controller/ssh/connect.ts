/** A session of SSH on a device over the mesh, by ssh2: the host key is the one of the mesh, the key one that is granted there. */

import ssh2, { type AnyAuthMethod } from 'ssh2'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { queryAccess } from '../queries/access.ts'
import { querySshTargets } from '../queries/ssh-targets.ts'
import { openDeviceStream } from '../session/device-streams.ts'
import type { Session } from '../session/session.ts'
import { readyMs } from './limits.ts'
import { loginKeys } from './login-keys.ts'

export interface SshPlace {
  readonly device: string
  readonly user: string
}

export interface SshConnection {
  readonly client: ssh2.Client
  /** Whether what is done in it is recorded on the device. */
  readonly recorded: boolean
}

/** What a key has to be granted. */
export type SshRight = 'shell' | 'files' | 'exec'

/** As an error says them. */
const rights: Readonly<Record<SshRight, string>> = { shell: 'a shell', files: 'files', exec: 'a command' }

/** Throws what the device refuses with, a ReachError, or a HintedError where no key fits. */
export async function connectSsh(session: Session, place: SshPlace, right: SshRight): Promise<SshConnection> {
  const { device, user } = place
  const target = (await querySshTargets(session)).devices.find(each => each.device === device)
  const { grants } = await queryAccess(session)
  const here = grants.filter(({ counts, users }) => counts.includes(device) && users.includes(user))
  const fitting = here.filter(({ may }) => may.includes(right))
  const keys = await loginKeys(user, new Set(fitting.flatMap(({ keys }) => keys.map(({ fingerprint }) => fingerprint))))
  const signal = AbortSignal.timeout(readyMs)
  // First the device: what it refuses says more than what is missing here.
  const stream = await openDeviceStream(session, { device, user }, signal)
  stream.on('error', () => {})
  // ssh2 waits for both directions to end, as those of a socket do.
  stream.once('end', () => stream.destroy())
  if (target?.hostKey == null || keys.length === 0) {
    stream.destroy()
    if (target?.hostKey == null) throw noHostKey(device)
    throw new HintedError(
      'not-granted',
      `none of the keys of this controller may open ${rights[right]} on ${device} as ${user}`,
      {
        hint: 'See `thymesh access list`. The page uses the keys of the agent and of ~/.ssh where the controller runs.',
      },
    )
  }
  const hostKey = target.hostKey.split(' ')[1]
  const client = new ssh2.Client()
  let tried = -1
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  client.once('ready', resolve)
  client.on('error', error => reject(error))
  client.once('close', () => reject(new Error('the device ended the session before anybody was logged in')))
  stream.once('error', error => reject(error))
  client.connect({
    sock: stream,
    username: user,
    readyTimeout: readyMs,
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
    algorithms: { serverHostKey: ['ssh-ed25519'] },
    hostVerifier: (key: Buffer) => key.toString('base64') === hostKey,
    authHandler: (_left, _partial, next) => {
      const key = keys[++tried]
      // ssh2 takes `false` for "no more", which its types leave out.
      next((key?.method ?? false) as AnyAuthMethod)
    },
  })
  try {
    await promise
  } catch (thrown) {
    client.destroy()
    throw new HintedError('no-login', `${device} let nobody in as ${user}: ${messageOf(thrown)}`, {
      hint: 'Its grants may be older than those here: `thymesh status` shows its release. Its journal says more.',
      cause: thrown,
    })
  }
  const used = keys[tried]?.fingerprint
  const recorded = here.some(({ record, keys }) => record && keys.some(({ fingerprint }) => fingerprint === used))
  return { client, recorded }
}

function noHostKey(device: string): HintedError {
  return new HintedError('no-host-key', `expected the SSH host key of ${device} in its report, got none`, {
    hint: 'It may run an older version, or its report has not come here: run `thymesh status --wait 15`.',
  })
}
