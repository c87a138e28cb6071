/** Every attack of the kit, in the order of the docs. */

import type { Attack } from './attack.ts'
import { accessAttacks } from './cases/access.ts'
import { addressAttacks } from './cases/addresses.ts'
import { approvalAttacks } from './cases/approvals.ts'
import { authorFloodAttacks } from './cases/author-floods.ts'
import { boundAttacks } from './cases/bound.ts'
import { bundleAttacks } from './cases/bundles.ts'
import { cacheAttacks } from './cases/cache.ts'
import { certificateAttacks } from './cases/certificates.ts'
import { claimAttacks } from './cases/claims.ts'
import { closureAttacks } from './cases/closures.ts'
import { crowdAttacks } from './cases/crowds.ts'
import { daemonAttacks } from './cases/daemon.ts'
import { documentShareAttacks } from './cases/document-shares.ts'
import { documentAttacks } from './cases/documents.ts'
import { exchangeShareAttacks } from './cases/exchange-shares.ts'
import { extensionAttacks } from './cases/extensions.ts'
import { filesAttacks } from './cases/files.ts'
import { floodAttacks } from './cases/floods.ts'
import { gossipAttacks } from './cases/gossip.ts'
import { localApiAttacks } from './cases/local-api.ts'
import { logAttacks } from './cases/logs.ts'
import { memberAttacks } from './cases/members.ts'
import { metadataAttacks } from './cases/metadata.ts'
import { metricsAttacks } from './cases/metrics.ts'
import { newsAttacks } from './cases/news.ts'
import { pageTerminalAttacks } from './cases/page-terminal.ts'
import { proposalAttacks } from './cases/proposals.ts'
import { rangeAttacks } from './cases/ranges.ts'
import { relayAttacks } from './cases/relays.ts'
import { removalAttacks } from './cases/removals.ts'
import { rootAttacks } from './cases/roots.ts'
import { shardAttacks } from './cases/shards.ts'
import { siteAttacks } from './cases/sites.ts'
import { stallAttacks } from './cases/stalls.ts'
import { stolenKeyAttacks } from './cases/stolen-keys.ts'
import { strangerAttacks } from './cases/strangers.ts'
import { swarmShareAttacks } from './cases/swarm-shares.ts'
import { syncAttacks } from './cases/syncs.ts'
import { terminalAttacks } from './cases/terminal.ts'
import { unboundAttacks } from './cases/unbound.ts'

export const attacks: readonly Attack[] = [
  ...metadataAttacks,
  ...rootAttacks,
  ...proposalAttacks,
  ...approvalAttacks,
  ...extensionAttacks,
  ...stolenKeyAttacks,
  ...unboundAttacks,
  ...accessAttacks,
  ...certificateAttacks,
  ...memberAttacks,
  ...siteAttacks,
  ...strangerAttacks,
  ...gossipAttacks,
  ...authorFloodAttacks,
  ...documentAttacks,
  ...shardAttacks,
  ...documentShareAttacks,
  ...stallAttacks,
  ...exchangeShareAttacks,
  ...closureAttacks,
  ...swarmShareAttacks,
  ...crowdAttacks,
  ...addressAttacks,
  ...relayAttacks,
  ...syncAttacks,
  ...rangeAttacks,
  ...newsAttacks,
  ...floodAttacks,
  ...cacheAttacks,
  ...bundleAttacks,
  ...daemonAttacks,
  ...claimAttacks,
  ...localApiAttacks,
  ...terminalAttacks,
  ...pageTerminalAttacks,
  ...filesAttacks,
  ...removalAttacks,
  ...boundAttacks,
  ...metricsAttacks,
  ...logAttacks,
]
