/** Golden messages of what controllers ask of devices, and of relays: each made with fixed values. */

import { type LogEntry, logEntryCodec } from '../../protocol/audit/log-entry.ts'
import * as access from '../../protocol/messages/access.ts'
import { alertsRequestCodec } from '../../protocol/messages/alerts.ts'
import { auditEntriesCodec, auditProofsCodec, auditRequestCodec } from '../../protocol/messages/audit.ts'
import { laneAnswerCodec, laneRequestCodec, streamLaneRequestCodec } from '../../protocol/messages/lane.ts'
import {
  decodeHistory,
  encodeHistory,
  metricsHistoryCodec,
  metricsRequestCodec,
} from '../../protocol/messages/metrics.ts'
import { recordingPartCodec, recordingsListCodec, recordingsRequestCodec } from '../../protocol/messages/recordings.ts'
import * as relay from '../../protocol/messages/relay.ts'
import { screenHelloCodec } from '../../protocol/messages/screen.ts'
import { carriedSnapshotsCodec, snapshotItemCodec, snapshotsHelloCodec } from '../../protocol/messages/snapshots.ts'
import { type Fixture, plain } from './fixture.ts'

/** A key of 32 times the byte 5. */
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUF'

const logEntry = {
  v: 1,
  at: '2026-01-31T12:00:00Z',
  what: 'session-began',
  about: { peer: 'ada', user: 'root' },
} satisfies LogEntry

/** The beginning of a picture of 2 × 1 pixels: no more of it is looked at. */
export const tinyPng = Uint8Array.from(Buffer.from('89504e470d0a1a0a0000000d4948445200000002000000010802000000', 'hex'))

interface Values {
  readonly hash: Uint8Array
  readonly peer: string
  readonly end: { ip: string; port: number }
}

export function serviceFixtures({ hash, peer, end }: Values): Fixture[] {
  return [
    plain('ssh-hello', access.sshHelloCodec, { v: 1, user: 'root' }),
    plain('forward-hello-ask', access.forwardHelloCodec, { v: 1, ask: { user: 'root', key: sshKey } }),
    plain('forward-hello-connect', access.forwardHelloCodec, { v: 1, ticket: hash, to: 'tcp:127.0.0.1:80' }),
    plain('access-challenge', access.accessVerdictCodec, { challenge: hash }),
    plain('access-proof', access.proofCodec, { signature: '-----BEGIN SSH SIGNATURE-----\n' }),
    plain('access-verdict', access.accessVerdictCodec, { ok: true, ticket: hash }),
    plain('access-refusal', access.accessVerdictCodec, { error: 'not-granted', reason: 'none' }),
    plain('screen-hello', screenHelloCodec, { v: 1, ticket: hash, screen: 'kiosk', control: true }),
    plain('snapshots-hello', snapshotsHelloCodec, { v: 1, ticket: hash, most: 24, pictures: true }),
    plain('snapshot-item', snapshotItemCodec, {
      ...{ screen: 'kiosk', taken: '2026-01-31T12:00:00Z', sha256: hash, bytes: tinyPng.length, png: tinyPng },
    }),
    plain('snapshot-end', snapshotItemCodec, { more: false }),
    plain('carried-snapshots', carriedSnapshotsCodec, {
      v: 1,
      snapshots: [{ screen: 'kiosk', taken: '2026-01-31T12:00:00Z', png: tinyPng }],
    }),
    plain('audit-request-entries', auditRequestCodec, { entries: { from: 256, to: 300 } }),
    plain('audit-request-proofs', auditRequestCodec, { proofs: { of: [7, 256], to: 300 } }),
    plain('audit-entries', auditEntriesCodec, {
      v: 1,
      size: 300,
      from: 256,
      before: [hash],
      entries: [logEntryCodec.encode(logEntry)],
    }),
    plain('audit-proofs', auditProofsCodec, { v: 1, size: 300, proofs: [[hash], null] }),
    plain('log-entry', logEntryCodec, logEntry),
    plain('recordings-request-list', recordingsRequestCodec, { list: true }),
    plain('recordings-request-before', recordingsRequestCodec, { list: true, before: '0123456789ab' }),
    plain('recordings-request-read', recordingsRequestCodec, { read: { id: '0123456789ab', from: 196_608 } }),
    plain('recordings', recordingsListCodec, {
      v: 1,
      recordings: [
        {
          ...{ id: '0123456789ab', peer, controller: 'ada', user: 'root', fingerprint: 'SHA256:x', operators: ['ada'] },
          ...{ began: '2026-01-31T12:00:00Z', seconds: 51, bytes: 4711, reason: 'ended' },
        },
      ],
    }),
    plain('recording-part', recordingPartCodec, { v: 1, size: 4711, from: 0, bytes: Uint8Array.of(1, 2, 3) }),
    plain('metrics-request-history', metricsRequestCodec, {
      history: { step: 900, from: 1_769_860_800, to: 1_769_947_200, series: ['cpu', 'disk'] },
    }),
    plain('metrics-request-scrape', metricsRequestCodec, { scrape: { port: 9100 } }),
    plain('alerts-request-silence', alertsRequestCodec, {
      silence: { rule: 'disk-full', device: 'kiosk-1', for: 7200 },
    }),
    plain('alerts-request-acknowledge', alertsRequestCodec, {
      silence: { rule: 'disk-full', device: 'kiosk-1', since: 1_769_860_800, for: 86_400 },
    }),
    plain('relay-request', relay.relayRequestCodec, { to: peer }),
    plain('relayed-request', relay.relayedRequestCodec, { from: peer, ip: '192.0.2.1' }),
    plain('relay-answer-ok', relay.relayAnswerCodec, { ok: true, ip: '2001:db8::1' }),
    plain('relay-answer-error', relay.relayAnswerCodec, { error: 'not-connected' }),
    plain('lane-request', laneRequestCodec, { closure: hash, aes: true }),
    plain('stream-lane-request', streamLaneRequestCodec, { stream: 17, aes: false }),
    plain('lane-answer-ticket', laneAnswerCodec, {
      name: new Uint8Array(16).fill(8),
      key: new Uint8Array(32).fill(9),
      cipher: 'TLS_CHACHA20_POLY1305_SHA256',
    }),
    plain('lane-answer-error', laneAnswerCodec, { error: 'no-session' }),
    plain('reach-request', relay.reachRequestCodec, { dial: 4460 }),
    plain('reach-answer', relay.reachAnswerCodec, { seen: end, dialled: 'yes', clock: 1_769_860_800_000 }),
    plain('meeting', relay.meetingCodec, { ends: [end], listens: [{ ip: '10.0.0.2', port: 4460 }] }),
    plain('meet-now', relay.meetNowCodec, { now: true }),
    historyFixture(),
  ]
}

/** Two points of one series; the second was not measured. */
function historyFixture(): Fixture {
  const values = () => Float32Array.of(12.5, Number.NaN)
  const series = [{ name: 'cpu', average: values(), min: values(), max: values() }]
  return {
    name: 'metrics-history.cbor',
    bytes: encodeHistory({ step: 900, from: 1_769_860_800, points: 2, series }),
    format: 'metrics history',
    decode: decodeHistory,
    again: bytes => metricsHistoryCodec.encode(metricsHistoryCodec.decode(bytes)),
  }
}
