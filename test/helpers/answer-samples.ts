/** One full answer to each question of the CLI: every field is there, or it does not compile. */

import type { projectQuestions } from '../../controller/api/project-questions.ts'
import type { QuestionAnswer, QuestionName } from '../../controller/api/questions.ts'
import { factsSample } from './facts-sample.ts'

/** Nothing optional and nothing null: a field that is added later must be added here. */
type Full<T> = T extends string | number | boolean | Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? [Full<Item>, ...Full<Item>[]]
    : T extends object
      ? { [Name in keyof T]-?: Full<NonNullable<T[Name]>> }
      : T

type Data<Name extends QuestionName> = QuestionAnswer<Name>

const peer = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const at = '2026-01-31T12:00:00Z'
const path = '/nix/store/00000000000000000000000000000000-kiosk'
const id = '5f0c21d9a84e7730'.repeat(4)

const update: Full<Data<'rollout'>['waves'][number]['devices'][number]>['update'] = {
  ...{ release: 2, milliseconds: 1200, paths: 3, pathsDone: 2, needed: 4096, fromStore: 512, fromControllers: 0 },
  ...{ fromNeighbours: 1024, fromElsewhere: 0, wire: 2048, wasted: 1, bytesPerSecond: 1000, secondsLeft: 9 },
}

const recorded: Full<Data<'recording'>['recording']> = {
  ...{ id: '0123456789ab', operators: ['ada'], fingerprint: `SHA256:${'a'.repeat(43)}`, controller: 'ada-laptop' },
  ...{ user: 'root', began: at, seconds: 51, bytes: 4711, reason: 'ended' },
}

const row: Full<Data<'status'>['devices'][number]> = {
  ...{
    device: 'kiosk-1',
    peer,
    site: 'north',
    tags: ['lobby'],
    config: 'kiosk',
    follows: 'north',
    releaseSite: 'north',
  },
  ...{ release: 1, running: path, wanted: 2, state: 'fetching', lastSeen: at, freshness: 'fresh' },
  turn: { release: 2, wave: 2, is: 'held', reason: 'wave 1 has 1 of 3 confirmed' },
  error: { code: 'health-failed', message: 'kiosk.service failed', hint: 'Look at its log: thymesh logs kiosk-1' },
  daemon: { version: '0.1.0', from: 'release' },
  update,
  way: { kind: 'relayed', hub: 'hub-1' },
  duplicate: true,
}

const alarm: Full<Data<'status'>['alarms'][number]> = {
  ...{ kind: 'clone', subject: peer, verified: false, claimedBy: [{ device: 'kiosk-3', peer }] },
}

const wave: Full<Data<'rollout'>['waves'][number]> = {
  ...{ wave: 1, title: 'one device', confirmed: 0, failed: 1, soakSeconds: 600, failures: 0, absent: 0 },
  ...{ state: 'held', reason: '1 of 3 failed' },
  devices: [{ device: 'kiosk-1', outcome: 'failed', reason: 'kiosk.service failed', update, lastSeen: at }],
}

const connection: Full<Data<'peers'>['connections'][number]> = {
  ...{ peer, name: 'kiosk-1', role: 'device', site: 'north', way: { kind: 'relayed', hub: 'hub-1' } },
  ...{ direction: 'out', address: `/p2p/${peer}/p2p-circuit`, roundTripMs: 21.4, since: at, received: 2048, sent: 512 },
  agent: 'thymesh/0.1.0',
}

/** The project's files are no documents of others, and no command shows them as they are. */
export const answerSamples: { [Name in Exclude<QuestionName, keyof typeof projectQuestions>]: unknown } = {
  status: {
    ...{ fleet: id, release: 3, sites: { north: 3 }, peers: ['laptop'], devices: [row] },
    newest: [
      { site: 'north', version: 3, message: 'new sign' },
      { site: null as never, version: 2, message: 'new kiosk' },
    ],
    alarms: [alarm, { ...alarm, kind: 'equivocation', subject: 'targets 7', verified: true }],
    uplinks: [{ site: 'north', bytesPerDay: 9_000_000, spent: 4, open: false, opensAt: at }],
    rootEnd: { expires: at, daysLeft: 3 },
    damaged: [path],
  } satisfies Full<Data<'status'>>,
  peers: { self: 'laptop', connections: [connection] } satisfies Full<Data<'peers'>>,
  network: {
    ...{ self: 'laptop', ok: false, nat: 'hard' },
    checks: [{ check: 'hubs', result: 'bad', message: 'hub-1 not connected', hint: 'Check the firewall.' }],
  } satisfies Full<Data<'network'>>,
  devices: { devices: [row], next: peer } satisfies Full<Data<'devices'>>,
  risks: {
    devices: [
      {
        ...{ device: 'kiosk-1', peer, site: 'north', tags: ['lobby'], config: 'kiosk', state: 'failed', lastSeen: at },
        ...{
          disk: 91,
          wear: 80,
          temperature: 48.5,
          hasHistory: true,
          restarts: 3,
          diskFullDays: 6,
          certificateDays: 9,
        },
        risks: [{ kind: 'disk', severity: 'critical', text: 'its disk is full in 6 days, now 91 %', daysLeft: 6 }],
      },
    ],
  } satisfies Full<Data<'risks'>>,
  rollout: {
    ...{ release: 3, site: 'north', message: 'new sign', promotes: { release: 2, waves: 1 }, complete: false },
    policy: {} as never,
    waves: [wave],
  } satisfies Full<Data<'rollout'>>,
  progress: {
    ...{ release: 3, site: 'north', complete: false, held: true, restores: 1, holders: ['kiosk-1'] },
    ...{ failed: ['kiosk-1'], waiting: ['kiosk-2'], damaged: [path], devices: [row], waves: [wave] },
  } satisfies Full<Data<'progress'>>,
  changes: {
    ...{ site: 'north', release: 3, since: 2, removed: ['sign'], unknown: ['kiosk'] },
    configs: [
      {
        ...{ config: 'kiosk', rebuilt: 4, bytesBefore: 4096, bytesAfter: 8192 },
        ...{
          added: [{ name: 'jq', before: [''], after: ['1.7'] }],
          removed: [{ name: 'ed', before: ['1.20'], after: [''] }],
        },
        changed: [{ name: 'openssl', before: ['3.0.13'], after: ['3.0.15'] }],
      },
    ],
  } satisfies Full<Data<'changes'>>,
  cost: {
    ...{ site: 'north', release: 3 },
    sites: [
      {
        ...{ site: 'north', devices: 3, unknown: 1, chunks: 12, bytes: 8192, wire: 4096, seconds: 60 },
        ...{ bytesPerDay: 1_000_000, stick: true },
      },
    ],
  } satisfies Full<Data<'cost'>>,
  visit: {
    ...{ sites: ['north'], release: 3, holders: ['kiosk-1'], missing: ['kiosk'], unseen: ['kiosk-2'] },
    ...{ mayLeave: true, complete: false },
    devices: [{ ...row, here: true, seen: true, hasAll: true, ended: false }],
  } satisfies Full<Data<'visit'>>,
  device: {
    ...{ device: 'kiosk-1', peer, addresses: ['/ip4/192.0.2.1/tcp/4460'], connected: true, historyFrom: 'device' },
    certificate: { role: 'device', site: 'north', issued: at, expires: at, byToken: true },
    declared: { config: 'kiosk', site: 'north', tags: ['lobby'], wave: 1 },
    status: row,
    health: { state: 'failed', units: ['kiosk.service'], probes: ['tcp localhost:80'] },
    history: [
      {
        ...{ release: 1, site: 'north', outcome: 'failed', at, config: 'kiosk', topLevel: path },
        ...{ code: 'health-failed', message: 'kiosk.service failed' },
      },
    ],
    excerpt: 'kiosk.service: failed\nkiosk.service: failed again',
  } satisfies Full<Data<'device'>>,
  why: {
    ...{ device: 'kiosk-3', verdict: 'not-heard', fine: false, text: 'It runs 11.', next: 'Carry a bundle to it.' },
    facts: {
      ...factsSample,
      way: { kind: 'relayed', hub: 'hub-1' },
      revoked: { at, reason: 'stolen' },
      report: {
        ...{ at, state: 'held', site: 'north', release: 1, wanted: 2, running: path, boots: path, attempts: 1 },
        ...{
          freshness: 'fresh',
          knowsRelease: true,
          turn: row.turn,
          update,
          error: { code: 'a', message: 'b' },
          awaitsReboot: 'the kernel changes',
        },
        health: { state: 'failed', units: ['kiosk.service'], probes: ['tcp localhost:80'] },
      },
      wave: { number: 2, of: 3, is: 'waiting', reason: 'wave 1 has 1 of 3 confirmed' },
      window: { of: 'updates', opens: at },
      release: { ...factsSample.release, site: 'north' },
    } as never,
  } satisfies Full<Data<'why'>>,
  alerts: {
    alerts: [
      {
        ...{ device: 'kiosk-1', peer, site: 'north', rule: 'disk-full', severity: 'critical', state: 'firing', id: 7 },
        ...{ since: at, until: at, summary: 'disk above 90 %', silencedBy: 'ada', acknowledgedBy: 'ada' },
        told: [{ channel: 'ops', by: 'kiosk-2' }],
      },
    ],
    silences: [{ rule: 'disk-full', device: 'kiosk-1', until: at, by: 'ada', keptBy: ['kiosk-2'] }],
    rules: 3,
  } satisfies Full<Data<'alerts'>>,
  metrics: {
    ...{ device: 'kiosk-1', peer, source: 'outbox', from: at, step: 900 },
    series: [{ name: 'cpu', unit: 'percent', average: [4.5], min: [1.0], max: [9.75] }],
  } satisfies Full<Data<'metrics'>>,
  support: {
    device: 'kiosk-1',
    made: '2026-01-31T12:00:00Z',
    text: 'Thymesh 0.1.0\nThe device kiosk-1, as of 2026-01-31T12:00:00Z\n',
    leftOut: { addresses: 1, secrets: 0, persons: 0 },
    missing: [{ part: 'Log of thymesh.service', reason: 'not in reach' }],
  },
  logs: { device: 'kiosk-1', peer, lines: ['2026-01-31T12:00:00+0000 kiosk-1 web[7]: ready'] } satisfies Full<
    Data<'logs'>
  >,
  audit: {
    ...{ device: 'kiosk-1', peer, size: 8, root: id, reported: at, verified: false, from: 7 },
    problem: { kind: 'shrank', message: 'its log has 7 entries' },
    heads: { agree: 1, tooOld: 2 },
    entries: [{ index: 7, at, what: 'session-began', about: { user: 'root' }, bytes: 'AA==' }],
    proof: { checkpoint: 'a note', key: 'a key', before: ['AA=='] },
  } satisfies Full<Data<'audit'>>,
  snapshots: {
    ...{ device: 'kiosk-1', source: 'kept' },
    snapshots: [{ screen: 'kiosk', taken: at, sha256: id, bytes: 4711, png: 'iVBORw0KGgo=' }],
  } satisfies Full<Data<'snapshots'>>,
  recordings: { device: 'kiosk-1', recordings: [recorded] } satisfies Full<Data<'recordings'>>,
  recording: {
    ...{ device: 'kiosk-1', recording: recorded, sha256: id, whole: true, cast: '{"version":2}' },
  } satisfies Full<Data<'recording'>>,
  access: {
    grants: [
      {
        ...{ id: 'ada-1', signedBy: 'north', operator: 'ada', devices: ['kiosk-*'], tags: ['lobby'], sites: ['north'] },
        keys: [{ type: 'ssh-ed25519', fingerprint: `SHA256:${'a'.repeat(43)}` }],
        ...{ users: ['root'], may: ['shell', 'forward:tcp:127.0.0.1:80'], record: true, until: at },
        ...{ expired: false, counts: ['kiosk-1'] },
      },
    ],
  } satisfies Full<Data<'access'>>,
  sshTargets: {
    ...{ fleet: 'orchard', fleetId: id, controller: peer },
    devices: [
      {
        ...{ device: 'kiosk-1', peer, site: 'north', config: 'kiosk', tags: ['lobby'] },
        ...{ hostKey: 'ssh-ed25519 AAAA', connected: true, lastSeen: at },
      },
    ],
  } satisfies Full<Data<'sshTargets'>>,
  log: {
    events: [
      {
        ...{ at, atIs: 'signed', what: 'approved', version: 2, site: 'north', message: 'looks good', proposal: id },
        signers: [{ operator: 'ada', key: id, claims: 'ada' }],
      },
    ],
    next: '1',
  } satisfies Full<Data<'log'>>,
  releases: {
    releases: [
      {
        ...{ site: 'north', version: 2, created: at, message: 'new sign', commit: 'c'.repeat(40), restores: 1 },
        configs: {
          kiosk: {
            ...{ system: 'x86_64-linux', target: 'portable', topLevel: path, closure: 'bafy', paths: 3, narSize: 9 },
            policy: {} as never,
            secrets: {} as never,
          },
        },
        devices: { 'kiosk-1': { config: 'kiosk', site: 'north', tags: ['lobby'] } },
      },
    ],
    next: '/2',
  } satisfies Full<Data<'releases'>>,
  members: {
    fleet: id,
    members: [
      {
        ...{ name: 'kiosk-1', peer, role: 'device', site: 'north', issuedBy: 'token', token: id, issued: at },
        ...{ expires: at, state: 'member', lastSeen: at, connected: false, renewing: true, held: 'name-taken' },
        ...{ cloned: true, cloneClaimedBy: [{ device: 'kiosk-3', peer }], revoked: { at, reason: 'stolen' } },
      },
    ],
    alarms: [alarm],
    next: peer,
  } satisfies Full<Data<'members'>>,
  tokens: {
    tokens: [
      {
        ...{ id, names: 'kiosk-*', role: 'device', site: 'north', issued: at, expires: at, uses: 3, overLimit: 'flag' },
        ...{ countersigned: 1, provisional: 1, provisionalPeers: [peer], state: 'usable' },
      },
    ],
  } satisfies Full<Data<'tokens'>>,
  proposals: {
    proposals: [
      {
        ...{ id, root: 2, release: 3, members: 4, site: 'north', operator: 'ada', created: at, message: 'new sign' },
        ...{ complete: false, withdrawn: false, isWhole: false },
        lacks: { missing: 1, of: 2, problem: { code: 'wrong-shard', message: 'another wave' } },
        signatures: [{ part: 'release', by: 'current', threshold: 2, signed: [id] }] as never,
        statements: [{ operator: 'bob', verdict: 'rejected', at, message: 'not today' }],
        changes: [
          { device: 'kiosk-1', before: { config: 'old', topLevel: path }, after: { config: 'kiosk', topLevel: path } },
        ],
      },
    ],
  } satisfies Full<Data<'proposals'>>,
  proposal: {
    ...{ id, title: 'release 3', complete: false, withdrawn: false, text: 'Release 3, proposed by ada' },
  } satisfies Full<Data<'proposal'>>,
  root: {
    ...{ version: 1, fleet: id, name: 'museum', created: at, expires: at, nixPublicKeys: ['museum-1:AAAA'] },
    roles: Object.fromEntries(
      ['root', 'targets', 'snapshot', 'timestamp', 'members'].map(role => [
        role,
        { threshold: 1, keys: [{ id, operator: 'ada' }] },
      ]),
    ) as never,
  } satisfies Full<Data<'root'>>,
  released: { release: 1, configs: { kiosk: [{ path, narSize: 9 }] }, devices: { 'kiosk-1': 'kiosk' } } satisfies Full<
    Data<'released'>
  >,
  sites: {
    sites: [
      {
        ...{ site: 'north', threshold: 1, keys: [id], nixPublicKeys: ['north-1:AAAA'], release: 2 },
        ...{ message: 'new sign', devices: ['kiosk-1'] },
      },
    ],
  } satisfies Full<Data<'sites'>>,
  availability: {
    ...{ days: ['2026-01-31'], others: 3 },
    devices: [{ device: 'kiosk-1', peer, site: 'north', on: [0.75] }],
  } satisfies Full<Data<'availability'>>,
}
