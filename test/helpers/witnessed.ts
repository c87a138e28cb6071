/** Witnessed logs of a test's devices, honest and not, and reports with their heads. */

import { AuditService } from '../../node/audit/audit-service.ts'
import { WitnessedLog } from '../../node/audit/witnessed-log.ts'
import type { Change, Database, Table } from '../../node/state/database.ts'
import { type LogHead, signHead } from '../../protocol/audit/log-head.ts'
import type { TreeHead } from '../../protocol/audit/merkle.ts'
import type { Extensions } from '../../protocol/encoding/extensions.ts'
import { extendedReportKind } from '../../protocol/report/extended-report.ts'
import { logHeadExtension } from '../../protocol/report/witnessed-log.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { silentLogger } from './log.ts'
import { type Mesh, reportOf, type TestPeer } from './mesh.ts'

/** The parts of a database that a log needs. Batches are written one after another. */
export function memoryDatabase(): Pick<Database, 'apply' | 'table'> & { readonly values: Map<string, Uint8Array> } {
  const values = new Map<string, Uint8Array>()
  const table = { get: async (key: string) => values.get(key) } as Table
  const apply = async (changes: Change[]) => {
    for (const { key, value } of changes) {
      if (value === undefined) values.delete(key)
      else values.set(key, value)
    }
  }
  return { values, apply, table: () => table }
}

/** A log in memory with these entries. */
export async function logOf(...entries: readonly string[]): Promise<WitnessedLog> {
  const log = await WitnessedLog.open(memoryDatabase())
  await extend(log, ...entries)
  return log
}

export async function extend(log: WitnessedLog, ...entries: readonly string[]): Promise<void> {
  for (const about of entries) await log.append({ v: 1, what: 'session-began', about: { name: about } })
}

/** A report of the device with the head of a log; even numbers from 2 on count its reports. */
export function witnessedReport(
  device: Pick<TestPeer, 'fleet' | 'identity' | 'signer'>,
  counter: number,
  head: TreeHead | undefined,
  more: Extensions = { hub: 'none' },
): Uint8Array {
  const signed: LogHead | undefined = head && signHead(device.fleet, head, device.signer)
  const extensions = { ...more, ...(signed && logHeadExtension(signed)) }
  const report = reportOf(device, counter - 1)
  const { fleet, identity } = device
  return signEnvelope(
    extendedReportKind,
    { v: 2, fleet, peer: identity.peerId, counter, report, extensions },
    device.signer,
  )
}

/** The device shows this log to controllers, whichever that is at the time. */
export async function serveLog(
  mesh: Pick<Mesh, 'after'>,
  { host, names, admission }: Pick<TestPeer, 'host' | 'names' | 'admission'>,
  witnessed: () => Pick<WitnessedLog, 'head' | 'entries' | 'proof'>,
): Promise<void> {
  const shown = {
    get head() {
      return witnessed().head
    },
    entries: (...about: Parameters<WitnessedLog['entries']>) => witnessed().entries(...about),
    proof: (...about: Parameters<WitnessedLog['proof']>) => witnessed().proof(...about),
  }
  const service = new AuditService({
    host,
    names,
    admission,
    witnessed: shown,
    log: silentLogger,
    now: () => Date.now() * 1000,
  })
  await service.start()
  mesh.after(() => service.stop())
}
